// SPDX-License-Identifier: BSL-1.0
#include <shoal/base/status.hpp>  // first: shows that the header stands alone

#include <doctest/doctest.h>

namespace {

using shoal::status;
using shoal::status_or;

constexpr status_or<int> half(int n) noexcept {
  if (n % 2 != 0) return status::invalid_argument;
  return n / 2;
}

TEST_CASE("a status_or is true when there is a value") {
  CHECK(half(8));
  CHECK(*half(8) == 4);
  CHECK(half(8).code == status::ok);
}

TEST_CASE("a status_or is false when there is a reason why not") {
  CHECK_FALSE(half(7));
  CHECK(half(7).code == status::invalid_argument);
}

TEST_CASE("it works while compiling") {
  static_assert(*half(6) == 3 && !half(5));
}

}  // namespace
