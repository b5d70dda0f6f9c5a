// SPDX-License-Identifier: BSL-1.0
//
// The contract of a GPIO chip: numbered lines that are read or driven. Freestanding.
//
//     template <gpio_chip Chip>
//     status blink(Chip& chip, std::uint32_t led) {
//       if (const status s = chip.request(led, {.direction = gpio_direction::output}); s != status::ok) return
//       s; return chip.write(led, true);
//     }
//
// For drivers of whatever hangs at the lines, over any chip: simulated, registers on a bus, Linux, a guest's.
// What a chip cannot do is declared (features, and members that exist or do not), not discovered. Leaves out
// drive strength, open drain and debouncing.
#pragma once

#include <concepts>
#include <cstdint>
#include <string_view>

#include <shoal/base/status.hpp>

namespace shoal::hal {

enum class gpio_direction : std::uint8_t { input, output };

enum class gpio_bias : std::uint8_t {
  as_is,     ///< whatever it is
  disabled,  ///< floating
  pull_up,
  pull_down,
};

/// Changes of the logical level (after active_low), as bits.
enum class gpio_edge : std::uint8_t { none = 0, rising = 1, falling = 2, both = 3 };
[[nodiscard]] constexpr bool has(gpio_edge edges, gpio_edge wanted) noexcept {
  return (static_cast<unsigned>(edges) & static_cast<unsigned>(wanted)) == static_cast<unsigned>(wanted);
}

/// How a line is to be used.
struct gpio_config {
  gpio_direction direction = gpio_direction::input;
  bool level = false;       ///< of an output, from the first moment on: logical
  bool active_low = false;  ///< logical levels are the inverse of the physical ones
  gpio_bias bias = gpio_bias::as_is;
  gpio_edge edges = gpio_edge::none;  ///< of an input: which become events; of an output: invalid_argument
  friend constexpr bool operator==(const gpio_config&, const gpio_config&) noexcept = default;
};

/// What request() takes. A configuration that asks for more is status::unsupported, and nothing has changed.
struct gpio_features {
  bool bias = false;          ///< others than gpio_bias::as_is
  bool edges = false;         ///< others than gpio_edge::none; such a chip is a can_gpio_events
  bool atomic_lines = false;  ///< read_lines and write_lines act on all their lines in one moment
  friend constexpr bool operator==(const gpio_features&, const gpio_features&) noexcept = default;
};

/// One change of one line.
struct gpio_event {
  std::uint32_t line = 0;
  gpio_edge edge = gpio_edge::none;  ///< rising or falling
  std::uint64_t time = 0;            ///< nanoseconds on the chip's clock, which does not go back
  friend constexpr bool operator==(const gpio_event&, const gpio_event&) noexcept = default;
};

/// Lines 0 to line_count() - 1.
///
/// `request(line, config)` takes a line for the caller, or changes how a line that was taken is used: busy when
/// somebody else has it. `release(line)` gives it back as an input, and succeeds for a line that nobody took.
/// `read(line)` gives the logical level, of an output too. `write(line, level)` drives an output. Both fail
/// with invalid_argument when the line was not requested, write() also when it is an input. A line that does
/// not exist is out_of_range everywhere. A chip belongs to one strand.
template <class C>
concept gpio_chip =
    requires(C& chip, const C& constant, std::uint32_t line, const gpio_config& config, bool level) {
      { constant.line_count() } noexcept -> std::same_as<std::uint32_t>;
      { constant.features() } noexcept -> std::same_as<gpio_features>;
      { chip.request(line, config) } noexcept -> std::same_as<status>;
      { chip.release(line) } noexcept -> std::same_as<status>;
      { chip.read(line) } noexcept -> std::same_as<status_or<bool>>;
      { chip.write(line, level) } noexcept -> std::same_as<status>;
    };

/// Several lines in one call: bit i of `mask` and of the values is line `first + i`. Errors as of read() and
/// write(), of any line in the mask; a write that fails has changed nothing that was checked beforehand.
template <class C>
concept can_gpio_lines =
    gpio_chip<C> && requires(C& chip, std::uint32_t first, std::uint64_t mask, std::uint64_t values) {
      { chip.read_lines(first, mask) } noexcept -> std::same_as<status_or<std::uint64_t>>;
      { chip.write_lines(first, mask, values) } noexcept -> std::same_as<status>;
    };

/// `next_event(event)`: the oldest that waits, or false; never blocks. A chip keeps at least 16;
/// `lost_events()` counts those that had to go.
template <class C>
concept can_gpio_events = gpio_chip<C> && requires(C& chip, const C& constant, gpio_event& event) {
  { chip.next_event(event) } noexcept -> std::same_as<bool>;
  { constant.lost_events() } noexcept -> std::same_as<std::uint64_t>;
};

/// `line_name(line)`: as the board calls it, empty for none; at most 31 bytes, lives as long as the chip.
template <class C>
concept can_gpio_names = gpio_chip<C> && requires(const C& constant, std::uint32_t line) {
  { constant.line_name(line) } noexcept -> std::same_as<std::string_view>;
};

}  // namespace shoal::hal
