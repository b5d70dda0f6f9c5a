// SPDX-License-Identifier: BSL-1.0
#include <shoal/libp2p/noise_handshake.hpp>  // first: shows that the header stands alone

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/openssl/chacha20_poly1305.hpp>
#include <shoal/openssl/ed25519.hpp>
#include <shoal/openssl/signature_verifier.hpp>
#include <shoal/openssl/x25519.hpp>

namespace {

using namespace shoal::libp2p;
using shoal::bytes_span;
using shoal::bytes_view;
using shoal::errc;
using shoal::secret;
using cipher = shoal::openssl::chacha20_poly1305;
using shoal::openssl::ed25519_signer;
using handshake =
    noise_handshake<cipher, shoal::openssl::x25519, ed25519_signer, shoal::openssl::signature_verifier>;
using names = std::vector<std::string_view>;

secret<32> key_of(int value) {
  return secret<32>{std::vector<std::byte>(32, static_cast<std::byte>(value))};
}

const ed25519_signer alice{bytes_view{key_of(1).view()}};
const ed25519_signer bob{bytes_view{key_of(2).view()}};
const names yamux{"/yamux/1.0.0"};

peer_id id_of(const ed25519_signer& who) {
  return peer_id::of(*public_key::make(who.kind(), who.public_key()));
}

handshake dial(const names& muxers = yamux, handshake::admission admits = {}) {
  return {noise_role::initiator, alice, key_of(11), key_of(12), muxers, admits};
}
handshake answer(const names& muxers = yamux, handshake::admission admits = {}) {
  return {noise_role::responder, bob, key_of(21), key_of(22), muxers, admits};
}

/// Lets the two talk in pieces of `piece` bytes until neither has more to say, and gives the errors that they
/// met.
std::pair<std::error_code, std::error_code> converse(handshake& one, handshake& other,
                                                     std::size_t piece = 4096) {
  handshake* sides[2] = {&one, &other};
  std::vector<std::byte> inputs[2];
  std::error_code errors[2];
  for (bool moved = true; moved;) {
    moved = false;
    for (std::size_t i = 0; i < 2; ++i) {
      std::vector<std::byte> out;
      std::vector<std::byte>& in = inputs[i];
      for (std::size_t n = 0;;) {
        const auto took = sides[i]->receive(bytes_view{in}.first(n), out);
        if (!took) {
          errors[i] = took.error();
          CHECK(sides[i]->receive({}, out).error() == errors[i]);
          break;
        }
        in.erase(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(*took));
        n -= *took;
        if (n == in.size()) break;
        n = std::min(in.size(), n + piece);
      }
      moved |= !out.empty();
      inputs[1 - i].insert(inputs[1 - i].end(), out.begin(), out.end());
    }
  }
  return {errors[0], errors[1]};
}

TEST_CASE("two peers learn who the other is and agree on keys, however the bytes are cut") {
  for (const std::size_t piece : {1u, 7u, 4096u}) {
    CAPTURE(piece);
    handshake one = dial();
    handshake other = answer();
    const auto [error, other_error] = converse(one, other, piece);
    CHECK_FALSE(error);
    CHECK_FALSE(other_error);
    REQUIRE(one.finished());
    REQUIRE(other.finished());
    CHECK(one.peer().id == id_of(bob));
    CHECK(other.peer().id == id_of(alice));
    CHECK(std::ranges::equal(one.peer().key.bytes(), bob.public_key()));
    CHECK(one.peer().muxer == "/yamux/1.0.0");
    CHECK(other.peer().muxer == "/yamux/1.0.0");
    noise_sealer<cipher> seal{one.keys().send};
    noise_opener<cipher> open{other.keys().receive};
    std::vector<std::byte> frame(noise_overhead + 3, std::byte{7});
    REQUIRE(seal(frame));
    CHECK(open.next(frame)->text.size() == 3);
  }
}

TEST_CASE("of the multiplexers that both have, the one that the dialler likes best is taken") {
  const auto check = [](const names& mine, const names& theirs, std::string_view expected) {
    handshake one = dial(mine);
    handshake other = answer(theirs);
    converse(one, other);
    REQUIRE(one.finished());
    REQUIRE(other.finished());
    CHECK(one.peer().muxer == expected);
    CHECK(other.peer().muxer == expected);
  };
  check({"/a", "/b", "/c"}, {"/c", "/b"}, "/b");
  check({"/a"}, {"/b"}, "");
  check({}, {"/b"}, "");
  check({"/a"}, {}, "");
}

TEST_CASE("what follows the last message is left for the channel") {
  handshake one = dial();
  handshake other = answer();
  std::vector<std::byte> first;
  std::vector<std::byte> second;
  std::vector<std::byte> third;
  REQUIRE(one.receive({}, first));
  REQUIRE(other.receive(first, second));
  REQUIRE(one.receive(second, third));
  const std::size_t size = third.size();
  third.resize(size + 100);
  std::vector<std::byte> none;
  const auto took = other.receive(third, none);
  REQUIRE(took);
  CHECK(*took == size);
  CHECK(none.empty());
  CHECK(*other.receive(third, none) == 0);
}

TEST_CASE("a dialler that meets somebody else says nothing about itself") {
  handshake one = dial(yamux, [](const peer_id& id) { return id == id_of(alice); });
  handshake other = answer();
  const auto [error, other_error] = converse(one, other);
  CHECK(error == noise_errc::unwanted_peer);
  CHECK_FALSE(other_error);
  CHECK_FALSE(one.finished());
  CHECK_FALSE(other.finished());
}

TEST_CASE("a listener turns away whom it does not admit") {
  handshake one = dial(yamux, [](const peer_id& id) { return id == id_of(bob); });
  handshake other = answer(yamux, [](const peer_id&) { return false; });
  const auto [error, other_error] = converse(one, other);
  CHECK_FALSE(error);
  CHECK(other_error == noise_errc::unwanted_peer);
  CHECK_FALSE(other.finished());
}

/// Shows an identity that it has no private key of.
struct impostor {
  static constexpr std::size_t signature_size = 64;
  [[nodiscard]] shoal::key_kind kind() const noexcept { return bob.kind(); }
  [[nodiscard]] bytes_view public_key() const noexcept { return bob.public_key(); }
  [[nodiscard]] shoal::status sign(bytes_view message, bytes_span out) const noexcept {
    return alice.sign(message, out);
  }
};

TEST_CASE("an identity without its private key is no identity") {
  const impostor mallory;
  noise_handshake<cipher, shoal::openssl::x25519, impostor, shoal::openssl::signature_verifier> other{
      noise_role::responder, mallory, key_of(21), key_of(22), yamux};
  handshake one = dial();
  std::vector<std::byte> first;
  std::vector<std::byte> second;
  std::vector<std::byte> third;
  REQUIRE(one.receive({}, first));
  REQUIRE(other.receive(first, second));
  CHECK(one.receive(second, third).error() == noise_errc::bad_signature);
  CHECK(third.empty());
  CHECK(one.receive({}, third).error() == noise_errc::bad_signature);
  CHECK(third.empty());
}

TEST_CASE("a peer that shows no identity is refused") {
  noise_xx<cipher, shoal::openssl::x25519> nobody{noise_role::responder, key_of(21), key_of(22)};
  handshake one = dial();
  std::vector<std::byte> first;
  std::vector<std::byte> second(2);
  std::vector<std::byte> third;
  REQUIRE(one.receive({}, first));
  REQUIRE(nobody.read(bytes_span{first}.subspan(2)));
  REQUIRE(nobody.write({}, second));
  second[1] = static_cast<std::byte>(second.size() - 2);
  CHECK(one.receive(second, third).error() == errc::truncated);
  CHECK(third.empty());
}

TEST_CASE("a peer with a key that protects nothing gets no answer") {
  handshake other = answer();
  std::vector<std::byte> first(34);
  first[1] = std::byte{32};
  std::vector<std::byte> out;
  CHECK(other.receive(first, out).error() == noise_errc::weak_key);
  CHECK(out.empty());
}

TEST_CASE("a message longer than any needs to be is refused by its length") {
  handshake other = answer();
  std::vector<std::byte> out;
  const std::array<std::byte, 2> head{std::byte{0x20}, std::byte{0x01}};
  CHECK(other.receive(head, out).error() == errc::limit_exceeded);
  handshake another = answer();
  const std::array<std::byte, 2> tiny{};
  CHECK(another.receive(tiny, out).error() == errc::truncated);
  CHECK(out.empty());
}

}  // namespace
