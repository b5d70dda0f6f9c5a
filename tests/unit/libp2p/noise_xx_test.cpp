// SPDX-License-Identifier: BSL-1.0
#include <shoal/libp2p/noise_xx.hpp>  // first: shows that the header stands alone

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/openssl/chacha20_poly1305.hpp>
#include <shoal/openssl/x25519.hpp>

#include "vectors.hpp"

namespace {

using shoal::bytes_span;
using shoal::errc;
using shoal::secret;
using shoal::libp2p::noise_errc;
using shoal::libp2p::noise_role;
using vectors::hex;
using vectors::unhex;
using cipher = shoal::libp2p::noise_cipher<shoal::openssl::chacha20_poly1305>;
using xx = shoal::libp2p::noise_xx<shoal::openssl::chacha20_poly1305, shoal::openssl::x25519>;

secret<32> key_of(int value) {
  return secret<32>{std::vector<std::byte>(32, static_cast<std::byte>(value))};
}

TEST_CASE("noise xx: the published handshake, seen from both sides, and the messages after it") {
  const std::string json = vectors::fixture("cacophony/noise_xx_25519_chachapoly_sha256.json");
  if (json.empty()) {
    MESSAGE("skipped: no cacophony vectors");
    return;
  }
  const auto one = [&](const char* name) { return unhex(vectors::strings_of(json, name).at(0)); };
  xx initiator{noise_role::initiator, secret<32>{one("init_static")}, secret<32>{one("init_ephemeral")},
               one("init_prologue")};
  xx responder{noise_role::responder, secret<32>{one("resp_static")}, secret<32>{one("resp_ephemeral")},
               one("resp_prologue")};
  const auto payloads = vectors::strings_of(json, "payload");
  const auto ciphertexts = vectors::strings_of(json, "ciphertext");
  REQUIRE(payloads.size() == 6);
  REQUIRE(ciphertexts.size() == 6);
  for (std::size_t i = 0; i < 3; ++i) {
    xx& from = i % 2 == 0 ? initiator : responder;
    xx& to = i % 2 == 0 ? responder : initiator;
    CHECK(from.my_turn());
    CHECK_FALSE(to.my_turn());
    std::vector<std::byte> message;
    REQUIRE(from.write(unhex(payloads[i]), message));
    CHECK(hex(message) == ciphertexts[i]);
    const auto payload = to.read(message);
    REQUIRE(payload);
    CHECK(hex(*payload) == payloads[i]);
  }
  CHECK(initiator.finished());
  CHECK(responder.finished());
  CHECK(hex(initiator.hash()) == vectors::strings_of(json, "handshake_hash").at(0));
  CHECK(hex(responder.hash()) == hex(initiator.hash()));
  std::array<std::byte, 32> expected;
  REQUIRE(shoal::openssl::x25519{}.public_of(one("resp_static"), expected) == shoal::status::ok);
  CHECK(hex(initiator.remote_static()) == hex(expected));

  cipher directions[2];  // from the responder, from the initiator
  REQUIRE(directions[0].set_key(initiator.keys().receive.view()));
  REQUIRE(directions[1].set_key(responder.keys().receive.view()));
  CHECK(hex(initiator.keys().send.view()) == hex(responder.keys().receive.view()));
  CHECK(hex(responder.keys().send.view()) == hex(initiator.keys().receive.view()));
  for (std::size_t i = 3; i < 6; ++i) {
    auto message = unhex(ciphertexts[i]);
    const bytes_span all{message};
    const bytes_span text = all.first(all.size() - 16);
    REQUIRE(directions[(i + 1) % 2].open({}, all, text));
    CHECK(hex(text) == payloads[i]);
  }
}

TEST_CASE("noise xx: whoever speaks out of turn is told so") {
  xx initiator{noise_role::initiator, key_of(1), key_of(2)};
  xx responder{noise_role::responder, key_of(3), key_of(4)};
  std::vector<std::byte> message;
  std::vector<std::byte> other(100);
  CHECK(responder.write({}, message).error() == errc::invalid_argument);
  CHECK(initiator.read(other).error() == errc::invalid_argument);
  CHECK(initiator.write({}, message));
  CHECK(initiator.write({}, message).error() == errc::invalid_argument);
}

/// Two sides whose first `messages` messages have passed.
struct pair {
  explicit pair(int messages) {
    for (int i = 0; i < messages; ++i) {
      std::vector<std::byte> message;
      xx& from = i % 2 == 0 ? initiator : responder;
      xx& to = i % 2 == 0 ? responder : initiator;
      REQUIRE(from.write({}, message));
      REQUIRE(to.read(message));
    }
  }
  xx initiator{noise_role::initiator, key_of(1), key_of(2)};
  xx responder{noise_role::responder, key_of(3), key_of(4)};
};

TEST_CASE("noise xx: a message that is cut or changed anywhere ends the handshake, there or in the next one") {
  for (int step = 0; step < 3; ++step) {
    CAPTURE(step);
    std::vector<std::byte> message;
    {
      pair sides(step);
      REQUIRE((step % 2 == 0 ? sides.initiator : sides.responder).write(shoal::as_bytes("hi"), message));
    }
    const std::size_t least = step == 0 ? 32 : step == 1 ? 96 : 64;
    for (std::size_t n = 0; n < message.size(); n += 3) {
      pair sides(step);
      xx& to = step % 2 == 0 ? sides.responder : sides.initiator;
      std::vector<std::byte> cut(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(n));
      const auto read = to.read(cut);
      if (n < least) CHECK(read.error() == errc::truncated);
      if (step != 0) {
        CHECK_FALSE(read);
        CHECK(to.read(message).error() == errc::invalid_argument);
        CHECK_FALSE(to.my_turn());
        CHECK_FALSE(to.finished());
      }
    }
    for (std::size_t i = 0; i < message.size() && step != 0; i += 3) {
      pair sides(step);
      std::vector<std::byte> changed = message;
      changed[i] ^= std::byte{1};
      CHECK((step == 1 ? sides.initiator : sides.responder).read(changed).error() == noise_errc::forged);
    }
  }
}

TEST_CASE("noise xx: what was changed in the first message shows in the second") {
  xx initiator{noise_role::initiator, key_of(1), key_of(2)};
  xx responder{noise_role::responder, key_of(3), key_of(4)};
  std::vector<std::byte> message;
  REQUIRE(initiator.write(shoal::as_bytes("hi"), message));
  message.back() ^= std::byte{1};
  REQUIRE(responder.read(message));
  message.clear();
  REQUIRE(responder.write({}, message));
  CHECK(initiator.read(message).error() == noise_errc::forged);
}

TEST_CASE("noise xx: a key of small order is refused") {
  xx responder{noise_role::responder, key_of(3), key_of(4)};
  std::vector<std::byte> message(32);
  REQUIRE(responder.read(message));
  std::vector<std::byte> out;
  CHECK(responder.write({}, out).error() == noise_errc::weak_key);
  CHECK(out.empty());
}

TEST_CASE("noise xx: two prologues do not go together") {
  xx initiator{noise_role::initiator, key_of(1), key_of(2), shoal::as_bytes("a")};
  xx responder{noise_role::responder, key_of(3), key_of(4), shoal::as_bytes("b")};
  std::vector<std::byte> first;
  std::vector<std::byte> second;
  REQUIRE(initiator.write({}, first));
  REQUIRE(responder.read(first));
  REQUIRE(responder.write({}, second));
  CHECK(initiator.read(second).error() == noise_errc::forged);
}

}  // namespace
