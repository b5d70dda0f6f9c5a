// SPDX-License-Identifier: BSL-1.0
//
// The time of what a program records, where nanoseconds are good enough: the wall clock is the counter.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>

#include <shoal/monitor/recording_format.hpp>

/// Nanoseconds since 1970. Does not go back, whatever is done to the clock, in no thread.
struct wall_clock {
  static std::uint64_t now() noexcept {
    static std::atomic<std::uint64_t> latest{0};
    const std::uint64_t time = since_1970();
    std::uint64_t before = latest.load(std::memory_order_relaxed);
    while (before < time && !latest.compare_exchange_weak(before, time, std::memory_order_relaxed)) {
    }
    return std::max(before, time);
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
