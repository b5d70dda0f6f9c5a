// SPDX-License-Identifier: BSL-1.0
//
// simulated_chip: a gpio_chip with everything that a chip can have, and the world outside its lines. For tests
// of drivers, and to try a program without hardware. Freestanding.
//
//     simulated_chip<8> chip;
//     chip.request(3, {.edges = gpio_edge::both});
//     chip.drive(3, true);          // somebody presses the switch
//     chip.next_event(event);       // {3, rising, the clock's time}
//
// What the chip's user sees is logical, what the outside sees and drives is physical. A line is driven by the
// chip when it is an output, else by the outside, else pulled by its bias, else it keeps its level. Leaves out
// short circuits: the chip wins. Belongs to one strand.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include <shoal/base/status.hpp>
#include <shoal/hal/gpio_chip.hpp>
#include <shoal/hal/gpio_event_queue.hpp>
#include <shoal/hal/gpio_line_table.hpp>
#include <shoal/hal/nanosecond_clock.hpp>

namespace shoal::hal {

/// @tparam Lines  1 to any number
/// @tparam Clock  of the events; a reference when others move it
template <std::uint32_t Lines, nanosecond_clock Clock = manual_clock>
class simulated_chip {
  static_assert(Lines > 0);

 public:
  static constexpr std::size_t longest_name = 31;

  constexpr simulated_chip() noexcept
    requires(!std::is_reference_v<Clock>)
  = default;
  /// @param features  fewer than all make a chip that refuses, as real ones do
  explicit constexpr simulated_chip(Clock clock, gpio_features features = everything) noexcept
      : clock_(clock), features_(features) {}

  // ---- the chip's user

  [[nodiscard]] constexpr std::uint32_t line_count() const noexcept { return Lines; }
  [[nodiscard]] constexpr gpio_features features() const noexcept { return features_; }

  constexpr status request(std::uint32_t line, const gpio_config& config) noexcept {
    if (const status s = lines_.check(line, config, features_); s != status::ok) return s;
    if (pins_[line].held) return status::busy;
    pins_[line].output = config.direction == gpio_direction::output;
    pins_[line].latch = config.level != config.active_low;
    gpio_config silent = config;  // what the request itself changes is no event
    silent.edges = gpio_edge::none;
    lines_.take(line, silent);
    settle(line);
    lines_.take(line, config);
    return status::ok;
  }
  constexpr status release(std::uint32_t line) noexcept {
    if (line >= Lines) return status::out_of_range;
    lines_.release(line);
    pins_[line].output = false;
    settle(line);
    return status::ok;
  }
  constexpr status_or<bool> read(std::uint32_t line) noexcept {
    if (const status s = lines_.readable(line); s != status::ok) return s;
    return pins_[line].level != lines_[line].active_low;
  }
  constexpr status write(std::uint32_t line, bool level) noexcept {
    if (const status s = lines_.writable(line); s != status::ok) return s;
    put(line, level);
    return status::ok;
  }
  constexpr status_or<std::uint64_t> read_lines(std::uint32_t first, std::uint64_t mask) noexcept {
    if (const status s = lines_.readable(first, mask); s != status::ok) return s;
    std::uint64_t levels = 0;
    for (std::uint32_t i = 0; i < 64; ++i) {
      if ((mask >> i & 1) != 0 && pins_[first + i].level) levels |= std::uint64_t{1} << i;
    }
    return levels ^ lines_.active_low(first, mask);
  }
  constexpr status write_lines(std::uint32_t first, std::uint64_t mask, std::uint64_t values) noexcept {
    if (const status s = lines_.writable(first, mask); s != status::ok) return s;
    for (std::uint32_t i = 0; i < 64; ++i) {
      if ((mask >> i & 1) != 0) put(first + i, (values >> i & 1) != 0);
    }
    return status::ok;
  }
  constexpr bool next_event(gpio_event& event) noexcept { return events_.pop(event); }
  [[nodiscard]] constexpr std::uint64_t lost_events() const noexcept { return events_.lost(); }
  [[nodiscard]] constexpr std::string_view line_name(std::uint32_t line) const noexcept {
    if (line >= Lines) return {};
    return {pins_[line].name.data(), pins_[line].name_size};
  }

  // ---- the outside. Lines that do not exist are ignored, and low.

  /// Puts a level onto a line, until undrive().
  constexpr void drive(std::uint32_t line, bool level) noexcept {
    if (line >= Lines) return;
    pins_[line].driven = true;
    pins_[line].outside = level;
    settle(line);
  }
  /// Leaves a line to its bias.
  constexpr void undrive(std::uint32_t line) noexcept {
    if (line >= Lines) return;
    pins_[line].driven = false;
    settle(line);
  }
  /// What a voltmeter shows.
  [[nodiscard]] constexpr bool level(std::uint32_t line) const noexcept {
    return line < Lines && pins_[line].level;
  }
  /// Whether it is the chip that drives the line.
  [[nodiscard]] constexpr bool is_output(std::uint32_t line) const noexcept {
    return line < Lines && pins_[line].output;
  }
  /// A wire: from now on `to` is driven to the level of `from`. One wire leaves a line, and wires in a circle
  /// carry nothing further.
  constexpr void connect(std::uint32_t from, std::uint32_t to) noexcept {
    if (from >= Lines || to >= Lines || from == to) return;
    pins_[from].wire = to + 1;
    drive(to, pins_[from].level);
  }
  /// Somebody else takes a line that is free, or gives it back: a request is busy meanwhile. False: it was
  /// taken.
  constexpr bool hold(std::uint32_t line, bool held) noexcept {
    if (line >= Lines || lines_.taken(line)) return false;
    pins_[line].held = held;
    return true;
  }
  /// How the board calls a line. @param name  cut after 31 bytes
  constexpr void set_name(std::uint32_t line, std::string_view name) noexcept {
    if (line >= Lines) return;
    pin& named = pins_[line];
    named.name_size = static_cast<std::uint8_t>(std::min(name.size(), longest_name));
    std::copy_n(name.begin(), named.name_size, named.name.begin());
  }
  [[nodiscard]] constexpr Clock& clock() noexcept { return clock_; }

  static constexpr gpio_features everything{.bias = true, .edges = true, .atomic_lines = true};

 private:
  struct pin {
    std::uint32_t wire = 0;  // the line at its other end, plus one
    bool level = false;
    bool output = false;
    bool latch = false;  // what an output drives
    bool driven = false;
    bool outside = false;  // what the outside drives
    bool held = false;
    std::uint8_t name_size = 0;
    std::array<char, longest_name> name{};
  };

  constexpr void put(std::uint32_t line, bool logical) noexcept {
    pins_[line].latch = logical != lines_[line].active_low;
    settle(line);
  }

  [[nodiscard]] constexpr bool resting_level(std::uint32_t line) const noexcept {
    const pin& p = pins_[line];
    if (p.output) return p.latch;
    if (p.driven) return p.outside;
    const gpio_bias bias = lines_[line].bias;
    if (bias == gpio_bias::pull_up) return true;
    return bias == gpio_bias::pull_down ? false : p.level;
  }

  // Lets a change of one line run along the wires.
  constexpr void settle(std::uint32_t line) noexcept {
    for (std::uint32_t hops = 0; hops < Lines; ++hops) {
      const bool level = resting_level(line);
      if (level == pins_[line].level) return;
      pins_[line].level = level;
      notice(line, level);
      if (pins_[line].wire == 0) return;
      line = pins_[line].wire - 1;
      pins_[line].driven = true;
      pins_[line].outside = level;
    }
  }

  constexpr void notice(std::uint32_t line, bool physical) noexcept {
    const gpio_config& config = lines_[line];
    const gpio_edge edge = physical != config.active_low ? gpio_edge::rising : gpio_edge::falling;
    if (has(config.edges, edge)) events_.push({.line = line, .edge = edge, .time = clock_()});
  }

  Clock clock_{};
  gpio_features features_ = everything;
  gpio_line_table<Lines> lines_;
  std::array<pin, Lines> pins_{};
  gpio_event_queue<> events_;
};
static_assert(gpio_chip<simulated_chip<8>> && can_gpio_lines<simulated_chip<8>>);
static_assert(can_gpio_events<simulated_chip<8>> && can_gpio_names<simulated_chip<8>>);

}  // namespace shoal::hal
