// SPDX-License-Identifier: BSL-1.0
#include <shoal/crypto/sha256.hpp>  // first: shows that the header stands alone

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

namespace {

using shoal::as_bytes;
using shoal::bytes_view;
using shoal::hash_code;
using shoal::sha256;
using shoal::status;
using digest = std::array<std::byte, sha256::digest_size>;

constexpr digest hash_of(bytes_view message) {
  sha256 hash;
  hash.update(message);
  digest out{};
  hash.finish(out);
  return out;
}

std::string hex(bytes_view bytes) {
  std::string text;
  for (const std::byte b : bytes) {
    text += "0123456789abcdef"[std::to_integer<int>(b >> 4)];
    text += "0123456789abcdef"[std::to_integer<int>(b & std::byte{15})];
  }
  return text;
}

TEST_CASE("sha256: the examples of FIPS 180 and of NIST's test suite") {
  const auto check = [](std::string_view message, std::string_view expected) {
    CAPTURE(message.substr(0, 60));
    CHECK(hex(hash_of(as_bytes(message))) == expected);
  };
  check("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  check("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  check("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  check(
      "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrst"
      "nopqrstu",
      "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
  check(std::string(1000000, 'a'), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("sha256: it works in a constant expression") {
  constexpr digest empty = hash_of({});
  static_assert(empty[0] == std::byte{0xe3} && empty[31] == std::byte{0x55});
}

TEST_CASE("sha256: in how many pieces a message comes makes no difference") {
  std::vector<std::byte> message(300);
  for (std::size_t i = 0; i < message.size(); ++i) message[i] = static_cast<std::byte>(i * 7);
  const bytes_view all{message};
  sha256 hash;  // one for all: finish must leave it as new
  for (std::size_t size = 0; size <= all.size(); ++size) {
    const digest whole = hash_of(all.first(size));
    for (const std::size_t piece : {1u, 3u, 63u, 64u, 65u, 128u, 200u}) {
      for (bytes_view rest = all.first(size); !rest.empty();) {
        const bytes_view part = rest.first(std::min(piece, rest.size()));
        hash.update(part);
        rest = rest.subspan(part.size());
      }
      digest out{};
      hash.finish(out);
      REQUIRE(out == whole);
    }
  }
}

TEST_CASE("portable digester: SHA-256, in whole or its first bytes") {
  const bytes_view message = as_bytes("abc");
  digest out{};
  CHECK(shoal::portable_digester{}.digest(hash_code::sha2_256, message, out) == status::ok);
  CHECK(out == hash_of(message));
  std::array<std::byte, 20> beginning{};
  CHECK(shoal::portable_digester{}.digest(hash_code::sha2_256, message, beginning) == status::ok);
  CHECK(std::ranges::equal(beginning, bytes_view{out}.first(20)));
  std::array<std::byte, 33> too_long{};
  CHECK(shoal::portable_digester{}.digest(hash_code::sha2_256, message, too_long) == status::invalid_argument);
}

TEST_CASE("portable digester: identity, and nothing else") {
  const bytes_view message = as_bytes("abc");
  std::array<std::byte, 3> out{};
  CHECK(shoal::portable_digester{}.digest(hash_code::identity, message, out) == status::ok);
  CHECK(std::ranges::equal(out, message));
  CHECK(shoal::portable_digester{}.digest(hash_code::identity, as_bytes("ab"), out) ==
        status::invalid_argument);
  CHECK(shoal::portable_digester{}.digest(hash_code::sha2_512, message, out) == status::unsupported);
  CHECK(shoal::portable_digester{}.digest(hash_code::blake3, message, out) == status::unsupported);
}

}  // namespace
