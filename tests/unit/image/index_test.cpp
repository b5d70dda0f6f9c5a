// SPDX-License-Identifier: BSL-1.0
#include <shoal/image/index.hpp>  // first: shows that the header stands alone

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <doctest/doctest.h>

namespace {

using shoal::cid;

cid numbered(std::uint8_t n) {
  std::array<std::byte, 32> digest{};
  digest[31] = std::byte{n};
  return cid{shoal::multicodec::raw, *shoal::multihash::make(shoal::hash_code::sha2_256, digest)};
}

TEST_CASE("every byte belongs to the leaf whose range it is in") {
  shoal::image_index_builder builder{numbered(0)};
  REQUIRE(builder.append(numbered(1), 10, false));
  REQUIRE(builder.append(numbered(2), 1, true));
  REQUIRE(builder.append(numbered(3), 100, false));
  const shoal::image_index index = std::move(builder).finish();
  CHECK(index.size() == 111);
  CHECK(index.leaf_at(0) == 0);
  CHECK(index.leaf_at(9) == 0);
  CHECK(index.leaf_at(10) == 1);
  CHECK(index.leaf_at(11) == 2);
  CHECK(index.leaf_at(110) == 2);
  CHECK(index.begin(2) == 11);
  CHECK(index.end(2) == 111);
  CHECK(index.id(1) == numbered(2));
  CHECK(index.is_hole(1));
  CHECK_FALSE(index.is_hole(2));
}

TEST_CASE("an image without leaves has size 0") {
  const shoal::image_index index = shoal::image_index_builder{numbered(0)}.finish();
  CHECK(index.size() == 0);
  CHECK(index.leaf_count() == 0);
}

TEST_CASE("an index takes at most 64 bytes a leaf, however much the leaves differ") {
  shoal::image_index_builder builder{numbered(0)};
  constexpr std::size_t leaves = 100'000;
  for (std::size_t i = 0; i < leaves; ++i) {
    REQUIRE(builder.append(numbered(static_cast<std::uint8_t>(i)), 65536, false));
  }
  const shoal::image_index index = std::move(builder).finish();
  CHECK(index.memory() <= 64 * leaves);
  CHECK(index.id(99'999) == numbered(static_cast<std::uint8_t>(99'999)));
}

TEST_CASE("equal neighbours share their name") {
  shoal::image_index_builder builder{numbered(0)};
  constexpr std::size_t leaves = 100'000;
  for (std::size_t i = 0; i < leaves; ++i) REQUIRE(builder.append(numbered(7), 65536, true));
  CHECK(std::move(builder).finish().memory() <= 16 * leaves);
}

TEST_CASE("a leaf without bytes and a size past 2^64 are refused") {
  shoal::image_index_builder builder{numbered(0)};
  CHECK(builder.append(numbered(1), 0, false).error() == shoal::errc::invalid_argument);
  REQUIRE(builder.append(numbered(1), UINT64_MAX, false));
  CHECK(builder.append(numbered(2), 1, false).error() == shoal::errc::limit_exceeded);
}

}  // namespace
