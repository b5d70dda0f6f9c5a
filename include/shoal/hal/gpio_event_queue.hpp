// SPDX-License-Identifier: BSL-1.0
//
// gpio_event_queue: the events of a chip until somebody asks for them. For who implements a can_gpio_events.
// Freestanding.
//
//     gpio_event_queue<> events_;
//     events_.push({.line = 3, .edge = gpio_edge::rising, .time = clock()});
//
// When it is full the oldest goes: what a line did last matters most. Belongs to one strand.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <shoal/hal/gpio_chip.hpp>

namespace shoal::hal {

/// @tparam Capacity  events that wait at most; a chip keeps 16 or more
template <std::size_t Capacity = 64>
class gpio_event_queue {
  static_assert(Capacity >= 16, "a can_gpio_events keeps at least 16");

 public:
  constexpr void push(const gpio_event& event) noexcept {
    if (size_ == Capacity) {
      ++lost_;
      first_ = (first_ + 1) % Capacity;
    } else {
      ++size_;
    }
    events_[(first_ + size_ - 1) % Capacity] = event;
  }

  /// Takes the oldest; false when there is none, and `event` is as it was.
  constexpr bool pop(gpio_event& event) noexcept {
    if (size_ == 0) return false;
    event = events_[first_];
    first_ = (first_ + 1) % Capacity;
    --size_;
    return true;
  }

  /// How many had to go since the queue exists.
  [[nodiscard]] constexpr std::uint64_t lost() const noexcept { return lost_; }

 private:
  std::array<gpio_event, Capacity> events_{};
  std::size_t first_ = 0;
  std::size_t size_ = 0;
  std::uint64_t lost_ = 0;
};

}  // namespace shoal::hal
