// SPDX-License-Identifier: BSL-1.0
#include <shoal/hal/bcm2835_chip.hpp>

#include <cstdint>

#include <doctest/doctest.h>

#include <shoal/base/status.hpp>
#include <shoal/hal/bcm2835_model.hpp>
#include <shoal/hal/bcm2835_registers.hpp>
#include <shoal/hal/bus_address.hpp>
#include <shoal/hal/device_model.hpp>
#include <shoal/hal/register_block.hpp>
#include <shoal/hal/simulated_bus.hpp>

using namespace shoal::hal;
using shoal::status;

namespace {

constexpr bus_address base{0x3f20'0000};

// A model that notices if the pin ever shows a level as an output.
struct watched_model : bcm2835_model {
  std::uint32_t pin = 0;
  bool was_low = false;
  bool was_high = false;
  std::uint32_t stores = 0;

  void store(std::uint64_t offset, std::uint64_t value, std::uint8_t width) noexcept {
    bcm2835_model::store(offset, value, width);
    ++stores;
    if (!is_output(pin)) return;
    (level(pin) ? was_high : was_low) = true;
  }
};

}  // namespace

TEST_CASE("an output never shows another level than the one it is requested with") {
  watched_model model;
  model.pin = 33;
  bcm2835_chip chip{simulated_bus{placed{base, model}}, base};
  REQUIRE(chip.request(33, {.direction = gpio_direction::output, .level = true}) == status::ok);
  CHECK(chip.release(33) == status::ok);
  model.was_high = false;
  REQUIRE(chip.request(33, {.direction = gpio_direction::output, .level = false}) == status::ok);
  CHECK_FALSE(model.was_high);
  CHECK(model.was_low);
}

TEST_CASE("a write is one store") {
  watched_model model;
  bcm2835_chip chip{simulated_bus{placed{base, model}}, base};
  REQUIRE(chip.request(40, {.direction = gpio_direction::output}) == status::ok);
  model.stores = 0;
  CHECK(chip.write(40, true) == status::ok);
  CHECK(model.stores == 1);
}

TEST_CASE("the model's pull takes only by the whole procedure, at its pace") {
  bcm2835_model model;
  register_block gpio{simulated_bus{placed{base, model}}, base};
  const auto wait = [&](int cycles) {
    for (int i = 0; i < cycles; ++i) static_cast<void>(gpio.read<bcm2835::pin_level>());
  };
  for (const int first : {0, 149, 150}) {
    for (const int second : {0, 149, 150}) {
      CAPTURE(first);
      CAPTURE(second);
      const bool before = model.level(5);
      gpio.write<bcm2835::pull_control>(before ? 1 : 2);
      wait(first);
      gpio.write<bcm2835::pull_clock>(1u << 5);
      wait(second);
      gpio.write<bcm2835::pull_control>(0);
      gpio.write<bcm2835::pull_clock>(0);
      CHECK((model.level(5) != before) == (first >= 150 && second >= 150));
    }
  }
}

TEST_CASE("a line that has another function is busy, and is left alone") {
  bcm2835_model model;
  simulated_bus bus{placed{base, model}};
  register_block gpio{bus, base};
  gpio.write<bcm2835::function_select>(0b100'000'100, 1);  // lines 10 and 12
  bcm2835_chip chip{bus, base};
  CHECK(chip.request(12, {}) == status::busy);
  CHECK(chip.request(11, {}) == status::ok);
  CHECK(chip.release(12) == status::ok);
  CHECK(chip.release(11) == status::ok);
  CHECK(gpio.read<bcm2835::function_select>(1) == 0b100'000'100);
}

TEST_CASE("a line that was an output before anybody came can be taken") {
  bcm2835_model model;
  simulated_bus bus{placed{base, model}};
  register_block{bus, base}.write<bcm2835::function_select>(1);
  bcm2835_chip chip{bus, base};
  CHECK(chip.request(0, {}) == status::ok);
  CHECK_FALSE(model.is_output(0));
}

TEST_CASE("a chip on a bus with nothing at it is busy, and hangs nowhere") {
  simulated_bus nothing;
  bcm2835_chip chip{nothing, base};
  CHECK(chip.request(0, {.bias = gpio_bias::pull_up}) == status::busy);
  gpio_event event;
  CHECK_FALSE(chip.next_event(event));
}

TEST_CASE("lines of both banks are read and written together") {
  bcm2711_model model;
  bcm2711_chip chip{simulated_bus{placed{base, model}}, base};
  for (const std::uint32_t line : {30u, 31u, 32u, 57u}) {
    REQUIRE(chip.request(line, {.direction = gpio_direction::output, .active_low = line == 32}) == status::ok);
  }
  const std::uint64_t mask = 0b111 | std::uint64_t{1} << 27;
  CHECK(chip.write_lines(30, mask, 0b101 | std::uint64_t{1} << 27) == status::ok);
  CHECK(model.level(30));
  CHECK_FALSE(model.level(31));
  CHECK_FALSE(model.level(32));
  CHECK(model.level(57));
  CHECK(chip.read_lines(30, mask).value == (0b101 | std::uint64_t{1} << 27));
}
