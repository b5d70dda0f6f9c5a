// SPDX-License-Identifier: BSL-1.0
#include <shoal/hypercall/register_windows.hpp>

#include <cstdint>
#include <string>

#include <doctest/doctest.h>

#include <shoal/hal/register_file.hpp>
#include <shoal/hypercall/device_window.hpp>
#include <shoal/hypercall/net_calls.hpp>

#include "guest_model.hpp"

namespace {

using namespace guest_model;
using registers = hal::register_file<4>;
using windows_type = register_windows<registers>;
static_assert(hal::mmio_bus<windows_type> && hypercall_handler<windows_type, guest_ram>);

constexpr std::uint64_t first = register_layout::first;

manifest asking() {
  manifest wanted;
  static_cast<void>(wanted.add("pins", device_type::virtio_gpio));
  static_cast<void>(wanted.add("calls", device_type::gpio));
  static_cast<void>(wanted.add("board", device_type::bcm2835_gpio));
  return wanted;
}

/// Reads and writes as it is told, and keeps what it read.
struct reading_vcpu : scripted_vcpu {
  std::uint64_t read = 0;
  void answer(std::uint64_t value) noexcept { read = value; }
};

}  // namespace

TEST_CASE("each device gets a page, and the guest finds its address in the manifest") {
  manifest wanted = asking();
  windows_type windows;
  registers pins;
  registers board;
  CHECK(windows.range().size() == 0);
  REQUIRE(windows.attach(wanted, "board", device_type::bcm2835_gpio, board) == status::ok);
  REQUIRE(windows.attach(wanted, "pins", device_type::virtio_gpio, pins) == status::ok);
  CHECK(wanted[3].registers_address() == first);
  CHECK(wanted[1].registers_address() == first + 0x1000);
  CHECK(wanted[1].registers_size() == 16);
  CHECK(wanted[1].attached == 1);
  CHECK(wanted[2].attached == 0);
  CHECK(windows.range().base() == hal::bus_address{first});
  CHECK(windows.range().size() == 0x2000);

  windows.store<std::uint32_t>(hal::bus_address{first + 8}, 7);
  CHECK(board[2].value == 7);
  pins[3].value = 9;
  CHECK(windows.load<std::uint32_t>(hal::bus_address{first + 0x100c}) == 9);
}

TEST_CASE("where no register is, a guest reads ones") {
  manifest wanted = asking();
  windows_type windows;
  registers pins;
  REQUIRE(windows.attach(wanted, "pins", device_type::virtio_gpio, pins) == status::ok);
  for (const std::uint64_t at :
       {first + 16, first + 0xffc, first + 2, first + 0x1000, first - 4, std::uint64_t{0}, ~std::uint64_t{3}}) {
    CAPTURE(at);
    windows.store<std::uint32_t>(hal::bus_address{at}, 1);
    CHECK(windows.load<std::uint32_t>(hal::bus_address{at}) == ~std::uint32_t{0});
  }
  for (std::size_t i = 0; i < 4; ++i) CHECK(pins[i].value == 0);
}

TEST_CASE("only what is asked for is attached, once, and as it was asked for") {
  manifest wanted = asking();
  windows_type windows;
  registers device;
  CHECK(windows.attach(wanted, "calls", device_type::gpio, device) == status::out_of_range);
  CHECK(windows.attach(wanted, "pins", device_type::pl061_gpio, device) == status::out_of_range);
  CHECK(windows.attach(wanted, "other", device_type::virtio_gpio, device) == status::out_of_range);
  CHECK(windows.attach(wanted, "pins", device_type::virtio_gpio, device) == status::ok);
  CHECK(windows.attach(wanted, "pins", device_type::virtio_gpio, device) == status::busy);

  hal::register_file<1025> large;
  register_windows<decltype(large)> others;
  CHECK(others.attach(wanted, "board", device_type::bcm2835_gpio, large) == status::no_space);
  windows_type many;
  for (std::size_t i = 0; i <= windows_type::max_devices; ++i) {
    const std::string name = "d" + std::to_string(i);
    REQUIRE(wanted.add(name, device_type::pl061_gpio) == status::ok);
    const status expected = i == windows_type::max_devices ? status::no_space : status::ok;
    CHECK(many.attach(wanted, name, device_type::pl061_gpio, device) == expected);
  }
  CHECK(windows_type::max_devices * register_layout::step <= register_layout::end - register_layout::first);
}

TEST_CASE("a tender with windows knows what it lacks, and serves accesses beside calls") {
  manifest wanted = asking();
  windows_type windows;
  hypercall_table table{windows};
  CHECK(table.missing(wanted).handle == 1);
  CHECK(table.missing(wanted).known);
  registers pins;
  pins[1].value = 0xcafe;
  REQUIRE(windows.attach(wanted, "pins", device_type::virtio_gpio, pins) == status::ok);
  CHECK(table.missing(wanted).handle == 2);
  CHECK_FALSE(table.missing(wanted).known);

  reading_vcpu cpu;
  using space = guest_access::space;
  cpu.access({.where = space::memory, .width = 4, .address = first + 4});
  cpu.access({.where = space::memory, .is_write = true, .width = 4, .address = first, .value = 5});
  cpu.access({.where = space::memory, .is_write = true, .width = 4, .address = first + 0x1000, .value = 6});
  ram memory;
  device_window machine{cpu, windows.range(), windows};
  const ending end = serve(machine, table, memory.guest);
  CHECK(cpu.read == 0xcafe);
  CHECK(pins[0].value == 5);
  CHECK(end.why == ending_reason::access);
  CHECK(end.last.address == first + 0x1000);
}
