// SPDX-License-Identifier: BSL-1.0
#include <shoal/hypercall/device_window.hpp>

#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/hal/register_file.hpp>
#include <shoal/hal/simulated_bus.hpp>

#include "guest_model.hpp"

namespace {

using namespace guest_model;
using space = guest_access::space;

constexpr std::uint64_t base = 0x1'0000'0000;

/// Keeps what its reads are answered with.
struct answered_vcpu : scripted_vcpu {
  std::vector<std::uint64_t> answers;
  void answer(std::uint64_t value) noexcept { answers.push_back(value); }
};
static_assert(answering_vcpu<answered_vcpu> && !answering_vcpu<scripted_vcpu>);

/// Runs a guest that makes this access until the window lets something through.
status_or<guest_access> ends_with(answered_vcpu& cpu, hal::register_file<4>& registers,
                                  const guest_access& last) {
  cpu.access(last);
  cpu.end = status::timed_out;
  hal::simulated_bus bus{hal::placed{hal::bus_address{base}, registers}};
  device_window window{cpu, hal::bus_range{hal::bus_address{base}, 16}, bus};
  return window.run();
}

}  // namespace

TEST_CASE("a guest's accesses reach the registers behind the window") {
  hal::register_file<4> registers;
  registers[1].value = 0xcafe;
  answered_vcpu cpu;
  cpu.access({.where = space::memory, .width = 4, .address = base + 4});
  const status_or<guest_access> end =
      ends_with(cpu, registers,
                {.where = space::memory, .is_write = true, .width = 4, .address = base + 8, .value = 0x1234});
  CHECK(end.code == status::timed_out);
  CHECK(cpu.answers == std::vector<std::uint64_t>{0xcafe});
  CHECK(registers[2].value == 0x1234);
}

TEST_CASE("what is no access to the window's bus is let through") {
  hal::register_file<4> registers;
  for (const guest_access& other : {
           guest_access{.where = space::memory, .width = 4, .address = base + 14},
           guest_access{.where = space::memory, .width = 4, .address = base + 16},
           guest_access{.where = space::memory, .width = 4, .address = base - 4},
           guest_access{.where = space::memory, .width = 4, .address = ~std::uint64_t{0}},
           guest_access{.where = space::memory, .width = 4, .address = base + 2},
           guest_access{.where = space::memory, .width = 3, .address = base},
           guest_access{.where = space::memory, .width = 0, .address = base},
           guest_access{.where = space::port, .is_write = true, .width = 4, .address = 0x502},
       }) {
    answered_vcpu cpu;
    const status_or<guest_access> end = ends_with(cpu, registers, other);
    CAPTURE(other.address);
    REQUIRE(end);
    CHECK(*end == other);
    CHECK(cpu.answers.empty());
  }
}
