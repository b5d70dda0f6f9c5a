// SPDX-License-Identifier: BSL-1.0
#include <shoal/openssl/ed25519.hpp>  // first: shows that the header stands alone

#include <array>
#include <stdexcept>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "../libp2p/vectors.hpp"

namespace {

using shoal::status;
using shoal::openssl::ed25519_signer;
using vectors::hex;
using vectors::unhex;

TEST_CASE("ed25519: the examples of RFC 8032") {
  const auto check = [](std::string_view seed, std::string_view key, std::string_view message,
                        std::string_view signature) {
    CAPTURE(message);
    const ed25519_signer me{unhex(seed)};
    CHECK(me.kind() == shoal::key_kind::ed25519);
    CHECK(hex(me.public_key()) == key);
    std::array<std::byte, 64> out;
    CHECK(me.sign(unhex(message), out) == status::ok);
    CHECK(hex(out) == signature);
  };
  check("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
        "d25bf5f0595bbe24655141438e7a100b");
  check("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
        "4a7c15e9716ed28dc027beceea1ec40a");
}

TEST_CASE("ed25519: wrong sizes are the caller's mistake") {
  const std::vector<std::byte> short_seed(31);
  CHECK_THROWS_AS(ed25519_signer{short_seed}, std::invalid_argument);
  const ed25519_signer me{std::vector<std::byte>(32)};
  std::array<std::byte, 63> out;
  CHECK(me.sign({}, out) == status::invalid_argument);
}

}  // namespace
