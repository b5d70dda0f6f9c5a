// SPDX-License-Identifier: BSL-1.0
//
// A hostile unikernel: does what its command line says, then halts with 0 if it is let. A tender ends it as it
// has said that it would, and nothing else happens.
#include <cstdint>
#include <string_view>

#include <shoal/hypercall/guest/disk.hpp>
#include <shoal/hypercall/guest/machine.hpp>
#include <shoal/hypercall/guest/notes.hpp>
#include <shoal/hypercall/guest/start.hpp>

#include "text.hpp"

using namespace shoal;
using namespace shoal::hypercall;
using namespace std::string_view_literals;

[[gnu::section(".note.solo5.abi"), gnu::used]] constexpr guest::abi_section abi;
[[gnu::section(".note.solo5.manifest"), gnu::used]] constexpr auto devices =
    guest::manifest_of(guest::wanted_device{"disk", device_type::block});

namespace {

constexpr guest::hypercall_instruction out;
constexpr std::uint64_t huge = 0xffff'f000;

void store(std::uint64_t address) {
  *reinterpret_cast<volatile char*>(static_cast<std::uintptr_t>(address)) = 'x';
}

/// What block_read says.
std::uint32_t read_to(std::uint64_t address, std::uint64_t length) {
  block_call asked{.handle = 1, .data = address, .length = length};
  out.call(number::block_read, &asked);
  return asked.result;
}
void print_from(std::uint64_t address, std::uint64_t length) {
  puts_call asked{.data = address, .length = length};
  out.call(number::puts, &asked);
}

void act(std::string_view how, std::uint64_t memory, guest::machine<guest::hypercall_instruction>& here) {
  if (how == "text"sv) store(layout::program);
  if (how == "low"sv) store(0x2000);
  if (how == "past"sv) store(memory);
  if (how == "print-low"sv) print_from(0x2000, 16);
  if (how == "print-past"sv) print_from(memory - 4, 5);
  if (how == "print-4g"sv) print_from(layout::program, huge);
  if (how == "print-wrap"sv) print_from(~std::uint64_t{0} - 3, 8);
  if (how == "read-text"sv) print(here, read_to(layout::program, 512));
  if (how == "read-low"sv) print(here, read_to(0x2000, 512));
  if (how == "read-past"sv) print(here, read_to(memory - 511, 512));
  if (how == "read-4g"sv) print(here, read_to(0x200000, huge));
  if (how == "last"sv) {
    const std::string_view text = "last\n"sv;
    for (std::size_t i = 0; i < text.size(); ++i) {
      *reinterpret_cast<volatile char*>(static_cast<std::uintptr_t>(memory - text.size() + i)) = text[i];
    }
    print_from(memory - text.size(), text.size());
  }
  if (how == "argument"sv)
    out.call(number::puts, reinterpret_cast<void*>(static_cast<std::uintptr_t>(memory - 8)));
  if (how == "argument-text"sv) out.call(number::walltime, reinterpret_cast<void*>(layout::program));
  if (how == "cookie"sv) here.halt(0, reinterpret_cast<void*>(static_cast<std::uintptr_t>(memory - 511)));
  if (how == "number"sv) out.call(77, nullptr);
  if (how == "port"sv) asm volatile("outb %%al, $0x80" : : "a"(0));
  if (how == "interrupt"sv) asm volatile("int3");
  if (how == "halt"sv) asm volatile("hlt");
  if (how == "spin"sv || how == "wait"sv || how == "read"sv) here.write("begun\n"sv);
  while (how == "spin"sv) asm volatile("");
  while (how == "wait"sv) here.wait(~std::uint64_t{0});
  while (how == "read"sv) read_to(0x200000, 512);
  while (how == "flood"sv) here.write("flood, flood, flood, flood, flood, flood, flood, flood, flood\n"sv);
}

}  // namespace

extern "C" void unikernel_start(const boot_info* info) {
  guest::machine here{guest::hypercall_instruction{}};
  const guest::start found{*info};
  act(found.command_line(), found.memory_size(), here);
  here.halt(0);
}
