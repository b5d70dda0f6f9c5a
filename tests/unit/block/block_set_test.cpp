// SPDX-License-Identifier: BSL-1.0
#include <shoal/block/block_set.hpp>  // first: shows that the header stands alone

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include <doctest/doctest.h>

namespace {

using shoal::block_set;

TEST_CASE("a set starts empty, in one run") {
  const block_set none{100000};
  CHECK_FALSE(none.contains(0));
  CHECK_FALSE(none.contains(99999));
  CHECK(none.run(0, 100000) == 100000);
  CHECK(none.run(99999, 1) == 1);
}

TEST_CASE("a run ends where membership changes, across words and pages of the set") {
  block_set some{200000};
  some.insert(63, 40000);
  CHECK(some.run(0, 200000) == 63);
  CHECK(some.run(63, 200000 - 63) == 40000);
  CHECK(some.run(100, 50) == 50);
  CHECK(some.run(40063, 200000 - 40063) == 200000 - 40063);
}

TEST_CASE("runs and members agree with a plain list of flags") {
  constexpr std::uint64_t bound = 70000;
  block_set set{bound};
  std::vector<bool> model(bound);
  std::mt19937 random{1};
  for (int i = 0; i < 300; ++i) {
    const std::uint64_t first = random() % bound;
    const std::uint64_t count = random() % std::min<std::uint64_t>(bound - first + 1, 200);
    set.insert(first, count);
    for (std::uint64_t b = first; b < first + count; ++b) model[b] = true;
  }
  for (std::uint64_t at = 0; at < bound;) {
    std::uint64_t expected = 1;
    while (at + expected < bound && model[at + expected] == model[at]) ++expected;
    REQUIRE(set.contains(at) == model[at]);
    REQUIRE(set.run(at, bound - at) == expected);
    REQUIRE(set.run(at + expected - 1, 1) == 1);
    at += expected;
  }
}

}  // namespace
