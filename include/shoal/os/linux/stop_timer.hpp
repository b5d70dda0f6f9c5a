// SPDX-License-Identifier: BSL-1.0
//
// stop_timer: time that passes for a guest which has to wait, and ends at once when a signal stops it. A
// hypercall::io_timer.
//
//     stop_timer timer{stop};
//     io_rate rate{timer, 20'000'000};
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <ctime>

#include <poll.h>

#include <shoal/hypercall/io_rate.hpp>
#include <shoal/os/linux/stop_signals.hpp>

namespace shoal::linux_os {

class stop_timer {
 public:
  /// @param stop  outlives this
  explicit stop_timer(const stop_signals& stop) noexcept : stop_(stop) {}

  [[nodiscard]] std::uint64_t now() const noexcept {
    const std::chrono::nanoseconds passed = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(passed.count());
  }
  /// False, before the time is over, when a signal is there; it stays.
  [[nodiscard]] bool wait(std::uint64_t nanoseconds) const noexcept {
    constexpr std::uint64_t second = 1'000'000'000;
    const std::uint64_t seconds = std::min(nanoseconds / second, longest);
    const timespec time{.tv_sec = static_cast<time_t>(seconds),
                        .tv_nsec = static_cast<long>(nanoseconds % second)};
    pollfd signal{.fd = stop_.fd(), .events = POLLIN, .revents = 0};
    return ::ppoll(&signal, 1, &time, nullptr) <= 0;
  }

 private:
  static constexpr std::uint64_t longest = 1'000'000;  // seconds: eleven days

  const stop_signals& stop_;
};
static_assert(hypercall::io_timer<stop_timer>);

}  // namespace shoal::linux_os
