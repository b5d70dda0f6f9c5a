// SPDX-License-Identifier: BSL-1.0
//
// gpio_lookahead: a GPIO chip that is another chip and can say whether there is an event, without taking it:
// for who waits for several things at once. Freestanding.
//
//     gpio_lookahead watched{chip};
//     if (watched.has_event()) wake_the_guest();
//     watched.next_event(event);
//
// Leaves out what the chip can do beyond the contract and events.
#pragma once

#include <cstdint>

#include <shoal/base/status.hpp>
#include <shoal/hal/gpio_chip.hpp>

namespace shoal::hal {

/// Refers to a chip, of which nobody else takes events.
template <can_gpio_events Chip>
class gpio_lookahead {
 public:
  explicit constexpr gpio_lookahead(Chip& chip) noexcept : chip_(chip) {}

  [[nodiscard]] constexpr std::uint32_t line_count() const noexcept { return chip_.line_count(); }
  [[nodiscard]] constexpr gpio_features features() const noexcept { return chip_.features(); }
  constexpr status request(std::uint32_t line, const gpio_config& config) noexcept {
    return chip_.request(line, config);
  }
  constexpr status release(std::uint32_t line) noexcept {
    if (held_ && event_.line == line) held_ = false;  // events of a line go with it
    return chip_.release(line);
  }
  constexpr status_or<bool> read(std::uint32_t line) noexcept { return chip_.read(line); }
  constexpr status write(std::uint32_t line, bool level) noexcept { return chip_.write(line, level); }

  /// Whether next_event() has something now.
  [[nodiscard]] constexpr bool has_event() noexcept {
    if (!held_) held_ = chip_.next_event(event_);
    return held_;
  }
  constexpr bool next_event(gpio_event& event) noexcept {
    if (!has_event()) return false;
    event = event_;
    held_ = false;
    return true;
  }
  [[nodiscard]] constexpr std::uint64_t lost_events() const noexcept { return chip_.lost_events(); }

 private:
  Chip& chip_;
  gpio_event event_{};
  bool held_ = false;
};

}  // namespace shoal::hal
