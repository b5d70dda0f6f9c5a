// SPDX-License-Identifier: BSL-1.0
#include <shoal/crypto/hmac.hpp>  // first: shows that the header stands alone

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/crypto/sha256.hpp>

#include "../libp2p/vectors.hpp"

namespace {

using shoal::as_bytes;
using shoal::bytes_view;
using shoal::hkdf;
using shoal::hmac;
using shoal::sha256;
using shoal::status;
using vectors::hex;
using vectors::unhex;

static_assert(shoal::hasher<hmac<sha256>>);

std::string tag_of(bytes_view key, bytes_view message) {
  hmac<sha256> mac{key};
  mac.update(message);
  std::array<std::byte, 32> tag;
  mac.finish(tag);
  return hex(tag);
}

TEST_CASE("hmac: the examples of RFC 4231, with a short key and one longer than a block") {
  CHECK(tag_of(std::vector<std::byte>(20, std::byte{0x0b}), as_bytes("Hi There")) ==
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  CHECK(tag_of(as_bytes("Jefe"), as_bytes("what do ya want for nothing?")) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(tag_of(std::vector<std::byte>(131, std::byte{0xaa}),
               as_bytes("Test Using Larger Than Block-Size Key - Hash Key First")) ==
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST_CASE("hmac: it is as new after a message, and pieces make no difference") {
  hmac<sha256> mac{as_bytes("Jefe")};
  std::array<std::byte, 32> first;
  std::array<std::byte, 32> second;
  mac.update(as_bytes("what do ya want for nothing?"));
  mac.finish(first);
  mac.update(as_bytes("what do ya "));
  mac.update(as_bytes("want for nothing?"));
  mac.finish(second);
  CHECK(first == second);
}

TEST_CASE("hkdf: the examples of RFC 5869") {
  const std::vector<std::byte> input(22, std::byte{0x0b});
  std::array<std::byte, 42> out;
  CHECK(hkdf<sha256>(unhex("000102030405060708090a0b0c"), input, unhex("f0f1f2f3f4f5f6f7f8f9"), out) ==
        status::ok);
  CHECK(hex(out) == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
  CHECK(hkdf<sha256>({}, input, {}, out) == status::ok);
  CHECK(hex(out) == "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

TEST_CASE("hkdf: 255 digests are the most that it gives") {
  std::vector<std::byte> out(255 * 32 + 1);
  CHECK(hkdf<sha256>({}, {}, {}, out) == status::invalid_argument);
  CHECK(hkdf<sha256>({}, {}, {}, shoal::bytes_span{out}.first(255 * 32)) == status::ok);
  std::array<std::byte, 32> first;
  CHECK(hkdf<sha256>({}, {}, {}, first) == status::ok);
  CHECK(std::ranges::equal(first, bytes_view{out}.first(32)));
}

}  // namespace
