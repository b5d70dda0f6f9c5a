// SPDX-License-Identifier: BSL-1.0
#include <shoal/hal/gpio_lookahead.hpp>

#include <doctest/doctest.h>

#include <shoal/hal/simulated_chip.hpp>

using namespace shoal;
using namespace shoal::hal;

static_assert(can_gpio_events<gpio_lookahead<simulated_chip<8>>>);

TEST_CASE("looking ahead takes nothing and keeps the order") {
  simulated_chip<8> chip;
  gpio_lookahead watched{chip};
  CHECK(watched.line_count() == 8);
  CHECK(watched.features() == chip.features());
  REQUIRE(watched.request(3, {.edges = gpio_edge::both}) == status::ok);
  gpio_event event;
  CHECK(!watched.has_event());
  CHECK(!watched.next_event(event));
  chip.drive(3, true);
  chip.drive(3, false);
  CHECK(watched.has_event());
  CHECK(watched.has_event());
  REQUIRE(watched.next_event(event));
  CHECK(event.edge == gpio_edge::rising);
  REQUIRE(watched.next_event(event));
  CHECK(event.edge == gpio_edge::falling);
  CHECK(!watched.has_event());
  CHECK(watched.lost_events() == 0);
}

TEST_CASE("an event that was looked at goes with its line") {
  simulated_chip<8> chip;
  gpio_lookahead watched{chip};
  REQUIRE(watched.request(3, {.edges = gpio_edge::both}) == status::ok);
  chip.drive(3, true);
  CHECK(watched.has_event());
  CHECK(watched.release(3) == status::ok);
  CHECK(!watched.has_event());
}

TEST_CASE("levels pass through") {
  simulated_chip<8> chip;
  gpio_lookahead watched{chip};
  REQUIRE(watched.request(5, {.direction = gpio_direction::output}) == status::ok);
  CHECK(watched.write(5, true) == status::ok);
  CHECK(watched.read(5).value);
}
