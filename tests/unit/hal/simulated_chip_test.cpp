// SPDX-License-Identifier: BSL-1.0
#include <shoal/hal/simulated_chip.hpp>

#include <string_view>

#include <doctest/doctest.h>

#include <shoal/base/status.hpp>

using shoal::status;
using shoal::hal::gpio_bias;
using shoal::hal::gpio_direction;
using shoal::hal::gpio_edge;
using shoal::hal::gpio_event;
using shoal::hal::manual_clock;
using shoal::hal::simulated_chip;

TEST_CASE("an event has the time of the clock that the chip was given") {
  manual_clock clock;
  simulated_chip<4, manual_clock&> chip{clock};
  REQUIRE(chip.request(2, {.edges = gpio_edge::both}) == status::ok);
  clock.advance(1'000);
  chip.drive(2, true);
  clock.advance(500);
  chip.drive(2, true);
  chip.drive(2, false);
  gpio_event event;
  REQUIRE(chip.next_event(event));
  CHECK(event == gpio_event{.line = 2, .edge = gpio_edge::rising, .time = 1'000});
  REQUIRE(chip.next_event(event));
  CHECK(event == gpio_event{.line = 2, .edge = gpio_edge::falling, .time = 1'500});
  CHECK_FALSE(chip.next_event(event));
}

TEST_CASE("a line is driven by the chip, else by the outside, else pulled by its bias, else it stays") {
  simulated_chip<1> chip;
  CHECK_FALSE(chip.level(0));
  chip.drive(0, true);
  CHECK(chip.level(0));
  REQUIRE(chip.request(0, {.direction = gpio_direction::output}) == status::ok);
  CHECK_FALSE(chip.level(0));
  CHECK(chip.is_output(0));
  REQUIRE(chip.release(0) == status::ok);
  CHECK(chip.level(0));
  CHECK_FALSE(chip.is_output(0));
  chip.undrive(0);
  CHECK(chip.level(0));
  REQUIRE(chip.request(0, {.bias = gpio_bias::pull_down}) == status::ok);
  CHECK_FALSE(chip.level(0));
  REQUIRE(chip.request(0, {.bias = gpio_bias::pull_up}) == status::ok);
  CHECK(chip.level(0));
  REQUIRE(chip.request(0, {.bias = gpio_bias::disabled}) == status::ok);
  CHECK(chip.level(0));
}

TEST_CASE("a wire carries the level of one line to the next, and a circle ends") {
  simulated_chip<4> chip;
  chip.connect(0, 1);
  chip.connect(1, 2);
  REQUIRE(chip.request(0, {.direction = gpio_direction::output}) == status::ok);
  REQUIRE(chip.request(2, {.active_low = true, .edges = gpio_edge::both}) == status::ok);
  REQUIRE(chip.write(0, true) == status::ok);
  CHECK(chip.level(1));
  CHECK_FALSE(chip.read(2).value);
  gpio_event event;
  REQUIRE(chip.next_event(event));
  CHECK(event.edge == gpio_edge::falling);
  chip.connect(2, 3);
  chip.connect(3, 1);
  chip.connect(3, 3);
  REQUIRE(chip.write(0, false) == status::ok);
  CHECK_FALSE(chip.level(3));
}

TEST_CASE("the request itself is no event, and events that do not fit push out the oldest") {
  simulated_chip<1> chip;
  REQUIRE(chip.request(0, {.bias = gpio_bias::pull_up, .edges = gpio_edge::both}) == status::ok);
  gpio_event event;
  CHECK_FALSE(chip.next_event(event));
  for (int i = 0; i < 100; ++i) {
    chip.clock().advance(1);
    chip.drive(0, i % 2 != 0);
  }
  CHECK(chip.lost_events() == 36);
  REQUIRE(chip.next_event(event));
  CHECK(event.time == 37);
}

TEST_CASE("names are cut, and lines that do not exist have neither name nor level") {
  simulated_chip<2> chip;
  chip.set_name(0, "led");
  chip.set_name(1, "a name that is longer than the 31 bytes that fit");
  chip.set_name(2, "nobody");
  CHECK(chip.line_name(0) == "led");
  CHECK(chip.line_name(1) == "a name that is longer than the ");
  CHECK(chip.line_name(2).empty());
  chip.set_name(1, "");
  CHECK(chip.line_name(1).empty());
  chip.drive(2, true);
  chip.undrive(2);
  chip.connect(0, 2);
  CHECK_FALSE(chip.level(2));
  CHECK_FALSE(chip.is_output(2));
  CHECK_FALSE(chip.hold(2, true));
}

TEST_CASE("a chip is usable at compile time") {
  constexpr bool lit = [] {
    simulated_chip<2> chip;
    chip.request(1, {.direction = gpio_direction::output, .active_low = true});
    chip.write(1, true);
    return !chip.level(1) && chip.read(1).value;
  }();
  static_assert(lit);
}
