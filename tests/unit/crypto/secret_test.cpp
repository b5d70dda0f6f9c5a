// SPDX-License-Identifier: BSL-1.0
#include <shoal/crypto/secret.hpp>  // first: shows that the header stands alone

#include <algorithm>
#include <array>
#include <cstddef>

#include <doctest/doctest.h>

namespace {

TEST_CASE("a secret begins as zeroes or as what it is given, and copies") {
  shoal::secret<4> empty;
  CHECK(std::ranges::equal(empty.view(), std::array<std::byte, 4>{}));
  const shoal::secret<4> key{shoal::as_bytes("abcd")};
  empty = key;
  CHECK(std::ranges::equal(empty.view(), shoal::as_bytes("abcd")));
}

TEST_CASE("wiped bytes are zeroes") {
  std::array<std::byte, 5> bytes;
  bytes.fill(std::byte{7});
  shoal::wipe(shoal::bytes_span{bytes}.first(3));
  CHECK(
      std::ranges::equal(bytes, std::array{std::byte{}, std::byte{}, std::byte{}, std::byte{7}, std::byte{7}}));
}

}  // namespace
