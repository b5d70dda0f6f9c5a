// SPDX-License-Identifier: BSL-1.0
#include <shoal/content/chunker/fixed.hpp>  // first: shows that the header stands alone

#include <algorithm>
#include <cstddef>
#include <stdexcept>
#include <vector>

#include <doctest/doctest.h>

#include "checks.hpp"

namespace {

using shoal::fixed_chunker;

TEST_CASE("fixed: every chunk has the size asked for, but the last") {
  const chunker_test::bytes data(1000);
  CHECK(chunker_test::cut_all(fixed_chunker{300}, data) == std::vector<std::size_t>{300, 300, 300, 100});
  CHECK(chunker_test::cut_all(fixed_chunker{250}, data) == std::vector<std::size_t>{250, 250, 250, 250});
  for (const std::size_t size : {1u, 7u, 999u, 1000u, 1001u}) {
    chunker_test::check_chunks(fixed_chunker{size}, data,
                               [size](shoal::bytes_view rest) { return std::min(rest.size(), size); });
  }
}

TEST_CASE("fixed: a window shorter than a chunk, not at the end of the file, is too short") {
  const chunker_test::bytes data(10);
  CHECK(fixed_chunker{11}.next_cut(data, false) == 0);
  CHECK(fixed_chunker{10}.next_cut(data, false) == 10);
}

TEST_CASE("fixed: chunks of no bytes are refused") {
  CHECK_THROWS_AS(fixed_chunker{0}, std::invalid_argument);
}

}  // namespace
