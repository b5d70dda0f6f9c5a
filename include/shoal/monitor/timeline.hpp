// SPDX-License-Identifier: BSL-1.0
//
// timeline: from a recorder's counter to the wall clock, by the clock points of a recording.
//
//     timeline times;
//     times.add(header.clock);  times.add(later);      // the first and the last count
//     const std::uint64_t when = times.unix_ns(record.cycles);
//
// Straight through the first and the last point: a counter runs evenly, a wall clock may have been set
// meanwhile. `sample_clock()` takes a point. Leaves out counters whose rate changes.
#pragma once

#include <chrono>
#include <cstdint>

#include <shoal/hal/cycle_counter.hpp>
#include <shoal/monitor/recording_format.hpp>

namespace shoal::monitor {

/// Both clocks, read at once: of three tries the one that took least.
template <hal::counter Counter = hal::cycle_counter>
[[nodiscard]] clock_point sample_clock() noexcept {
  clock_point best;
  std::uint64_t shortest = ~std::uint64_t{0};
  for (int i = 0; i < 3; ++i) {
    const std::uint64_t before = Counter::now();
    const auto wall = std::chrono::system_clock::now().time_since_epoch();
    const std::uint64_t took = Counter::now() - before;
    if (took >= shortest) continue;
    shortest = took;
    best.cycles = before + took / 2;
    best.unix_ns =
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(wall).count());
  }
  return best;
}

class timeline {
 public:
  void add(clock_point point) noexcept {
    if (!begun_) first_ = point;
    begun_ = true;
    last_ = point;
  }

  /// True once there are two points that a line goes through; before, all times are those of the first.
  [[nodiscard]] bool calibrated() const noexcept { return last_.cycles > first_.cycles; }

  /// Counts in a second; 0 unless calibrated().
  [[nodiscard]] double frequency() const noexcept {
    return calibrated() && last_.unix_ns > first_.unix_ns ? 1e9 / rate() : 0;
  }

  /// The time of a count, in nanoseconds since 1970; before or behind the points too.
  [[nodiscard]] std::uint64_t unix_ns(std::uint64_t cycles) const noexcept {
    if (!calibrated()) return first_.unix_ns;
    const auto since = static_cast<double>(static_cast<std::int64_t>(cycles - first_.cycles)) * rate();
    constexpr double limit = 9e18;  // what an int64_t holds
    const double bounded = since > limit ? limit : since < -limit ? -limit : since;
    return first_.unix_ns + static_cast<std::uint64_t>(static_cast<std::int64_t>(bounded));
  }

 private:
  double rate() const noexcept {
    return static_cast<double>(static_cast<std::int64_t>(last_.unix_ns - first_.unix_ns)) /
           static_cast<double>(last_.cycles - first_.cycles);
  }

  bool begun_ = false;
  clock_point first_;
  clock_point last_;
};

}  // namespace shoal::monitor
