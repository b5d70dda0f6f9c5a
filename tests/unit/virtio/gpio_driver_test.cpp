// SPDX-License-Identifier: BSL-1.0
#include <shoal/virtio/gpio_driver.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

#include <doctest/doctest.h>

#include <shoal/hal/register_file.hpp>
#include <shoal/hal/simulated_bus.hpp>
#include <shoal/hal/simulated_chip.hpp>
#include <shoal/virtio/gpio_device.hpp>
#include <shoal/virtio/mmio_registers.hpp>

#include "../../guest/follow_switch.hpp"
#include "driver_model.hpp"

namespace {

using namespace shoal;
using namespace shoal::virtio;
using driver_model::ram;
using chip_type = hal::simulated_chip<32>;

/// A device of ours behind registers, and the driver in the guest's memory.
struct fixture {
  chip_type chip;
  std::shared_ptr<ram> memory = std::make_shared<ram>();
  mmio_registers<gpio_device<chip_type>, ram> registers{
      std::make_shared<gpio_device<chip_type>>(chip), memory,
      mmio_host{.interrupt = [](bool) {}, .again = [] {}, .start = [](task<>) {}}};
  static constexpr std::uint64_t at = static_cast<std::uint64_t>(ram::base) + 0x1000;
  gpio_driver_memory& shared = *new (memory->at(hal::guest_address{at})) gpio_driver_memory;
  gpio_driver<decltype(registers)> driver{registers, hal::bus_address{0}, shared, at};
};
static_assert(hal::gpio_chip<decltype(fixture::driver)>);

}  // namespace

TEST_CASE_FIXTURE(fixture, "lines of a virtio device are a chip like any other") {
  CHECK(driver.request(3, {}) == status::out_of_range);  // not started
  REQUIRE(driver.start() == status::ok);
  CHECK(driver.line_count() == 32);
  CHECK(driver.request(5, {.direction = hal::gpio_direction::output, .level = true}) == status::ok);
  CHECK(chip.is_output(5));
  CHECK(chip.level(5));
  CHECK(driver.write(5, false) == status::ok);
  CHECK(!chip.level(5));
  CHECK(!driver.read(5).value);
  CHECK(driver.request(3, {.active_low = true}) == status::ok);
  CHECK(driver.write(3, true) == status::invalid_argument);
  chip.drive(3, true);
  CHECK(!driver.read(3).value);
  chip.drive(3, false);
  CHECK(driver.read(3).value);
  CHECK(driver.release(5) == status::ok);
  CHECK(!chip.is_output(5));
  CHECK(driver.read(5).code == status::invalid_argument);
  CHECK(driver.release(5) == status::ok);
}

TEST_CASE_FIXTURE(fixture, "what the device does not have is refused") {
  REQUIRE(driver.start() == status::ok);
  CHECK(driver.request(3, {.edges = hal::gpio_edge::both}) == status::unsupported);
  CHECK(driver.request(3, {.bias = hal::gpio_bias::pull_up}) == status::unsupported);
  CHECK(driver.request(3, {.direction = hal::gpio_direction::output, .edges = hal::gpio_edge::both}) ==
        status::invalid_argument);
  CHECK(driver.request(32, {}) == status::out_of_range);
  CHECK(driver.read(32).code == status::out_of_range);
  REQUIRE(chip.hold(6, true));
  CHECK(driver.request(6, {}) == status::busy);
}

TEST_CASE_FIXTURE(fixture, "the papers' program runs over virtio, round after round") {
  for (int round = 0; round < 2; ++round) {
    REQUIRE(driver.start() == status::ok);
    int pauses = 0;
    CHECK(follow_switch(driver, [&] {
            CHECK(chip.level(led_line) == chip.level(switch_line));
            if (++pauses % 2 == 0) chip.drive(switch_line, !chip.level(switch_line));
          }) == 0);
  }
}

TEST_CASE_FIXTURE(fixture, "indexes of the queue wrap around") {
  REQUIRE(driver.start() == status::ok);
  REQUIRE(driver.request(1, {.direction = hal::gpio_direction::output}) == status::ok);
  bool level = false;
  int wrong = 0;
  for (int i = 0; i < 70'000; ++i) {
    level = !level;
    wrong += driver.write(1, level) != status::ok || chip.level(1) != level ? 1 : 0;
  }
  CHECK(wrong == 0);
}

TEST_CASE("a device that is none, or does not answer, is given up") {
  hal::register_file<128> registers;
  hal::simulated_bus bus{hal::placed{hal::bus_address{0}, registers}};
  gpio_driver_memory shared;
  gpio_driver driver{bus, hal::bus_address{0}, shared, 0x1000};
  CHECK(driver.start() == status::unsupported);
  registers[0].value = mmio_magic;
  registers[1].value = mmio_version;
  registers[2].value = 41;
  CHECK(driver.start() == status::unsupported);  // its queue has no place
  registers[0x34 / 4].value = 8;
  registers[0x100 / 4].value = 8;
  REQUIRE(driver.start() == status::ok);
  CHECK(driver.line_count() == 8);
  CHECK(driver.request(1, {}) == status::timed_out);
  CHECK(driver.request(1, {}) == status::out_of_range);  // it may still write: nothing is asked any more
}
