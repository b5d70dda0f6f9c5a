// SPDX-License-Identifier: BSL-1.0
//
// What every gpio_chip has to do, as a test of yours can ask of a chip of yours:
//
//     TEST_CASE("my chip is a GPIO chip") {
//       test::conforms_to_gpio_chip([] { return my_chip{registers}; },
//                                   [](my_chip& chip) { return my_wires{chip}; });   // test/gpio_outside.hpp
//     }
//
// What the chip declares absent is checked to be refused; what it has is tested, as far as the outside can be
// reached. Real lines are released at the end, whatever became of the test.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/base/status.hpp>
#include <shoal/hal/gpio_chip.hpp>
#include <shoal/test/gpio_event_conformance.hpp>
#include <shoal/test/gpio_outside.hpp>
#include <shoal/test/gpio_trial.hpp>

namespace shoal::test {

namespace detail {

template <class Chip, class World>
void check_line_numbers(gpio_trial<Chip, World>& trial) {
  Chip& chip = trial.chip;
  for (const std::uint32_t line : {chip.line_count(), chip.line_count() + 1, UINT32_MAX}) {
    CAPTURE(line);
    CHECK(chip.request(line, {}) == status::out_of_range);
    CHECK(chip.release(line) == status::out_of_range);
    CHECK(chip.read(line).code == status::out_of_range);
    CHECK(chip.write(line, true) == status::out_of_range);
    if constexpr (hal::can_gpio_lines<Chip>) {
      CHECK(chip.read_lines(line, 1).code == status::out_of_range);
      CHECK(chip.write_lines(line, 1, 1) == status::out_of_range);
    }
    if constexpr (hal::can_gpio_names<Chip>) CHECK(chip.line_name(line).empty());
  }
  if constexpr (hal::can_gpio_lines<Chip>) {
    CHECK(chip.read_lines(chip.line_count() - 1, 0b10).code == status::out_of_range);
    CHECK(chip.write_lines(chip.line_count() - 1, 0b10, 0) == status::out_of_range);
    CHECK(chip.read_lines(chip.line_count() - 1, std::uint64_t{1} << 63).code == status::out_of_range);
  }
}

template <class Chip, class World>
void check_outputs(gpio_trial<Chip, World>& trial, std::uint32_t line) {
  CAPTURE(line);
  Chip& chip = trial.chip;
  for (const bool active_low : {false, true}) {
    CAPTURE(active_low);
    for (const bool level : {true, false}) {
      const hal::gpio_config config{
          .direction = hal::gpio_direction::output, .level = level, .active_low = active_low};
      REQUIRE(chip.request(line, config) == status::ok);
      trial.check_output(line, level, active_low);
      for (const bool next : {!level, level, level, !level}) {
        CHECK(chip.write(line, next) == status::ok);
        trial.check_output(line, next, active_low);
      }
    }
  }
  CHECK(chip.release(line) == status::ok);
}

template <class Chip, class World>
void check_inputs(gpio_trial<Chip, World>& trial, std::uint32_t line) {
  CAPTURE(line);
  Chip& chip = trial.chip;
  for (const bool active_low : {false, true}) {
    CAPTURE(active_low);
    REQUIRE(chip.request(line, {.active_low = active_low}) == status::ok);
    CHECK(chip.write(line, true) == status::invalid_argument);
    CHECK(chip.read(line));
    for (const bool level : {true, false, false, true}) trial.check_input(line, level, active_low);
  }
  CHECK(chip.release(line) == status::ok);
}

// From output to input and back, without a release, and with one.
template <class Chip, class World>
void check_direction_changes(gpio_trial<Chip, World>& trial, std::uint32_t line) {
  CAPTURE(line);
  Chip& chip = trial.chip;
  for (const bool released : {false, true}) {
    CAPTURE(released);
    REQUIRE(chip.request(line, {.direction = hal::gpio_direction::output, .level = true}) == status::ok);
    trial.check_output(line, true, false);
    trial.check_direction(line, true);
    if (released) {
      CHECK(chip.release(line) == status::ok);
      trial.check_direction(line, false);
    }
    REQUIRE(chip.request(line, {}) == status::ok);
    trial.check_direction(line, false);
    CHECK(chip.write(line, true) == status::invalid_argument);
    for (const bool level : {false, true}) trial.check_input(line, level, false);
    if (released) CHECK(chip.release(line) == status::ok);
    REQUIRE(chip.request(line, {.direction = hal::gpio_direction::output, .level = false}) == status::ok);
    trial.check_output(line, false, false);
    CHECK(chip.write(line, true) == status::ok);
    trial.check_output(line, true, false);
  }
  CHECK(chip.release(line) == status::ok);
}

// A refusal leaves the line as it was.
template <class Chip, class World>
void check_refused(gpio_trial<Chip, World>& trial, std::uint32_t line, const hal::gpio_config& config,
                   status expected) {
  CAPTURE(line);
  Chip& chip = trial.chip;
  REQUIRE(chip.release(line) == status::ok);
  CHECK(chip.request(line, config) == expected);
  CHECK(chip.read(line).code == status::invalid_argument);
  REQUIRE(chip.request(line, {.direction = hal::gpio_direction::output, .level = true}) == status::ok);
  CHECK(chip.request(line, config) == expected);
  trial.check_output(line, true, false);
  CHECK(chip.write(line, false) == status::ok);
  trial.check_output(line, false, false);
  CHECK(chip.release(line) == status::ok);
}

template <class Chip, class World>
void check_bias(gpio_trial<Chip, World>& trial, std::uint32_t line) {
  using hal::gpio_bias;
  for (const gpio_bias bias : {gpio_bias::pull_up, gpio_bias::pull_down, gpio_bias::disabled}) {
    CAPTURE(static_cast<int>(bias));
    if (!trial.chip.features().bias) {
      check_refused(trial, line, {.bias = bias}, status::unsupported);
      continue;
    }
    // or it may have rested at the right level
    if constexpr (can_drive_lines<World>) trial.drive(line, bias == gpio_bias::pull_down);
    REQUIRE(trial.chip.request(line, {.bias = bias}) == status::ok);
    if constexpr (can_undrive_lines<World>) {
      if (bias != gpio_bias::disabled) {
        trial.world.undrive(line);
        trial.settle();
        CHECK(trial.chip.read(line).value == (bias == gpio_bias::pull_up));
      }
    }
    for (const bool level : {true, false}) trial.check_input(line, level, false);
  }
  CHECK(trial.chip.release(line) == status::ok);
}

template <class Chip, class World>
void check_many_lines(gpio_trial<Chip, World>& trial) {
  if constexpr (hal::can_gpio_lines<Chip>) {
    Chip& chip = trial.chip;
    const std::uint32_t first = trial.lines.first;
    const std::uint32_t count = trial.lines.count < 64 ? trial.lines.count : 64;
    const std::uint64_t all = ~std::uint64_t{0} >> (64 - count);
    CHECK(chip.read_lines(first, 0));
    CHECK(chip.write_lines(first, 0, 0) == status::ok);
    CHECK(chip.read_lines(first, 1).code == status::invalid_argument);
    CHECK(chip.write_lines(first, 1, 1) == status::invalid_argument);
    std::uint64_t low = 0;  // every third line is active low
    for (std::uint32_t i = 0; i < count; ++i) {
      if (i % 3 == 2) low |= std::uint64_t{1} << i;
      const hal::gpio_config config{.direction = hal::gpio_direction::output, .active_low = i % 3 == 2};
      REQUIRE(chip.request(first + i, config) == status::ok);
    }
    std::uint64_t expected = 0;
    const auto check = [&] {
      const status_or<std::uint64_t> read = chip.read_lines(first, all);
      CHECK(read.code == status::ok);
      CHECK(read.value == expected);
      for (std::uint32_t i = 0; i < count; ++i) {
        trial.check_output(first + i, (expected >> i & 1) != 0, (low >> i & 1) != 0);
      }
    };
    check();
    for (const std::uint64_t pattern : {~std::uint64_t{0}, std::uint64_t{0x5555'5555'5555'5555},
                                        std::uint64_t{0x0123'4567'89ab'cdef}, std::uint64_t{0}}) {
      for (const std::uint64_t mask : {all, all & 0x3333'3333'3333'3333, all & ~std::uint64_t{1}}) {
        CAPTURE(pattern);
        CAPTURE(mask);
        CHECK(chip.write_lines(first, mask, pattern) == status::ok);
        expected = (expected & ~mask) | (pattern & mask);
        check();
        CHECK(chip.read_lines(first, mask).value == (expected & mask));
      }
    }
    // one line that is an input, or nobody's: nothing is written
    const std::uint32_t last = first + count - 1;
    REQUIRE(chip.request(last, {}) == status::ok);
    CHECK(chip.write_lines(first, all, ~std::uint64_t{0}) == status::invalid_argument);
    CHECK(chip.read_lines(first, all));
    REQUIRE(chip.release(last) == status::ok);
    CHECK(chip.write_lines(first, all, ~std::uint64_t{0}) == status::invalid_argument);
    CHECK(chip.read_lines(first, all).code == status::invalid_argument);
    for (std::uint32_t i = 0; i + 1 < count; ++i) trial.check_output(first + i, false, (low >> i & 1) != 0);
  }
}

template <class Chip, class World>
void check_held_line(gpio_trial<Chip, World>& trial, std::uint32_t line) {
  if constexpr (can_hold_lines<World>) {
    Chip& chip = trial.chip;
    CAPTURE(line);
    REQUIRE(trial.world.hold(line, true));
    CHECK(chip.request(line, {}) == status::busy);
    CHECK(chip.read(line).code == status::invalid_argument);
    CHECK(chip.release(line) == status::ok);
    CHECK(chip.request(line, {}) == status::busy);
    REQUIRE(trial.world.hold(line, false));
    CHECK(chip.request(line, {}) == status::ok);
    CHECK(chip.request(line, {.direction = hal::gpio_direction::output}) == status::ok);
    CHECK_FALSE(trial.world.hold(line, true));
    CHECK(chip.release(line) == status::ok);
  }
}

// What the caller did to a line, and so what the chip has to answer.
struct gpio_model {
  bool taken = false;
  bool output = false;
  bool active_low = false;
  bool level = false;  // logical
};

template <class Chip, class World>
void change_at_random(gpio_trial<Chip, World>& trial, std::uint32_t seed) {
  Chip& chip = trial.chip;
  std::mt19937 random{seed};
  std::vector<gpio_model> model(trial.lines.count < 8 ? trial.lines.count : 8);
  for (int i = 0; i < 400; ++i) {
    const std::size_t index = random() % model.size();
    const std::uint32_t line = trial.lines.first + static_cast<std::uint32_t>(index);
    gpio_model& m = model[index];
    const bool level = random() % 2 != 0;
    CAPTURE(i);
    CAPTURE(line);
    switch (random() % 6) {
      case 0: {
        const bool active_low = random() % 2 != 0;
        const bool output = random() % 2 != 0;
        m = {.taken = true, .output = output, .active_low = active_low, .level = level};
        const auto direction = output ? hal::gpio_direction::output : hal::gpio_direction::input;
        CHECK(chip.request(line, {.direction = direction, .level = level, .active_low = active_low}) ==
              status::ok);
        break;
      }
      case 1:
        m = {};
        CHECK(chip.release(line) == status::ok);
        break;
      case 2:
      case 3:
        CHECK(chip.write(line, level) == (m.taken && m.output ? status::ok : status::invalid_argument));
        if (m.output) m.level = level;
        break;
      default: break;
    }
    if (!m.taken) {
      CHECK(chip.read(line).code == status::invalid_argument);
    } else if (m.output) {
      trial.check_output(line, m.level, m.active_low);
    } else {
      trial.check_input(line, level, m.active_low);
    }
  }
}

}  // namespace detail

/// @param make        gives the chip each time it is called
/// @param make_world  given a chip, gives its outside (test/gpio_outside.hpp)
/// @param lines       that nobody else uses and that may be driven: all of them, or some; at least one
/// @param seed        of the random part; printed when it fails
template <class Make, class MakeWorld = make_no_outside>
void conforms_to_gpio_chip(Make make, MakeWorld make_world = {}, gpio_lines lines = {},
                           std::uint32_t seed = 20240917) {
  auto chip = make();
  using chip_type = decltype(chip);
  static_assert(hal::gpio_chip<chip_type>);
  auto world = make_world(chip);
  CAPTURE(seed);
  REQUIRE(chip.line_count() > lines.first);
  detail::gpio_trial<chip_type, decltype(world)> trial{chip, world, lines};
  const std::uint32_t first = trial.lines.first;
  const std::uint32_t last = first + trial.lines.count - 1;

  SUBCASE("line numbers end at the number of lines") {
    detail::check_line_numbers(trial);
  }
  SUBCASE("a line that was not requested is not read or written, and can be released") {
    for (const std::uint32_t line : {first, last}) {
      CHECK(chip.read(line).code == status::invalid_argument);
      CHECK(chip.write(line, true) == status::invalid_argument);
      CHECK(chip.release(line) == status::ok);
      CHECK(chip.release(line) == status::ok);
      REQUIRE(chip.request(line, {}) == status::ok);
      CHECK(chip.release(line) == status::ok);
      CHECK(chip.read(line).code == status::invalid_argument);
      CHECK(chip.write(line, true) == status::invalid_argument);
    }
  }
  SUBCASE("an output has the level that was asked for, from its request on") {
    for (std::uint32_t line = first; line <= last; ++line) detail::check_outputs(trial, line);
  }
  SUBCASE("an input has the level that the outside gives it, and is not written") {
    for (std::uint32_t line = first; line <= last; ++line) detail::check_inputs(trial, line);
  }
  SUBCASE("lines do not disturb each other") {
    for (std::uint32_t line = first; line <= last; ++line) {
      const bool level = (line - first) % 2 != 0;
      REQUIRE(chip.request(line, {.direction = hal::gpio_direction::output, .level = level}) == status::ok);
    }
    for (std::uint32_t line = first; line <= last; ++line) {
      const bool level = (line - first) % 2 != 0;
      trial.check_output(line, level, false);
      CHECK(chip.write(line, !level) == status::ok);
      CHECK(chip.write(line, level) == status::ok);
    }
    for (std::uint32_t line = first; line <= last; ++line)
      trial.check_output(line, (line - first) % 2 != 0, false);
  }
  SUBCASE("a line changes its direction") {
    for (const std::uint32_t line : {first, last}) detail::check_direction_changes(trial, line);
  }
  SUBCASE("a bias is there, or refused") {
    for (const std::uint32_t line : {first, last}) detail::check_bias(trial, line);
  }
  SUBCASE("edges are there, or refused") {
    using enum hal::gpio_edge;
    for (const hal::gpio_edge edges : {rising, falling, both}) {
      if (!chip.features().edges) {
        detail::check_refused(trial, last, {.edges = edges}, status::unsupported);
      } else {
        REQUIRE(chip.request(last, {.edges = edges}) == status::ok);
        const hal::gpio_config output{.direction = hal::gpio_direction::output, .edges = edges};
        detail::check_refused(trial, last, output, status::invalid_argument);
      }
    }
  }
  SUBCASE("several lines are read and written at once") {
    detail::check_many_lines(trial);
  }
  SUBCASE("a line that somebody else has is busy") {
    detail::check_held_line(trial, last);
  }
  SUBCASE("names are short") {
    if constexpr (hal::can_gpio_names<chip_type>) {
      for (std::uint32_t line = 0; line < chip.line_count(); ++line) {
        CHECK(chip.line_name(line).size() <= 31);
        CHECK(chip.line_name(line).find('\0') == std::string_view::npos);
      }
    }
  }
  SUBCASE("random changes leave what the model says") {
    detail::change_at_random(trial, seed);
  }
  if constexpr (hal::can_gpio_events<chip_type>) {
    if (chip.features().edges) detail::check_events(trial);
  } else {
    CHECK_FALSE(chip.features().edges);
  }
}

}  // namespace shoal::test
