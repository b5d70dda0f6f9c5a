// SPDX-License-Identifier: BSL-1.0
#include <shoal/libp2p/public_key.hpp>  // first: shows that the header stands alone

#include <algorithm>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "vectors.hpp"

namespace {

using shoal::bytes_view;
using shoal::errc;
using shoal::key_kind;
using shoal::libp2p::public_key;
using vectors::unhex;

// libp2p specs, peer-ids/peer-ids.md, "Test vectors"
const std::string ed25519 = "080112201ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e";
const std::string secp256k1 = "08021221037777e994e452c21604f91de093ce415f5432f701dd8cd1a7a6fea0e630bfca99";
const std::string ecdsa =
    "0803125b3059301306072a8648ce3d020106082a8648ce3d03010703420004de3d300fa36ae0e8f5d530899d83abab44abf3161f16"
    "2a4b"
    "c901d8e6ecda020e8b6d5f8da30525e71d6851510c098e5c47c646a597fb4dcec034e9f77c409e62";

TEST_CASE("the published keys are read, and written as they were") {
  const auto check = [](const std::string& text, key_kind kind, std::size_t size) {
    CAPTURE(text);
    const auto key = public_key::decode(unhex(text));
    REQUIRE(key);
    CHECK(key->kind() == kind);
    CHECK(key->bytes().size() == size);
    CHECK(vectors::hex(key->encode()) == text);
    CHECK(public_key::make(kind, key->bytes())->encode() == unhex(text));
  };
  check(ed25519, key_kind::ed25519, 32);
  check(secp256k1, key_kind::secp256k1, 33);
  check(ecdsa, key_kind::ecdsa, 91);
}

TEST_CASE("an RSA key of 8192 bits fits, and one byte past the limit does not") {
  const std::vector<std::byte> bytes(public_key::max_size + 1, std::byte{0x30});
  CHECK(public_key::make(key_kind::rsa, bytes).error() == errc::limit_exceeded);
  const auto key = public_key::make(key_kind::rsa, bytes_view{bytes}.first(1062));
  REQUIRE(key);
  const auto again = public_key::decode(key->encode());
  REQUIRE(again);
  CHECK(*again == *key);
}

TEST_CASE("a key of the wrong length is malformed") {
  const std::vector<std::byte> bytes(64);
  const bytes_view all{bytes};
  CHECK(public_key::make(key_kind::ed25519, all.first(31)).error() == errc::malformed);
  CHECK(public_key::make(key_kind::ed25519, all.first(33)).error() == errc::malformed);
  CHECK(public_key::make(key_kind::secp256k1, all.first(32)).error() == errc::malformed);
  CHECK(public_key::make(key_kind::rsa, {}).error() == errc::malformed);
  CHECK(public_key::make(key_kind::ecdsa, {}).error() == errc::malformed);
  CHECK(public_key::make(key_kind{4}, all).error() == errc::unsupported);
}

TEST_CASE("every other encoding of the same key is refused, as it would give the peer a second name") {
  const std::string key = ed25519.substr(8);
  CHECK(public_key::decode(unhex("1220" + key + "0801")).error() == errc::malformed);  // other order
  CHECK(public_key::decode(unhex("0881001220" + key)).error() == errc::malformed);     // long kind
  CHECK(public_key::decode(unhex("080112a000" + key)).error() == errc::malformed);     // long length
  CHECK(public_key::decode(unhex("8800011220" + key)).error() == errc::malformed);     // long tag
  CHECK(public_key::decode(unhex("080108011220" + key)).error() == errc::malformed);   // kind twice
  CHECK(public_key::decode(unhex(ed25519 + "1800")).error() == errc::malformed);       // another field
  CHECK(public_key::decode(unhex("1220" + key)).error() == errc::truncated);           // no kind
  CHECK(public_key::decode(unhex("0801")).error() == errc::truncated);                 // no key
  CHECK(public_key::decode(unhex("08041220" + key)).error() == errc::unsupported);     // unknown kind
  CHECK(public_key::decode(unhex("0881021220" + key)).error() == errc::unsupported);   // 257 is not 1
}

TEST_CASE("a message that is cut short is refused at every byte") {
  const auto message = unhex(ed25519);
  for (std::size_t n = 0; n < message.size(); ++n) {
    CHECK(public_key::decode(bytes_view{message}.first(n)).error() == errc::truncated);
  }
}

}  // namespace
