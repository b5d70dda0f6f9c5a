// SPDX-License-Identifier: BSL-1.0
#include <shoal/cbor/sequence.hpp>  // first: shows that the header stands alone

#include <array>

#include <doctest/doctest.h>

namespace {

using shoal::bytes_view;
using shoal::status;
using shoal::cbor::take_item;

constexpr std::array sequence{std::byte{0x82}, std::byte{1},    std::byte{0x61}, std::byte{'a'},
                              std::byte{0xf6}, std::byte{0xc1}, std::byte{0x18}, std::byte{100}};

TEST_CASE("items are taken one by one") {
  bytes_view rest = sequence;
  CHECK(take_item(rest)->size() == 4);
  CHECK(take_item(rest)->size() == 1);
  CHECK(take_item(rest)->size() == 3);
  CHECK(rest.empty());
  CHECK(take_item(rest).code == status::truncated);
}

TEST_CASE("an item that has not come whole stays where it is") {
  for (std::size_t n = 0; n < 4; ++n) {
    bytes_view rest = bytes_view{sequence}.first(n);
    CHECK(take_item(rest).code == status::truncated);
    CHECK(rest.size() == n);
  }
}

TEST_CASE("an item is read before the program runs, too") {
  constexpr std::size_t first = [] {
    bytes_view rest = sequence;
    return take_item(rest)->size();
  }();
  static_assert(first == 4);
}

}  // namespace
