// SPDX-License-Identifier: BSL-1.0
#include <shoal/content/multihash.hpp>  // first: shows that the header stands alone

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

namespace {

using namespace std::string_view_literals;
using shoal::bytes_view;
using shoal::errc;
using shoal::hash_code;
using shoal::multihash;

std::vector<std::byte> encoded(const multihash& hash) {
  std::vector<std::byte> out(hash.encoded_size());
  CHECK(hash.encode(out.data()) == out.size());
  return out;
}

TEST_CASE("the binary form is code, length, digest, and comes back") {
  const std::vector<std::byte> digest(32, std::byte{7});
  const auto hash = multihash::make(hash_code::blake2b_256, digest);
  REQUIRE(hash);
  std::vector<std::byte> bytes = encoded(*hash);
  CHECK(shoal::as_text(bytes).starts_with("\xa0\xe4\x02\x20\x07"));
  bytes.push_back(std::byte{1});
  bytes_view rest = bytes;
  const auto taken = multihash::take(rest);
  REQUIRE(taken);
  CHECK(*taken == *hash);
  CHECK(taken->code() == hash_code::blake2b_256);
  CHECK(std::ranges::equal(taken->digest(), digest));
  CHECK(rest.size() == 1);
}

TEST_CASE("the longest digest fits, and one more byte is refused before it is read") {
  const std::vector<std::byte> digest(multihash::max_digest_size + 1);
  CHECK(multihash::make(hash_code::identity, bytes_view{digest}.first(multihash::max_digest_size)));
  CHECK(multihash::make(hash_code::identity, digest).error() == errc::limit_exceeded);
  bytes_view announced = shoal::as_bytes("\x00\x81\x01"sv);
  CHECK(multihash::take(announced).error() == errc::limit_exceeded);
  bytes_view huge = shoal::as_bytes("\x00\xff\xff\xff\xff\xff\xff\xff\xff\x7f"sv);
  CHECK(multihash::take(huge).error() == errc::limit_exceeded);
}

TEST_CASE("what is cut off anywhere is refused, and the input stays") {
  const auto whole = encoded(*multihash::make(hash_code::sha2_256, std::vector<std::byte>(32)));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    bytes_view input = bytes_view{whole}.first(size);
    CHECK(multihash::take(input).error() == errc::truncated);
    CHECK(input.size() == size);
  }
}

TEST_CASE("hashes are ordered by function, then by digest, and equal only with both") {
  const auto make = [](hash_code code, std::string_view digest) {
    return *multihash::make(code, shoal::as_bytes(digest));
  };
  CHECK(make(hash_code::sha1, "b") < make(hash_code::sha2_256, "a"));
  CHECK(make(hash_code::sha1, "a") < make(hash_code::sha1, "b"));
  CHECK(make(hash_code::sha1, "a") < make(hash_code::sha1, "aa"));
  CHECK(make(hash_code::sha1, "a") == make(hash_code::sha1, "a"));
  CHECK(make(hash_code::sha1, "a") != make(hash_code::sha2_256, "a"));
  CHECK(multihash{} == make(hash_code::identity, ""));
}

}  // namespace
