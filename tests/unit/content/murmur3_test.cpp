// SPDX-License-Identifier: BSL-1.0
#include <shoal/content/murmur3.hpp>  // first: shows that the header stands alone

#include <doctest/doctest.h>

namespace {

std::uint64_t hash(std::string_view text) {
  return shoal::murmur3_x64_64(shoal::as_bytes(text));
}

TEST_CASE("the hash has its published values, with and without a tail") {
  CHECK(hash("") == 0);
  CHECK(hash("hello") == 0xcbd8a7b341bd9b02);
  CHECK(hash("hello, world") == 0x342fac623a5ebc8e);
  CHECK(hash("19 Jan 2038 at 3:14:07 AM") == 0xb89e5988b737affc);
  CHECK(hash("The quick brown fox jumps over the lazy dog.") == 0xcd99481f9ee902c9);
}

}  // namespace
