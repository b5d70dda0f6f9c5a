// SPDX-License-Identifier: BSL-1.0
//
// The time of what a program records, where nanoseconds are good enough: the wall clock is the counter.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include <shoal/monitor/recording_format.hpp>

/// Nanoseconds since 1970. Does not go back, whatever is done to the clock.
struct wall_clock {
  static std::uint64_t now() noexcept {
    static std::uint64_t latest = 0;
    const auto time = std::chrono::system_clock::now().time_since_epoch();
    const auto found =
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(time).count());
    return latest = std::max(latest, found);
  }
  std::uint64_t operator()() const noexcept { return now(); }
  static shoal::monitor::clock_point point() noexcept {
    const auto time = std::chrono::system_clock::now().time_since_epoch();
    const auto found =
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(time).count());
    return {found, found};
  }
};
