// SPDX-License-Identifier: BSL-1.0
#include <shoal/content/verify.hpp>  // first: shows that the header stands alone

#include <cstddef>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/crypto/sha256.hpp>

namespace {

using shoal::as_bytes;
using shoal::bytes_view;
using shoal::cid;
using shoal::errc;
using shoal::hash_code;

constexpr shoal::portable_digester digester;

cid named(hash_code code, bytes_view digest) {
  return cid{shoal::multicodec::raw, *shoal::multihash::make(code, digest)};
}

std::vector<std::byte> sha256_of(std::string_view text) {
  std::vector<std::byte> digest(32);
  REQUIRE(digester.digest(hash_code::sha2_256, as_bytes(text), digest) == shoal::status::ok);
  return digest;
}

TEST_CASE("a block matches the hash of its bytes and no other") {
  const std::vector<std::byte> digest = sha256_of("content");
  CHECK(verify(digester, named(hash_code::sha2_256, digest), as_bytes("content")));
  CHECK(verify(digester, named(hash_code::sha2_256, digest), as_bytes("contend")).error() ==
        errc::block_mismatch);
  CHECK(verify(digester, named(hash_code::sha2_256, digest), {}).error() == errc::block_mismatch);
}

TEST_CASE("a shortened digest counts down to 20 bytes; fewer could be forged") {
  const std::vector<std::byte> digest = sha256_of("content");
  const auto with = [&](std::size_t size) {
    return verify(digester, named(hash_code::sha2_256, bytes_view{digest}.first(size)), as_bytes("content"));
  };
  CHECK(with(31));
  CHECK(with(20));
  CHECK(with(19).error() == errc::malformed);
  CHECK(with(0).error() == errc::malformed);
}

TEST_CASE("a digest that the function cannot give is malformed, an unknown function unsupported") {
  std::vector<std::byte> digest = sha256_of("content");
  CHECK(verify(digester, named(hash_code::blake3, digest), as_bytes("content")).error() == errc::unsupported);
  digest.resize(33);
  CHECK(verify(digester, named(hash_code::sha2_256, digest), as_bytes("content")).error() == errc::malformed);
}

TEST_CASE("an identity hash is compared byte for byte, however short") {
  CHECK(verify(digester, named(hash_code::identity, as_bytes("ab")), as_bytes("ab")));
  CHECK(verify(digester, named(hash_code::identity, {}), {}));
  CHECK(verify(digester, named(hash_code::identity, as_bytes("ab")), as_bytes("abc")).error() ==
        errc::block_mismatch);
}

}  // namespace
