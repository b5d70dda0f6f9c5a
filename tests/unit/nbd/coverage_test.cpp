// SPDX-License-Identifier: BSL-1.0
#include <shoal/nbd/coverage.hpp>  // first: shows that the header stands alone

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

namespace {

using shoal::nbd::coverage;

TEST_CASE("parts in any order make a whole, and none comes twice") {
  coverage got;
  CHECK(got.is_whole(0));
  CHECK(got.add(10, 20));
  CHECK(got.add(30, 40));
  for (const auto& [begin, end] :
       {std::pair{10u, 20u}, {0u, 11u}, {19u, 25u}, {5u, 45u}, {35u, 36u}, {39u, 41u}}) {
    CAPTURE(begin);
    CHECK_FALSE(got.add(begin, end));
  }
  CHECK(got.add(20, 30));
  CHECK_FALSE(got.is_whole(40));
  CHECK(got.add(0, 10));
  CHECK(got.is_whole(40));
  CHECK_FALSE(got.add(39, 50));
  CHECK(got.add(40, 50));
  CHECK(got.is_whole(50));
}

TEST_CASE("there are only so many parts apart") {
  coverage got;
  for (std::uint32_t i = 0; i < coverage::max_parts; ++i) CHECK(got.add(2 * i + 1, 2 * i + 2));
  CHECK_FALSE(got.add(1'000'000, 1'000'001));
  CHECK(got.add(0, 1));
}

TEST_CASE("it says what a map of bytes says") {
  std::mt19937 random{3};
  for (int round = 0; round < 200; ++round) {
    coverage got;
    std::vector<bool> map(200);
    for (int i = 0; i < 60; ++i) {
      const auto begin = static_cast<std::uint32_t>(random() % 199);
      const auto end =
          static_cast<std::uint32_t>(begin + 1 + random() % std::min<std::uint32_t>(20, 200 - begin - 1 + 1));
      if (end > map.size()) continue;
      const auto first = map.begin() + static_cast<std::ptrdiff_t>(begin);
      const auto last = map.begin() + static_cast<std::ptrdiff_t>(end);
      const bool free = std::none_of(first, last, [](bool set) { return set; });
      REQUIRE(got.add(begin, end) == free);
      if (free) std::fill(first, last, true);
      REQUIRE(got.is_whole(200) == std::ranges::all_of(map, [](bool set) { return set; }));
    }
  }
}

}  // namespace
