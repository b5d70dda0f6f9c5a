// SPDX-License-Identifier: BSL-1.0
#include <shoal/openssl/digester.hpp>  // first: shows that the header stands alone

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/crypto/sha256.hpp>

namespace {

using shoal::as_bytes;
using shoal::bytes_view;
using shoal::hash_code;
using shoal::status;

std::string hex(bytes_view bytes) {
  std::string text;
  for (const std::byte b : bytes) {
    text += "0123456789abcdef"[std::to_integer<int>(b >> 4)];
    text += "0123456789abcdef"[std::to_integer<int>(b & std::byte{15})];
  }
  return text;
}

TEST_CASE("openssl digester: every function it has, on \"abc\"") {
  struct vector {
    hash_code code;
    std::string_view digest;
  };
  const vector vectors[] = {
      {hash_code::sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"},
      {hash_code::sha2_256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {hash_code::sha2_384,
       "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"},
      {hash_code::sha2_512,
       "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
       "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
      {hash_code::sha3_256, "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"},
      {hash_code::sha3_384,
       "ec01498288516fc926459f58e2c6ad8df9b473cb0fc08c2596da7cf0e49be4b298d88cea927ac7f539f1edf228376d25"},
      {hash_code::sha3_512,
       "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e"
       "10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0"},
      {hash_code::blake2b_512,
       "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
       "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923"},
      {hash_code::blake2s_256, "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982"},
  };
  shoal::openssl::digester digester;
  for (const vector& v : vectors) {
    CAPTURE(static_cast<std::uint64_t>(v.code));
    std::vector<std::byte> out(v.digest.size() / 2);
    CHECK(digester.digest(v.code, as_bytes("abc"), out) == status::ok);
    CHECK(hex(out) == v.digest);
    std::vector<std::byte> beginning(out.size() / 2);
    CHECK(digester.digest(v.code, as_bytes("abc"), beginning) == status::ok);
    CHECK(std::ranges::equal(beginning, bytes_view{out}.first(beginning.size())));
    std::vector<std::byte> too_long(out.size() + 1);
    CHECK(digester.digest(v.code, as_bytes("abc"), too_long) == status::invalid_argument);
  }
}

TEST_CASE("openssl digester: it agrees with the portable one on messages of every length around a block") {
  std::vector<std::byte> message(200);
  for (std::size_t i = 0; i < message.size(); ++i) message[i] = static_cast<std::byte>(i * 31 + 5);
  shoal::openssl::digester digester;
  for (std::size_t size = 0; size <= message.size(); ++size) {
    const bytes_view part = bytes_view{message}.first(size);
    std::array<std::byte, 32> ours{};
    std::array<std::byte, 32> theirs{};
    REQUIRE(shoal::portable_digester{}.digest(hash_code::sha2_256, part, ours) == status::ok);
    REQUIRE(digester.digest(hash_code::sha2_256, part, theirs) == status::ok);
    REQUIRE(ours == theirs);
  }
}

TEST_CASE("openssl digester: identity gives the message back, of its own length alone") {
  shoal::openssl::digester digester;
  std::array<std::byte, 3> out{};
  CHECK(digester.digest(hash_code::identity, as_bytes("abc"), out) == status::ok);
  CHECK(std::ranges::equal(out, as_bytes("abc")));
  CHECK(digester.digest(hash_code::identity, as_bytes("abcd"), out) == status::invalid_argument);
}

TEST_CASE("openssl digester: what it does not have is unsupported") {
  shoal::openssl::digester digester;
  std::array<std::byte, 32> out{};
  CHECK(digester.digest(hash_code::blake3, as_bytes("abc"), out) == status::unsupported);
  CHECK(digester.digest(hash_code::blake2b_256, as_bytes("abc"), out) == status::unsupported);
  CHECK(digester.digest(hash_code{0x9999}, as_bytes("abc"), out) == status::unsupported);
}

}  // namespace
