// SPDX-License-Identifier: BSL-1.0
#include <shoal/vmi/linux/system_calls.hpp>

#include <vector>

#include <doctest/doctest.h>

#include <shoal/vmi/linux/interrupt_table.hpp>

#include "../synthetic.hpp"

using namespace shoal;
using namespace shoal::vmi;
using shoal::vmi::tests::synthetic_space;
using shoal::vmi::tests::synthetic_symbols;

namespace {

constexpr std::uint64_t text = 0xffff'ffff'8100'0000;
constexpr std::uint64_t calls = 0xffff'ffff'8200'0000;
constexpr std::uint64_t gates = 0xffff'ffff'8300'0000;

symbol_table symbols() {
  return synthetic_symbols({{text, "_stext"},
                            {text, "startup"},
                            {text + 0x100, "__x64_sys_read"},
                            {text + 0x200, "__ia32_sys_write"},
                            {text + 0x200, "__x64_sys_write"},
                            {text + 0x300, "do_nothing"},
                            {text + 0x1000, "_etext"},
                            {text + 0x2000, "early_idt_handler_array"},
                            {calls, "sys_call_table"},
                            {calls + 32, "after"},
                            {gates, "idt_table"}});
}

synthetic_space clean() {
  synthetic_space space;
  space.bytes.put(calls, text + 0x100);
  space.bytes.put(calls + 8, text + 0x200);
  space.bytes.put(calls + 16, text + 0x100);
  space.bytes.put(calls + 24, std::uint64_t{0});
  return space;
}

void put_gate(synthetic_space& space, std::size_t vector, std::uint64_t to, bool present = true) {
  const std::uint64_t at = gates + 16 * vector;
  space.bytes.put(at, (to & 0xffff) | 0x10 << 16 | std::uint64_t{present ? 0x8e00u : 0x0e00u} << 32 |
                          (to >> 16 & 0xffff) << 48);
  space.bytes.put(at + 8, to >> 32);
}

}  // namespace

TEST_CASE("a clean table of system calls is read to its end, and nothing is found in it") {
  synthetic_space space = clean();
  const symbol_table all = symbols();
  const auto table = read_system_calls(space, all);
  REQUIRE(table);
  REQUIRE(table->entries.size() == 3);
  CHECK(system_call_function(all, table->entries[1]) == "__ia32_sys_write");
  CHECK(check_system_calls(*table, code_names{all}, all).empty());
  CHECK(check_system_calls(*table, code_names{all}, all, table->entries).empty());
  synthetic_space nothing;
  CHECK(read_system_calls(nothing, all).error() == errc::out_of_range);
  CHECK(read_system_calls(space, symbol_table{}).error() == errc::not_found);
}

TEST_CASE("entries that lead elsewhere are told with where they lead") {
  synthetic_space space = clean();
  const symbol_table all = symbols();
  const code_names names{all};
  const std::vector<virtual_address> before = read_system_calls(space, all)->entries;
  const auto found_with = [&](std::uint64_t entry, const std::vector<virtual_address>& known) {
    space.bytes.put(calls + 8, entry);
    return check_system_calls(*read_system_calls(space, all), names, all, known);
  };
  auto found = found_with(0xffff'ffff'c012'3000, {});
  REQUIRE(found.size() == 1);
  CHECK(found[0].subject == "system call 1");
  CHECK(found[0].detail == "0xffffffffc0123000 in no known code: leads out of the kernel's code");
  module_list modules;
  modules.modules.push_back({{}, virtual_address{0xffff'ffff'c012'0000}, 0x4000, "rootkit"});
  CHECK(code_names{all, &modules}.describe(virtual_address{0xffff'ffff'c012'3000}) ==
        "0xffffffffc0123000 in module rootkit");
  found = found_with(text + 0x204, {});
  REQUIRE(found.size() == 1);
  CHECK(found[0].detail == "__x64_sys_write+0x4: leads to what is no system call");
  CHECK(found_with(text + 0x300, {}).size() == 1);
  CHECK(found_with(text + 0x100, {}).empty());  // another one's: only who knows the table before can tell
  found = found_with(text + 0x100, before);
  REQUIRE(found.size() == 1);
  CHECK(found[0].detail == "__x64_sys_read: was __x64_sys_write");
  space.bytes.put(calls + 16, std::uint64_t{0});
  CHECK(found_with(text + 0x200, before).size() == 1);
}

TEST_CASE("gates lead into the kernel's code and where they led") {
  synthetic_space space;
  for (std::size_t i = 0; i < interrupt_vectors; ++i) put_gate(space, i, text + i);
  put_gate(space, 20, text + 0x2010);  // left from the boot
  put_gate(space, 255, 0x1234, false);
  const symbol_table all = symbols();
  const code_names names{all};
  const auto before = read_interrupt_table(space, virtual_address{gates});
  REQUIRE(before);
  CHECK((*before)[14] == virtual_address{text + 14});
  CHECK((*before)[255] == virtual_address{});
  CHECK(check_interrupt_table(*before, names).empty());
  CHECK(check_interrupt_table(*before, names, &*before).empty());

  put_gate(space, 14, 0xffff'ffff'c012'3000);
  put_gate(space, 13, text + 0x300);
  put_gate(space, 12, 0, false);
  put_gate(space, 255, text);
  const auto now = read_interrupt_table(space, virtual_address{gates});
  REQUIRE(now);
  const auto found = check_interrupt_table(*now, names);
  REQUIRE(found.size() == 1);
  CHECK(found[0].subject == "interrupt 14");
  const auto changed = check_interrupt_table(*now, names, &*before);
  REQUIRE(changed.size() == 4);
  CHECK(changed[0].detail == "absent: was startup+0xc");
  CHECK(changed[1].detail == "do_nothing: was startup+0xd");
  CHECK(changed[3].detail == "startup: was not there");
  CHECK(read_interrupt_table(space, virtual_address{gates + 16}).error() == errc::out_of_range);
}
