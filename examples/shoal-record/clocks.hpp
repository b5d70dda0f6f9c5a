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
    return latest = std::max(latest, since_1970());
  }
  std::uint64_t operator()() const noexcept { return now(); }
  static shoal::monitor::clock_point point() noexcept {
    const std::uint64_t time = since_1970();
    return {time, time};
  }

 private:
  static std::uint64_t since_1970() noexcept {
    const auto time = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(time).count());
  }
};
