// SPDX-License-Identifier: BSL-1.0
//
// nanosecond_clock: where a chip takes the time of an event from, and manual_clock, which a test moves by hand.
// Freestanding.
//
//     manual_clock clock;
//     simulated_chip<8, manual_clock&> chip{clock};
//     clock.advance(1'000'000);
//
// Leaves out what time it is: a clock counts from a moment of its own and does not go back.
#pragma once

#include <concepts>
#include <cstdint>

namespace shoal::hal {

/// `clock()`: nanoseconds since some moment; never less than before.
template <class C>
concept nanosecond_clock = requires(C& clock) {
  { clock() } noexcept -> std::same_as<std::uint64_t>;
};

/// Stands still until it is moved.
class manual_clock {
 public:
  constexpr std::uint64_t operator()() const noexcept { return now_; }
  constexpr void advance(std::uint64_t nanoseconds) noexcept { now_ += nanoseconds; }

 private:
  std::uint64_t now_ = 0;
};
static_assert(nanosecond_clock<manual_clock>);

}  // namespace shoal::hal
