// SPDX-License-Identifier: BSL-1.0
#include <shoal/os/linux/kvm.hpp>

#include <shoal/os/linux/hvt_machine.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/base/endian.hpp>
#include <shoal/hal/register_file.hpp>
#include <shoal/hal/simulated_bus.hpp>
#include <shoal/hypercall/device_window.hpp>
#include <shoal/hypercall/standard_calls.hpp>
#include <shoal/hypercall/transport.hpp>
#include <shoal/os/linux/introspected_memory.hpp>
#include <shoal/os/linux/kvm_exit.hpp>
#include <shoal/os/linux/kvm_vcpu.hpp>
#include <shoal/os/linux/stop_signals.hpp>
#include <shoal/vmi/address_space.hpp>

#include "../../hypercall/guest_model.hpp"
#include "../../temporary_folder.hpp"

using namespace shoal;
using namespace shoal::linux_os;

TEST_CASE("a node that is not KVM is unsupported, and none says what the system says") {
  CHECK(kvm_host::open("/dev/null").error() == errc::unsupported);
  CHECK(kvm_host::open("/dev/kvm-of-nobody").error() == std::errc::no_such_file_or_directory);
}

TEST_CASE("a stop signal waits until it is taken") {
  const stop_signals stop;
  CHECK(!stop.waiting());
  CHECK(stop.take() == 0);
  stop.limit(std::chrono::microseconds{1});
  while (!stop.waiting()) {
  }
  CHECK(stop.take() == SIGALRM);
  CHECK(!stop.waiting());
}

TEST_CASE("what KVM has left a guest for is the call that the access is") {
  using hypercall::mmio_base;
  alignas(kvm_run) std::array<std::byte, 8192> page{};
  kvm_run& run = *reinterpret_cast<kvm_run*>(page.data());
  const std::uint64_t value = 0x1122'3344'5566'7788;
  const auto same = [&run] {
    const kvm_exit exit{run};
    const auto what = call_of(exit);
    const auto expected = call_of(access_of(exit));
    return space_of(exit) == access_of(exit).where && what.code == expected.code &&
           what->number == expected->number && what->argument == expected->argument;
  };
#ifdef __x86_64__
  run.exit_reason = KVM_EXIT_IO;
  run.io.data_offset = 4096;
  store_le<std::uint64_t>(page.data() + 4096, value);
  unsigned calls = 0;
  for (const unsigned direction : {0u, 1u, 2u, 255u}) {
    for (const unsigned size : {0u, 1u, 2u, 4u, 5u, 8u}) {
      for (const unsigned count : {0u, 1u, 2u, 0x1'0001u, 0xffff'ffffu}) {
        for (unsigned port = 0; port <= 0xffff; port += port < 0x1600 ? 1 : 251) {
          run.io.direction = static_cast<std::uint8_t>(direction);
          run.io.size = static_cast<std::uint8_t>(size);
          run.io.count = count;
          run.io.port = static_cast<std::uint16_t>(port);
          if (!same()) FAIL_CHECK("direction ", direction, ", size ", size, ", count ", count, ", port ", port);
          const auto what = call_of(kvm_exit{run});
          if (what && what->argument == 0x5566'7788) ++calls;
        }
      }
    }
  }
  CHECK(calls == hypercall::most_numbers);
#endif
  run.exit_reason = KVM_EXIT_MMIO;
  std::memcpy(run.mmio.data, &value, sizeof value);
  for (const unsigned length : {0u, 2u, 4u, 8u, 9u}) {
    for (const bool write : {false, true}) {
      for (const std::uint64_t at : {mmio_base - 8, mmio_base + 40, mmio_base + 41, mmio_base + 0x8000}) {
        run.mmio.len = length;
        run.mmio.is_write = write ? 1 : 0;
        run.mmio.phys_addr = at;
        CHECK(same());
        CHECK(static_cast<bool>(call_of(kvm_exit{run})) == (length == 4 && write && at == mmio_base + 40));
      }
    }
  }
}

#ifdef __x86_64__

TEST_CASE("memory of a guest in a file is looked into from outside, by the guest's page tables") {
  const temporary_folder folder;
  const auto path = folder / "guest.ram";
  constexpr std::size_t size = 4 << 20;
  result<guest_pages> pages = guest_pages::in_file(path, size);
  REQUIRE(pages);
  CHECK(guest_pages::in_file(path, size).error() == std::errc::file_exists);
  hal::guest_regions<1> all;
  REQUIRE(all.add(hal::guest_address{0}, pages->bytes()) == status::ok);
  REQUIRE(hypercall::write_x86_64_tables(all, size) == status::ok);

  const result<introspected_memory> seen = introspected_memory::of_file(path);
  REQUIRE(seen);
  vmi::address_space space{*seen, vmi::paging::x86_64_4,
                           vmi::physical_address{hypercall::x86_64_layout::level4}};
  const std::string text = "written later";
  std::ranges::copy(as_bytes(text), pages->bytes().subspan(0x300000).begin());
  std::string read(text.size(), '\0');
  CHECK(space.read(vmi::virtual_address{0x300000}, std::as_writable_bytes(std::span{read})) == status::ok);
  CHECK(read == text);
  CHECK(space.read(vmi::virtual_address{size}, std::as_writable_bytes(std::span{read})) != status::ok);
}

namespace {

using namespace guest_model;

const stop_signals& stop() {
  static const stop_signals one;
  return one;
}

std::optional<kvm_host> host() {
  result<kvm_host> opened = kvm_host::open();
  if (opened) return std::move(*opened);
  MESSAGE("skipped: /dev/kvm cannot be opened: " << opened.error().message());
  return std::nullopt;
}

struct text_sink {
  std::string text;
  std::size_t most = 1000;
  status write(bytes_view said) noexcept {
    if (text.size() + said.size() > most) return status::limit_exceeded;
    text += as_text(said);
    return status::ok;
  }
};

// Instructions of a guest.
std::string call_with(std::uint32_t number, std::uint64_t argument) {  // mov eax, mov edx, out dx
  return "\xb8" + number_text(argument, 4) + "\xba" + number_text(port_base + number, 4) + "\xef";
}
const std::string spin = "\xeb\xfe";
[[maybe_unused]] std::string store_byte(std::uint64_t address) {
  return "\xc6\x04\x25" + number_text(address, 4) + "\x55";
}
[[maybe_unused]] std::string load_word(std::uint64_t address) {
  return "\x8b\x04\x25" + number_text(address, 4);
}
[[maybe_unused]] std::string store_word(std::uint64_t address) {
  return "\x89\x04\x25" + number_text(address, 4);
}

/// A program that is these instructions, with what it says at 0x102000: a puts_call, then "hello".
struct guest_program {
  std::vector<std::byte> file;
  program parsed;

  explicit guest_program(const std::string& instructions) {
    std::vector<piece> pieces = usual_pieces();
    pieces[0].bytes = instructions;
    pieces[2].bytes = number_text(0x102010, 8) + number_text(5, 8) + "hello";
    file = elf(0x100000, pieces);
    const status_or<program> read = program::parse(file, architecture::x86_64, ram::size);
    REQUIRE(read);
    parsed = *read;
  }
};
constexpr std::uint64_t hello_at = 0x102000;
constexpr std::uint64_t halt_at = 0x103800;  // zeroes: no cookie, status 0

/// Runs it to its end.
ending run(const kvm_host& kvm, const guest_program& guest, text_sink& console, kvm_crash* crash = nullptr) {
  result<hvt_machine> machine = hvt_machine::create(kvm, guest.parsed, {}, {}, stop().set());
  REQUIRE(machine);
  console_calls said{console};
  halt_calls halt;
  hypercall_table table{said, halt};
  const ending e = serve(machine->cpu(), table, machine->memory());
  if (crash != nullptr) *crash = machine->cpu().crash();
  return e;
}

}  // namespace

TEST_CASE("a guest says what it has to say, and halts") {
  const auto kvm = host();
  if (!kvm) return;
  text_sink console;
  const guest_program guest{call_with(number::puts, hello_at) + call_with(number::puts, hello_at) +
                            call_with(number::halt, halt_at)};
  CHECK(run(*kvm, guest, console).why == ending_reason::halted);
  CHECK(console.text == "hellohello");
}

TEST_CASE("a guest in memory that others see says the same, and is seen") {
  const auto kvm = host();
  if (!kvm) return;
  const temporary_folder folder;
  const guest_program guest{call_with(number::puts, hello_at) + call_with(number::halt, halt_at)};
  result<hvt_machine> machine = hvt_machine::create(*kvm, guest.parsed, {}, {}, stop().set(),
                                                    guest_pages::in_file(folder / "ram", ram::size));
  REQUIRE(machine);
  text_sink console;
  console_calls said{console};
  halt_calls halt;
  hypercall_table table{said, halt};
  CHECK(serve(machine->cpu(), table, machine->memory()).why == ending_reason::halted);
  const vmi::bytes_source source{machine->ram()};
  const auto memory = vmi::image_memory<vmi::bytes_source>::make(source, vmi::raw_regions(source.size()));
  const result<introspected_memory> seen = introspected_memory::of_file(folder / "ram");
  REQUIRE(memory);
  REQUIRE(seen);
  std::string inside(5, '\0');
  std::string outside(5, '\0');
  const vmi::physical_address hello{0x102010};
  CHECK(memory->read_physical(hello, std::as_writable_bytes(std::span{inside})) == status::ok);
  CHECK(seen->read_physical(hello, std::as_writable_bytes(std::span{outside})) == status::ok);
  CHECK(inside == "hello");
  CHECK(outside == "hello");
}

TEST_CASE("a guest that writes to its text or its constants ends with that access") {
  const auto kvm = host();
  if (!kvm) return;
  text_sink console;
  for (const std::uint64_t at : {0x100100u, 0x101000u}) {
    const ending e = run(*kvm, guest_program{store_byte(at) + spin}, console);
    CHECK(e.why == ending_reason::access);
    CHECK(e.last == guest_access{guest_access::space::memory, true, 1, at, 0x55});
  }
}

TEST_CASE("a guest that reaches below 64 KiB or past its memory fails at handling that, and ends") {
  const auto kvm = host();
  if (!kvm) return;
  text_sink console;
  for (const std::uint64_t at : {std::uint64_t{0xf000}, std::uint64_t{0x2000}, ram::size}) {
    kvm_crash crash{};
    const ending e = run(*kvm, guest_program{store_byte(at) + spin}, console, &crash);
    CHECK(e.why == ending_reason::crashed);
    CHECK(crash == kvm_crash::shutdown);
  }
}

TEST_CASE("a guest that waits for an interrupt ends") {
  const auto kvm = host();
  if (!kvm) return;
  text_sink console;
  kvm_crash crash{};
  CHECK(run(*kvm, guest_program{"\xf4" + spin}, console, &crash).why == ending_reason::crashed);
  CHECK(crash == kvm_crash::halted);
}

TEST_CASE("a guest that spins is stopped by a signal, and one that was stopped before runs not at all") {
  const auto kvm = host();
  if (!kvm) return;
  text_sink console;
  stop().limit(std::chrono::milliseconds{20});
  CHECK(run(*kvm, guest_program{spin}, console).why == ending_reason::stopped);
  CHECK(stop().waiting());
  const guest_program talker{call_with(number::puts, hello_at) + spin};
  CHECK(run(*kvm, talker, console).why == ending_reason::stopped);
  CHECK(console.text.empty());
  CHECK(stop().take() == SIGALRM);
}

TEST_CASE("several ports at once are no call") {
  const auto kvm = host();
  if (!kvm) return;
  text_sink console;
  // mov esi, argument; mov ecx, 3; mov edx, port; rep outsd
  const std::string repeat = "\xbe" + number_text(hello_at, 4) + "\xb9" + number_text(3, 4) + "\xba" +
                             number_text(port_base + number::puts, 4) + "\xf3\x6f";
  const ending e = run(*kvm, guest_program{repeat + spin}, console);
  CHECK(e.why != ending_reason::halted);
  CHECK(console.text.empty());
}

TEST_CASE("what is no memory reaches a bus, and what was written can be asked for") {
  const auto kvm = host();
  if (!kvm) return;
  // by hand: tables for 4 MiB, memory of 2 MiB
  result<guest_pages> pages = guest_pages::allocate(ram::size);
  REQUIRE(pages);
  hal::guest_regions<1> memory;
  REQUIRE(memory.add(hal::guest_address{0}, pages->bytes()) == status::ok);
  REQUIRE(write_x86_64_tables(memory, 2 * ram::size) == status::ok);
  const std::string instructions = load_word(0x200004) + store_word(0x200008) + store_byte(0x150000) + "\xf4";
  std::ranges::copy(as_bytes(instructions), pages->bytes().subspan(0x100000).begin());

  result<kvm_machine> machine = kvm_machine::create(*kvm);
  REQUIRE(machine);
  const result<kvm_slot> slot = machine->add_memory(hal::guest_address{0}, pages->bytes(), {.log = true});
  REQUIRE(slot);
  CHECK(machine->add_memory(hal::guest_address{0x1000}, pages->bytes()).error() == std::errc::file_exists);
  CHECK(machine->add_memory(hal::guest_address{ram::size}, pages->bytes().first(100)).error() ==
        std::errc::invalid_argument);
  CHECK(machine->take_written(kvm_slot{7}).error() == errc::invalid_argument);
  result<kvm_vcpu> cpu = kvm_vcpu::create(*kvm, *machine, stop().set());
  REQUIRE(cpu);
  REQUIRE(start_processor(*kvm, *cpu, x86_64_entry_state(0x100000, ram::size)));

  hal::register_file<4> registers;
  registers[1].value = 0xcafe;
  hal::simulated_bus bus{hal::placed{hal::bus_address{0x200000}, registers}};
  device_window window{*cpu, hal::bus_range{hal::bus_address{0x200000}, 16}, bus};
  CHECK(window.run().code == status::failed);
  CHECK(cpu->crash() == kvm_crash::halted);
  CHECK(registers[2].value == 0xcafe);
  const result<std::vector<std::uint64_t>> written = machine->take_written(*slot);
  REQUIRE(written);
  REQUIRE(written->size() == 8);
  CHECK(((*written)[0x150 / 64] >> 0x150 % 64 & 1) == 1);
  CHECK(((*written)[0x151 / 64] >> 0x151 % 64 & 1) == 0);
}

TEST_CASE("a state that no processor can have is refused, or ends the guest") {
  const auto kvm = host();
  if (!kvm) return;
  const result<kvm_machine> machine = kvm_machine::create(*kvm);
  REQUIRE(machine);
  result<kvm_vcpu> cpu = kvm_vcpu::create(*kvm, *machine, stop().set());
  REQUIRE(cpu);
  x86_64_entry broken;
  broken.cr0 = 0x8000'0000;  // paging without protection
  const result<> set = start_processor(*kvm, *cpu, broken);
  CHECK((!set || cpu->run().code == status::failed));
}

#endif
