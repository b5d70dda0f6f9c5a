// SPDX-License-Identifier: BSL-1.0
#include <shoal/openssl/random.hpp>  // first: shows that the header stands alone

#include <algorithm>
#include <array>
#include <vector>

#include <doctest/doctest.h>

namespace {

TEST_CASE("random: all of the bytes are filled, and differently each time") {
  shoal::openssl::random random;
  std::array<std::byte, 32> one{};
  std::array<std::byte, 32> other{};
  CHECK(random.fill(one) == shoal::status::ok);
  CHECK(random.fill(other) == shoal::status::ok);
  CHECK(one != other);
  std::vector<std::byte> many(1 << 16);
  CHECK(random.fill(many) == shoal::status::ok);
  CHECK(std::ranges::count(many, std::byte{}) < 1024);  // 256 are to be expected
  CHECK(random.fill({}) == shoal::status::ok);
}

}  // namespace
