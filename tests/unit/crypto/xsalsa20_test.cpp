// SPDX-License-Identifier: BSL-1.0
#include <shoal/crypto/xsalsa20.hpp>  // first: shows that the header stands alone

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/crypto/sha256.hpp>

#include "../libp2p/vectors.hpp"

namespace {

using shoal::bytes_span;
using shoal::xsalsa20;
using vectors::hex;

xsalsa20 cipher_of(shoal::bytes_view key, shoal::bytes_view nonce) {
  return xsalsa20{key.first<32>(), nonce.first<24>()};
}

TEST_CASE("xsalsa20: the examples of Go's golang.org/x/crypto/salsa20") {
  constexpr std::string_view key = "this is 32-byte key for xsalsa20";
  constexpr std::string_view nonce = "24-byte nonce for xsalsa";
  std::array<std::byte, 12> text;
  std::ranges::copy(shoal::as_bytes("Hello world!"), text.begin());
  cipher_of(shoal::as_bytes(key), shoal::as_bytes(nonce)).apply(text);
  CHECK(hex(text) == "002d4513843fc240c401e541");
  std::array<std::byte, 64> zeroes{};
  cipher_of(shoal::as_bytes(key), shoal::as_bytes(nonce)).apply(zeroes);
  CHECK(hex(zeroes) ==
        "4848297feb1fb52fb66d81609bd547fabcbe7026edc8b5e5e449d088bfa69c08"
        "8f5d8da1d791267c2c195a7f8cae9c4b4050d08ce6d3a151ec265f3a58e47648");
}

TEST_CASE("xsalsa20: four MiB of NaCl's test stream, in pieces of all sizes") {
  // NaCl, tests/stream.c and stream3.c
  const auto key = vectors::unhex("1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389");
  const auto nonce = vectors::unhex("69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37");
  std::vector<std::byte> stream(4 << 20);
  xsalsa20 cipher = cipher_of(key, nonce);
  bytes_span rest{stream};
  for (std::size_t n = 0; !rest.empty(); n = (n * 31 + 7) % 5003) {
    const bytes_span piece = rest.first(std::min(n, rest.size()));
    cipher.apply(piece);
    rest = rest.subspan(piece.size());
  }
  CHECK(hex(shoal::bytes_view{stream}.first(32)) ==
        "eea6a7251c1e72916d11c2cb214d3c252539121d8e234e652d651fa4c8cff880");
  shoal::sha256 hash;
  hash.update(stream);
  std::array<std::byte, 32> digest;
  hash.finish(digest);
  CHECK(hex(digest) == "662b9d0e3463029156069b12f918691a98f7dfb2ca0393c96bbfc6b1fbd630a2");
}

TEST_CASE("xsalsa20: applied twice, nothing has changed") {
  const std::vector<std::byte> key(32, std::byte{1});
  const std::vector<std::byte> nonce(24, std::byte{2});
  std::vector<std::byte> bytes(1000, std::byte{3});
  cipher_of(key, nonce).apply(bytes);
  CHECK(std::ranges::count(bytes, std::byte{3}) < 100);
  cipher_of(key, nonce).apply(bytes);
  CHECK(std::ranges::count(bytes, std::byte{3}) == 1000);
}

}  // namespace
