// SPDX-License-Identifier: BSL-1.0
//
// What a chip with edge events has to do: the part of conforms_to_gpio_chip that deals with them.
//
//     detail::check_events(trial);
//
// Asks for little when nobody drives the lines: then no event may come.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/base/status.hpp>
#include <shoal/hal/gpio_chip.hpp>
#include <shoal/test/gpio_outside.hpp>
#include <shoal/test/gpio_trial.hpp>

namespace shoal::test::detail {

// Those that wait, of lines of the trial. A chip that works hands out no more than it can hold.
template <class Chip, class World>
std::vector<hal::gpio_event> take_events(gpio_trial<Chip, World>& trial) {
  trial.settle();
  std::vector<hal::gpio_event> events;
  hal::gpio_event event;
  while (trial.chip.next_event(event)) {
    events.push_back(event);
    if (events.size() == 100'000) FAIL("events without end");
  }
  return events;
}

template <class Chip, class World>
void check_edges(gpio_trial<Chip, World>& trial, std::uint32_t line, hal::gpio_edge edges, bool active_low) {
  CAPTURE(line);
  CAPTURE(static_cast<int>(edges));
  CAPTURE(active_low);
  Chip& chip = trial.chip;
  REQUIRE(chip.request(line, {}) == status::ok);
  trial.drive(line, active_low);  // logically low
  take_events(trial);
  REQUIRE(chip.request(line, {.active_low = active_low, .edges = edges}) == status::ok);
  CHECK(take_events(trial).empty());
  std::uint64_t time = 0;
  bool level = false;
  for (const bool next : {true, true, false, true, false, false, true, false}) {
    trial.drive(line, next != active_low);
    CHECK(chip.read(line).value == next);
    const std::vector<hal::gpio_event> events = take_events(trial);
    const hal::gpio_edge edge = next ? hal::gpio_edge::rising : hal::gpio_edge::falling;
    if (next == level || !has(edges, edge)) {
      CHECK(events.empty());
    } else if (events.size() != 1) {
      CHECK(events.size() == 1);
    } else {
      CHECK(events[0].line == line);
      CHECK(events[0].edge == edge);
      CHECK(events[0].time >= time);
      time = events[0].time;
    }
    level = next;
  }
  CHECK(chip.release(line) == status::ok);
}

template <class Chip, class World>
void check_events(gpio_trial<Chip, World>& trial) {
  Chip& chip = trial.chip;
  const std::uint32_t first = trial.lines.first;
  const std::uint32_t last = first + trial.lines.count - 1;
  SUBCASE("no events come without a change") {
    take_events(trial);
    REQUIRE(chip.request(first, {.edges = hal::gpio_edge::both}) == status::ok);
    REQUIRE(chip.request(last, {.edges = hal::gpio_edge::both}) == status::ok);
    take_events(trial);  // of the line's way from what it was
    CHECK(take_events(trial).empty());
    CHECK(chip.lost_events() == 0);
  }
  if constexpr (can_drive_lines<World>) {
    SUBCASE("edges that were asked for are events, once each") {
      using enum hal::gpio_edge;
      for (const std::uint32_t line : {first, last}) {
        for (const hal::gpio_edge edges : {none, rising, falling, both}) {
          for (const bool active_low : {false, true}) check_edges(trial, line, edges, active_low);
        }
      }
      CHECK(chip.lost_events() == 0);
    }
    SUBCASE("a line that was released, or changed to no edges, has no events") {
      REQUIRE(chip.request(first, {.edges = hal::gpio_edge::both}) == status::ok);
      trial.drive(first, true);
      trial.drive(first, false);
      take_events(trial);
      REQUIRE(chip.request(first, {}) == status::ok);
      trial.drive(first, true);
      trial.drive(first, false);
      CHECK(take_events(trial).empty());
      REQUIRE(chip.request(first, {.edges = hal::gpio_edge::both}) == status::ok);
      trial.drive(first, true);
      CHECK(take_events(trial).size() == 1);
      CHECK(chip.release(first) == status::ok);
      trial.drive(first, false);
      trial.drive(first, true);
      CHECK(take_events(trial).empty());
    }
    SUBCASE("events wait in their order, and what does not fit is counted") {
      REQUIRE(chip.request(first, {}) == status::ok);
      trial.drive(first, false);
      REQUIRE(chip.request(first, {.edges = hal::gpio_edge::both}) == status::ok);
      take_events(trial);
      for (int i = 0; i < 16; ++i) trial.drive(first, i % 2 == 0);
      const std::vector<hal::gpio_event> events = take_events(trial);
      REQUIRE(events.size() == 16);
      CHECK(chip.lost_events() == 0);
      for (std::size_t i = 0; i < events.size(); ++i) {
        CHECK(events[i].edge == (i % 2 == 0 ? hal::gpio_edge::rising : hal::gpio_edge::falling));
        CHECK((i == 0 || events[i].time >= events[i - 1].time));
      }
      for (int i = 0; i < 200; ++i) trial.drive(first, i % 2 == 0);
      const std::vector<hal::gpio_event> kept = take_events(trial);
      CHECK(kept.size() >= 16);
      CHECK(kept.size() + chip.lost_events() == 200);
    }
    if (first != last) {
      SUBCASE("events of two lines come in the order in which they happened") {
        for (const std::uint32_t line : {first, last}) {
          REQUIRE(chip.request(line, {}) == status::ok);
          trial.drive(line, false);
          REQUIRE(chip.request(line, {.edges = hal::gpio_edge::rising}) == status::ok);
        }
        take_events(trial);
        for (const std::uint32_t line : {last, first}) trial.drive(line, true);
        const std::vector<hal::gpio_event> events = take_events(trial);
        REQUIRE(events.size() == 2);
        CHECK(events[0].line == last);
        CHECK(events[1].line == first);
        CHECK(events[0].time <= events[1].time);
      }
    }
  }
}

}  // namespace shoal::test::detail
