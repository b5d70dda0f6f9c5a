// SPDX-License-Identifier: BSL-1.0
#include <shoal/openssl/chacha20_poly1305.hpp>  // first: shows that the header stands alone

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "../libp2p/vectors.hpp"

namespace {

using shoal::bytes_span;
using shoal::bytes_view;
using shoal::status;
using shoal::openssl::chacha20_poly1305;
using vectors::hex;
using vectors::unhex;

// RFC 8439, 2.8.2
const auto key = unhex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f");
const auto nonce = unhex("070000004041424344454647");
const auto extra = unhex("50515253c0c1c2c3c4c5c6c7");
constexpr std::string_view text =
    "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen "
    "would be "
    "it.";
constexpr std::string_view sealed_text =
    "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b"
    "1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
    "3ff4def08e4b7a9de576d26586cec64b6116"
    "1ae10b594f09e26a7e902ecbd0600691";

TEST_CASE("chacha20-poly1305: the example of RFC 8439, both ways") {
  chacha20_poly1305 cipher;
  REQUIRE(cipher.set_key(key) == status::ok);
  std::vector<std::byte> sealed(text.size() + 16);
  CHECK(cipher.seal(nonce, extra, shoal::as_bytes(text), sealed) == status::ok);
  CHECK(hex(sealed) == sealed_text);
  std::vector<std::byte> opened(text.size());
  CHECK(cipher.open(nonce, extra, sealed, opened) == status::ok);
  CHECK(shoal::as_text(opened) == text);
}

TEST_CASE("chacha20-poly1305: in place, by one cipher that turns around between messages") {
  chacha20_poly1305 first;
  REQUIRE(first.set_key(key) == status::ok);
  chacha20_poly1305 cipher = std::move(first);
  for (std::size_t size : {0u, 1u, 15u, 16u, 63u, 64u, 65u, 1000u, 65519u}) {
    CAPTURE(size);
    std::vector<std::byte> plain(size);
    for (std::size_t i = 0; i < size; ++i) plain[i] = static_cast<std::byte>(i * 7 + size);
    std::vector<std::byte> message = plain;
    message.resize(size + 16);
    const bytes_span all{message};
    REQUIRE(cipher.seal(nonce, extra, all.first(size), all) == status::ok);
    std::vector<std::byte> apart(size + 16);
    REQUIRE(cipher.seal(nonce, extra, plain, apart) == status::ok);
    CHECK(message == apart);
    REQUIRE(cipher.open(nonce, extra, all, all.first(size)) == status::ok);
    CHECK(std::ranges::equal(all.first(size), plain));
  }
}

TEST_CASE("chacha20-poly1305: no bit can be changed, and no other key, nonce or extra data opens it") {
  chacha20_poly1305 cipher;
  REQUIRE(cipher.set_key(key) == status::ok);
  const auto sealed = unhex(sealed_text);
  std::vector<std::byte> out(text.size());
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    auto changed = sealed;
    changed[i] ^= std::byte{1};
    CHECK(cipher.open(nonce, extra, changed, out) == status::failed);
  }
  CHECK(cipher.open(unhex("070000004041424344454648"), extra, sealed, out) == status::failed);
  CHECK(cipher.open(nonce, {}, sealed, out) == status::failed);
  CHECK(cipher.open(nonce, extra, sealed, out) == status::ok);
  REQUIRE(cipher.set_key(std::vector<std::byte>(32)) == status::ok);
  CHECK(cipher.open(nonce, extra, sealed, out) == status::failed);
}

TEST_CASE("chacha20-poly1305: wrong sizes are the caller's mistake") {
  chacha20_poly1305 cipher;
  std::array<std::byte, 32> out{};
  const bytes_span all{out};
  CHECK(cipher.set_key(all.first(31)) == status::invalid_argument);
  REQUIRE(cipher.set_key(key) == status::ok);
  CHECK(cipher.seal(bytes_view{nonce}.first(11), {}, all.first(8), all.first(24)) == status::invalid_argument);
  CHECK(cipher.seal(nonce, {}, all.first(8), all.first(23)) == status::invalid_argument);
  CHECK(cipher.open(nonce, {}, all.first(15), all.first(0)) == status::invalid_argument);
  CHECK(cipher.open(nonce, {}, all.first(24), all.first(9)) == status::invalid_argument);
}

}  // namespace
