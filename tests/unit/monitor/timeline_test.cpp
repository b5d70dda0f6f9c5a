// SPDX-License-Identifier: BSL-1.0
#include <shoal/monitor/timeline.hpp>

#include <cstdint>

#include <doctest/doctest.h>

using shoal::monitor::clock_point;
using shoal::monitor::timeline;

namespace {

constexpr std::uint64_t epoch = 1'700'000'000'000'000'000;

/// A counter that goes on by seven at each look.
struct steps {
  static inline std::uint64_t count = 0;
  static std::uint64_t now() noexcept { return count += 7; }
};

}  // namespace

TEST_CASE("times lie on the line through the first and the last clock point") {
  timeline times;
  times.add({1000, epoch});
  CHECK_FALSE(times.calibrated());
  CHECK(times.unix_ns(5000) == epoch);
  CHECK(times.frequency() == 0);
  times.add({2000, epoch + 400});
  times.add({5000, epoch + 1000});
  REQUIRE(times.calibrated());
  CHECK(times.frequency() == doctest::Approx(4e9));
  CHECK(times.unix_ns(1000) == epoch);
  CHECK(times.unix_ns(3000) == epoch + 500);
  CHECK(times.unix_ns(9000) == epoch + 2000);
  CHECK(times.unix_ns(0) == epoch - 250);
}

TEST_CASE("points that make no sense give times all the same") {
  timeline times;
  times.add({5000, epoch});
  times.add({1000, epoch + 1});
  CHECK_FALSE(times.calibrated());
  CHECK(times.unix_ns(77) == epoch);
  times.add({5001, ~std::uint64_t{0} >> 1});
  CHECK(times.calibrated());
  CHECK(times.unix_ns(~std::uint64_t{0} >> 2) != epoch);
  times.add({6000, 0});  // the wall clock was set to 1970 meanwhile
  CHECK(times.frequency() == 0);
  CHECK(times.unix_ns(5000) == epoch);
}

TEST_CASE("a clock point is read between two looks at the counter") {
  steps::count = 100;
  const clock_point point = shoal::monitor::sample_clock<steps>();
  CHECK(point.cycles == 107 + 3);
  CHECK(point.unix_ns > epoch);
}
