// SPDX-License-Identifier: BSL-1.0
//
// gpio_trial: a chip, the world outside it and the lines that a test may use; what conforms_to_gpio_chip works
// with.
//
//     gpio_trial trial{chip, world, lines};
//     trial.check_input(3, true, active_low);
//
// Releases the lines before and after.
#pragma once

#include <algorithm>
#include <cstdint>

#include <doctest/doctest.h>

#include <shoal/base/status.hpp>
#include <shoal/hal/gpio_chip.hpp>
#include <shoal/test/gpio_outside.hpp>

namespace shoal::test {

/// Lines of a chip that a test may drive; those that do not exist do not count.
struct gpio_lines {
  std::uint32_t first = 0;
  std::uint32_t count = UINT32_MAX;
};

namespace detail {

template <hal::gpio_chip Chip, class World>
struct gpio_trial {
  Chip& chip;
  World& world;
  gpio_lines lines;

  gpio_trial(Chip& c, World& w, gpio_lines wanted) : chip(c), world(w), lines(wanted) {
    lines.count = std::min(lines.count, chip.line_count() - lines.first);
    release_all();
  }
  gpio_trial(const gpio_trial&) = delete;
  gpio_trial& operator=(const gpio_trial&) = delete;
  ~gpio_trial() { release_all(); }

  void settle() {
    if constexpr (requires { world.settle(); }) world.settle();
  }

  // An output is read as it was written, and seen so from the outside.
  void check_output(std::uint32_t line, bool level, bool active_low) {
    const status_or<bool> read = chip.read(line);
    CHECK(read.code == status::ok);
    CHECK(read.value == level);
    if constexpr (can_see_lines<World>) {
      settle();
      CHECK(world.level(line) == (level != active_low));
    }
  }

  // An input, given this physical level.
  void check_input(std::uint32_t line, bool physical, bool active_low) {
    if constexpr (can_drive_lines<World>) {
      drive(line, physical);
      const status_or<bool> read = chip.read(line);
      CHECK(read.code == status::ok);
      CHECK(read.value == (physical != active_low));
    }
  }

  // Whether it is the chip that drives a line.
  void check_direction(std::uint32_t line, bool output) {
    if constexpr (can_tell_outputs<World>) {
      settle();
      CHECK(world.is_output(line) == output);
    }
  }

  void drive(std::uint32_t line, bool physical) {
    world.drive(line, physical);
    settle();
  }

 private:
  void release_all() {
    for (std::uint32_t i = 0; i < lines.count; ++i) CHECK(chip.release(lines.first + i) == status::ok);
  }
};

}  // namespace detail

}  // namespace shoal::test
