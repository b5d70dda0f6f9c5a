// SPDX-License-Identifier: BSL-1.0
#include <shoal/hypercall/guest/bus.hpp>
#include <shoal/hypercall/guest/disk.hpp>
#include <shoal/hypercall/guest/machine.hpp>
#include <shoal/hypercall/guest/pins.hpp>
#include <shoal/hypercall/guest/transport.hpp>

#include <array>
#include <cstring>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/hal/simulated_chip.hpp>
#include <shoal/hal/simulated_i2c.hpp>
#include <shoal/hypercall/block_calls.hpp>
#include <shoal/hypercall/gpio_calls.hpp>
#include <shoal/hypercall/i2c_calls.hpp>
#include <shoal/hypercall/standard_calls.hpp>

namespace {

using namespace shoal;
using namespace shoal::hypercall;

/// All that this program has is the guest's memory: both halves in one process.
struct own_memory {
  bytes_span window(hal::guest_address address, std::size_t n) noexcept {
    return {reinterpret_cast<std::byte*>(static_cast<std::uintptr_t>(address)), n};
  }
};
static_assert(hal::guest_memory<own_memory>);

/// Calls a table of handlers at once.
template <class Table>
struct direct {
  Table* table;
  own_memory* memory;
  outcome* last;
  void call(std::uint32_t number, void* argument) noexcept {
    *last = table->handle(hypercall::call{number, guest::address_of(argument)}, *memory);
  }
};

struct text_sink {
  std::string text;
  status write(bytes_view bytes) noexcept {
    text += as_text(bytes);
    return status::ok;
  }
};
struct fixed_clock {
  std::uint64_t operator()() const noexcept { return 42; }
};
struct no_waiter {
  std::uint64_t wait(std::uint64_t, std::uint64_t nanoseconds) noexcept { return nanoseconds == 5 ? 6 : 0; }
};
struct small_disk {
  std::vector<std::byte> bytes = std::vector<std::byte>(4096);
  unsigned flushes = 0;
  std::uint64_t capacity() const noexcept { return bytes.size(); }
  std::uint32_t block_size() const noexcept { return 512; }
  status read(std::uint64_t offset, bytes_span out) noexcept {
    std::memcpy(out.data(), bytes.data() + offset, out.size());
    return status::ok;
  }
  status write(std::uint64_t offset, bytes_view in) noexcept {
    std::memcpy(bytes.data() + offset, in.data(), in.size());
    return status::ok;
  }
  status flush() noexcept {
    ++flushes;
    return status::ok;
  }
};

/// A tender and what it gives.
struct tender {
  using chip_type = hal::simulated_chip<8>;
  using bus_type = hal::simulated_i2c<hal::i2c_registers<256>>;

  manifest devices;
  text_sink sink;
  fixed_clock clock;
  no_waiter waiter;
  small_disk disk;
  chip_type chip;
  hal::i2c_registers<256> sensor;
  bus_type bus{hal::i2c_placed{hal::i2c_address{0x76}, sensor}};
  console_calls<text_sink> console{sink};
  walltime_calls<fixed_clock> time{clock};
  poll_calls<no_waiter> poll{waiter};
  halt_calls halt;
  block_calls<small_disk> disks;
  gpio_calls<chip_type, no_waiter> pins{waiter};
  i2c_calls<bus_type> buses;
  using table_type =
      hypercall_table<console_calls<text_sink>, walltime_calls<fixed_clock>, poll_calls<no_waiter>, halt_calls,
                      block_calls<small_disk>, gpio_calls<chip_type, no_waiter>, i2c_calls<bus_type>>;
  table_type table{console, time, poll, halt, disks, pins, buses};
  own_memory memory;
  outcome last = outcome::resume;
  direct<table_type> way{&table, &memory, &last};

  tender() {
    REQUIRE(devices.add("disk", device_type::block) == status::ok);
    REQUIRE(devices.add("pins", device_type::gpio) == status::ok);
    REQUIRE(devices.add("bus", device_type::i2c) == status::ok);
    REQUIRE(disks.attach(devices, "disk", disk) == status::ok);
    REQUIRE(pins.attach(devices, "pins", chip) == status::ok);
    REQUIRE(buses.attach(devices, "bus", bus) == status::ok);
  }
};
using way_type = direct<tender::table_type>;
static_assert(guest::transport<way_type>);
static_assert(block_backend<guest::disk<way_type>> && can_block_flush<guest::disk<way_type>>);
static_assert(hal::gpio_chip<guest::pins<way_type>> && hal::can_gpio_events<guest::pins<way_type>>);
static_assert(hal::i2c_bus<guest::bus<way_type>>);

TEST_CASE_FIXTURE(tender, "a guest prints, asks for the time, waits and ends") {
  guest::machine here{way};
  here.write("hello\n");
  CHECK(sink.text == "hello\n");
  CHECK(here.wall_time() == 42);
  CHECK(here.wait(5) == 6);
  CHECK(here.wait(1) == 0);
  here.halt(-7);
  CHECK(last == outcome::halt);
  CHECK(halt.exit_status() == -7);
}

TEST_CASE_FIXTURE(tender, "a guest has its disk") {
  guest::disk storage{way, 1, devices[1]};
  CHECK(storage.capacity() == 4096);
  CHECK(storage.block_size() == 512);
  std::vector<std::byte> blocks(1024, std::byte{7});
  CHECK(storage.write(512, blocks) == status::ok);
  CHECK(disk.bytes[1535] == std::byte{7});
  std::fill(blocks.begin(), blocks.end(), std::byte{0});
  CHECK(storage.read(1024, blocks) == status::ok);
  CHECK(blocks[511] == std::byte{7});
  CHECK(storage.read(4096, blocks) == status::invalid_argument);
  CHECK(storage.flush() == status::ok);
  CHECK(disk.flushes == 1);
  CHECK(storage.discard(0, 512) == status::unsupported);
}

TEST_CASE_FIXTURE(tender, "a guest's lines are a chip like any other") {
  guest::pins lines{way, 2, devices[2]};
  CHECK(lines.line_count() == 8);
  CHECK(lines.request(5, {.direction = hal::gpio_direction::output, .level = true}) == status::ok);
  CHECK(chip.level(5));
  CHECK(lines.read(5).value);
  CHECK(lines.write(5, false) == status::ok);
  CHECK_FALSE(chip.level(5));
  CHECK(lines.request(3, {.edges = hal::gpio_edge::both}) == status::ok);
  CHECK(lines.write(3, true) == status::invalid_argument);
  chip.drive(3, true);
  CHECK(lines.read(3).value);
  hal::gpio_event event;
  REQUIRE(lines.next_event(event));
  CHECK(event.line == 3);
  CHECK(event.edge == hal::gpio_edge::rising);
  CHECK_FALSE(lines.next_event(event));
  CHECK(lines.request(5, {}) == status::ok);  // another use of the same line
  CHECK_FALSE(chip.is_output(5));
  CHECK(lines.release(5) == status::ok);
  CHECK(lines.release(5) == status::ok);
  CHECK(lines.read(5).code == status::invalid_argument);
  CHECK(lines.read(8).code == status::out_of_range);
  REQUIRE(chip.hold(6, true));
  CHECK(lines.request(6, {}) == status::busy);
}

TEST_CASE_FIXTURE(tender, "a guest has its bus") {
  sensor[0x0f] = std::byte{0x33};
  guest::bus sensors{way, 3};
  const std::array reg{std::byte{0x0f}};
  std::array<std::byte, 1> id{};
  CHECK(sensors.transfer(hal::i2c_address{0x76}, reg, id) == status::ok);
  CHECK(id[0] == std::byte{0x33});
  CHECK(sensors.transfer(hal::i2c_address{0x50}, reg, id) == status::failed);
  CHECK(sensors.transfer(hal::i2c_address{1}, reg, id) == status::invalid_argument);
}

}  // namespace
