// SPDX-License-Identifier: BSL-1.0
#include <shoal/libp2p/private_key.hpp>  // first: shows that the header stands alone

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/openssl/ed25519.hpp>

#include "vectors.hpp"

namespace {

using shoal::errc;
using shoal::libp2p::private_key;
using shoal::openssl::ed25519_signer;
using vectors::hex;
using vectors::unhex;

// libp2p specs, peer-ids/peer-ids.md, "Test vectors"
const std::string seed = "7e0830617c4a7de83925dfb2694556b12936c477a0e1feb2e148ec9da60fee7d";
const std::string public_half = "1ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e";
const std::string message = "08011240" + seed + public_half;

TEST_CASE("the published key is read, signs, and is written as it was") {
  const auto key = private_key::decode(unhex(message));
  REQUIRE(key);
  CHECK(hex(key->seed.view()) == seed);
  CHECK(hex(key->encode()) == message);
  const auto me = shoal::libp2p::signer_of<ed25519_signer>(*key);
  REQUIRE(me);
  CHECK(hex(me->public_key()) == public_half);
  CHECK(hex(shoal::libp2p::private_key_of<ed25519_signer>(key->seed).encode()) == message);
}

TEST_CASE("the key of Helia is written as Helia writes it") {
  const std::string golden = vectors::fixture("golden_helia.json");
  if (golden.empty()) {
    MESSAGE("skipped: no golden_helia.json");
    return;
  }
  const shoal::secret<32> from{unhex(vectors::strings_of(golden, "seed").at(0))};
  CHECK(hex(shoal::libp2p::private_key_of<ed25519_signer>(from).encode()) ==
        vectors::strings_of(golden, "privkey_protobuf").at(0));
}

TEST_CASE("the old form, with the public half twice, is read when the two agree") {
  const auto key = private_key::decode(unhex("08011260" + seed + public_half + public_half));
  REQUIRE(key);
  CHECK(hex(key->encode()) == message);
  CHECK(private_key::decode(unhex("08011260" + seed + public_half + seed)).error() == errc::malformed);
}

TEST_CASE("a public half of another key is found out") {
  const auto key = private_key::decode(unhex("08011240" + seed + seed));
  REQUIRE(key);
  CHECK(shoal::libp2p::signer_of<ed25519_signer>(*key).error() == errc::malformed);
}

TEST_CASE("what is not an Ed25519 key is refused") {
  CHECK(private_key::decode(unhex("08001240" + seed + public_half)).error() == errc::unsupported);
  CHECK(private_key::decode(unhex("08011220" + seed)).error() == errc::malformed);
  CHECK(private_key::decode(unhex(message + "00")).error() == errc::malformed);
  CHECK(private_key::decode(unhex("1240" + seed + public_half + "0801")).error() == errc::malformed);
  const auto whole = unhex(message);
  for (std::size_t n = 0; n < whole.size(); ++n) {
    CHECK(private_key::decode(shoal::bytes_view{whole}.first(n)).error() == errc::truncated);
  }
}

}  // namespace
