// SPDX-License-Identifier: BSL-1.0
#include <shoal/block/extent_list.hpp>  // first: shows that the header stands alone

#include <cstddef>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

namespace {

using shoal::extent;
using shoal::extent_list;

TEST_CASE("equal neighbours become one extent, and empty ones none") {
  extent_list list;
  list.add({.length = 1});
  list.add({.length = 0, .hole = true, .zero = true});
  list.add({.length = 2});
  list.add({.length = 3, .hole = false, .zero = true});
  list.add({.length = 4, .hole = true, .zero = true});
  const std::vector<extent> expected{{.length = 3}, {.length = 3, .zero = true}, {4, true, true}};
  CHECK(std::move(list).take() == expected);
}

TEST_CASE("a list is full at its limit") {
  extent_list list;
  for (std::size_t i = 0; i < extent_list::max_extents; ++i) {
    CHECK_FALSE(list.full());
    list.add({.length = 1, .hole = i % 2 == 0});
  }
  CHECK(list.full());
}

}  // namespace
