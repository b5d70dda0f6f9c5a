// SPDX-License-Identifier: BSL-1.0
#include <shoal/openssl/x25519.hpp>  // first: shows that the header stands alone

#include <array>

#include <doctest/doctest.h>

#include "../libp2p/vectors.hpp"

namespace {

using shoal::status;
using shoal::openssl::x25519;
using vectors::hex;
using vectors::unhex;

TEST_CASE("x25519: the examples of RFC 7748") {
  const x25519 dh;
  std::array<std::byte, 32> out;
  const auto alice = unhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
  const auto bob = unhex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
  CHECK(dh.public_of(alice, out) == status::ok);
  CHECK(hex(out) == "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
  CHECK(dh.shared(bob, unhex(hex(out)), out) == status::ok);
  CHECK(hex(out) == "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
  CHECK(dh.public_of(bob, out) == status::ok);
  CHECK(dh.shared(alice, unhex(hex(out)), out) == status::ok);
  CHECK(hex(out) == "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
  CHECK(dh.shared(unhex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"),
                  unhex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c"),
                  out) == status::ok);
  CHECK(hex(out) == "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
}

TEST_CASE("x25519: a public key of small order gives no secret") {
  const x25519 dh;
  const std::array<std::byte, 32> mine{std::byte{1}};
  std::array<std::byte, 32> out;
  std::array<std::byte, 32> theirs{};
  CHECK(dh.shared(mine, theirs, out) == status::failed);
  theirs[0] = std::byte{1};
  CHECK(dh.shared(mine, theirs, out) == status::failed);
}

TEST_CASE("x25519: wrong sizes are the caller's mistake") {
  const x25519 dh;
  std::array<std::byte, 32> key{std::byte{9}};
  const shoal::bytes_span all{key};
  CHECK(dh.public_of(all.first(31), all) == status::invalid_argument);
  CHECK(dh.public_of(all, all.first(31)) == status::invalid_argument);
  CHECK(dh.shared(all, all.first(31), all) == status::invalid_argument);
}

}  // namespace
