// SPDX-License-Identifier: BSL-1.0
#include <shoal/base/range_set.hpp>  // first: shows that the header stands alone

#include <cstdint>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

namespace {

using shoal::byte_range;
using shoal::range_set;

constexpr std::uint64_t last = std::numeric_limits<std::uint64_t>::max();

TEST_CASE("a set joins ranges that touch or overlap, in whatever order they come") {
  const range_set set{{{50, 60}, {10, 20}, {20, 25}, {5, 12}, {70, 70}, {90, 80}, {55, 57}}};
  const std::vector<byte_range> expected{{5, 25}, {50, 60}};
  CHECK(std::vector<byte_range>(set.ranges().begin(), set.ranges().end()) == expected);
}

TEST_CASE("a set answers to the byte") {
  const range_set set{{{10, 20}, {30, 40}}};
  // against a loop over the bytes
  const auto has = [](std::uint64_t at) { return (at >= 10 && at < 20) || (at >= 30 && at < 40); };
  for (std::uint64_t offset = 0; offset < 45; ++offset) {
    for (std::uint64_t length = 0; length < 45; ++length) {
      bool any = false;
      bool all = true;
      std::uint64_t free = 0;
      for (std::uint64_t i = 0; i < length; ++i) {
        if (!any && !has(offset + i)) ++free;
        any = any || has(offset + i);
        all = all && has(offset + i);
      }
      CAPTURE(offset);
      CAPTURE(length);
      CHECK(set.overlaps(offset, length) == any);
      CHECK(set.contains(offset, length) == all);
      CHECK(set.free_run(offset, length) == free);
    }
  }
}

TEST_CASE("ranges at the end of all offsets are no wrap-around") {
  const range_set low{{{0, 10}}};
  CHECK_FALSE(low.overlaps(last, 100));
  CHECK_FALSE(low.overlaps(last - 5, 100));
  CHECK(low.overlaps(5, last));
  CHECK(range_set{{{last - 1, last}}}.overlaps(last - 5, last));
  CHECK(range_set::everything().contains(0, last));
  CHECK(range_set::everything().free_run(7, 100) == 0);
  CHECK_FALSE(range_set{}.overlaps(0, last));
  CHECK(range_set{}.free_run(3, 100) == 100);
  CHECK(range_set{}.empty());
}

}  // namespace
