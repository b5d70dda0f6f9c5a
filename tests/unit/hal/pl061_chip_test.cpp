// SPDX-License-Identifier: BSL-1.0
#include <shoal/hal/pl061_chip.hpp>

#include <cstdint>

#include <doctest/doctest.h>

#include <shoal/base/status.hpp>
#include <shoal/hal/bus_address.hpp>
#include <shoal/hal/device_model.hpp>
#include <shoal/hal/pl061_model.hpp>
#include <shoal/hal/pl061_registers.hpp>
#include <shoal/hal/register_block.hpp>
#include <shoal/hal/register_file.hpp>
#include <shoal/hal/simulated_bus.hpp>

using namespace shoal::hal;
using shoal::status;

namespace {

constexpr bus_address base{0x0903'0000};

}  // namespace

TEST_CASE("a PL061 says what it is, and what is no PL061 does not") {
  pl061_model model;
  CHECK(pl061_chip{simulated_bus{placed{base, model}}, base}.is_present());
  CHECK_FALSE(pl061_chip{simulated_bus{}, base}.is_present());
  register_file<1024> zeroes;
  CHECK_FALSE(pl061_chip{simulated_bus{placed{base, zeroes}}, base}.is_present());
}

TEST_CASE("polled edges interrupt nobody") {
  pl061_model model;
  pl061_chip chip{simulated_bus{placed{base, model}}, base};
  REQUIRE(chip.request(2, {.edges = gpio_edge::both}) == status::ok);
  model.drive(2, true);
  CHECK_FALSE(model.interrupts());
  gpio_event event;
  REQUIRE(chip.next_event(event));
  CHECK(event.edge == gpio_edge::rising);
}

TEST_CASE("two edges between two looks are two events, of the same time") {
  pl061_model model;
  manual_clock clock;
  pl061_chip<simulated_bus<pl061_model>, bus_address, manual_clock&> chip{simulated_bus{placed{base, model}},
                                                                          base, clock};
  REQUIRE(chip.request(2, {.edges = gpio_edge::both}) == status::ok);
  clock.advance(9);
  model.drive(2, true);
  model.drive(2, false);
  gpio_event event;
  REQUIRE(chip.next_event(event));
  CHECK(event == gpio_event{.line = 2, .edge = gpio_edge::rising, .time = 9});
  REQUIRE(chip.next_event(event));
  CHECK(event == gpio_event{.line = 2, .edge = gpio_edge::falling, .time = 9});
  CHECK_FALSE(chip.next_event(event));
}

TEST_CASE("several lines change in one store, and those that are not asked for stay") {
  pl061_model model;
  pl061_chip chip{simulated_bus{placed{base, model}}, base};
  for (std::uint32_t line = 0; line < 8; ++line) {
    REQUIRE(chip.request(line, {.direction = gpio_direction::output, .level = line < 4}) == status::ok);
  }
  CHECK(chip.write_lines(2, 0b1111, 0b1100) == status::ok);
  CHECK(chip.read_lines(0, 0xff).value == 0b0011'0011);
}

TEST_CASE("the model interrupts for levels and edges that are not masked, until they are gone or cleared") {
  pl061_model model;
  register_block gpio{simulated_bus{placed{base, model}}, base};
  gpio.write<pl061::level_sense>(0b01);
  gpio.write<pl061::rising_event>(0b11);
  gpio.write<pl061::interrupt_mask>(0b11);
  model.drive(0, true);
  CHECK(model.interrupts());
  model.drive(0, false);
  CHECK_FALSE(model.interrupts());
  model.drive(1, true);
  model.drive(1, false);
  CHECK(gpio.read<pl061::masked_interrupt>() == 0b10);
  gpio.write<pl061::interrupt_clear>(0b10);
  CHECK_FALSE(model.interrupts());
}
