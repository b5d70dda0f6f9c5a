// SPDX-License-Identifier: BSL-1.0
#include <shoal/libp2p/connection.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "plain_crypto.hpp"

namespace {

using namespace shoal::libp2p;
using shoal::as_bytes;
using shoal::bytes_span;
using shoal::bytes_view;
using shoal::errc;
using shoal::share;
using bytes = std::vector<std::byte>;

struct plain_suite {
  using cipher = plain::aead;
  using agreement = plain::key_agreement;
  using signer = plain::signer;
  using verifier = plain::verifier;
};
using kind = connection_event::kind;

connection_keys keys_of(int value) {
  connection_keys keys;
  keys.identity_proof = shoal::secret<32>{bytes(32, static_cast<std::byte>(value))};
  keys.ephemeral = shoal::secret<32>{bytes(32, static_cast<std::byte>(value + 1))};
  keys.nonce.fill(static_cast<std::byte>(value + 2));
  return keys;
}

bytes text_bytes(std::string_view text) {
  const bytes_view view = as_bytes(text);
  return {view.begin(), view.end()};
}

bool speaks_echo(std::string_view name) {
  return name == "/echo" || name == "/sink";
}

/// One side with what has happened on it. Echoes what comes on "/echo".
struct side {
  side(noise_role role, int number, const swarm_key* network = nullptr)
      : me(static_cast<std::byte>(number)),
        link(role, me, keys_of(10 * number),
             {.speaks = speaks_echo,
              .admits = [this](const peer_id& id) { return !refuses(id); },
              .network = network}) {}

  bool refuses(const peer_id&) const { return refuse_all; }

  void handle(const connection_event& e) {
    switch (e.what) {
      case kind::ready: ready = true; break;
      case kind::accepted: accepted[e.stream] = e.protocol; break;
      case kind::agreed: agreed[e.stream] = e.protocol; break;
      case kind::refused: ++refused; break;
      case kind::data:
        if (accepted.contains(e.stream) && accepted[e.stream] == "/echo") {
          (void)link.write(e.stream, share({e.bytes.begin(), e.bytes.end()}));
        }
        heard[e.stream].insert(heard[e.stream].end(), e.bytes.begin(), e.bytes.end());
        link.consume(e.stream, e.bytes.size());
        break;
      case kind::finished:
        ++finished;
        link.finish(e.stream);
        break;
      case kind::reset: ++reset; break;
      case kind::pong: pong = e.value; break;
      case kind::failed: error = e.error; break;
      default: break;
    }
  }

  plain::signer me;
  bool refuse_all = false;
  connection<plain_suite> link;
  bool ready = false;
  std::map<stream_id, std::string> accepted, agreed;
  std::map<stream_id, bytes> heard;
  int refused = 0, finished = 0, reset = 0;
  std::uint32_t pong = 0;
  std::error_code error;
};

/// Carries bytes both ways, in pieces of random size, until neither side has anything to say.
void carry(side& a, side& b, unsigned seed, std::size_t largest = 3000) {
  std::mt19937 random{seed};
  const std::array<std::pair<side*, side*>, 2> ways{{{&a, &b}, {&b, &a}}};
  for (bool busy = true; busy;) {
    busy = false;
    for (const auto& [from, to] : ways) {
      bytes out(100 + random() % largest);
      const std::size_t n = from->link.produce(out);
      busy |= n != 0;
      for (bytes_span rest = bytes_span{out}.first(n); !rest.empty() && !to->error;) {
        const std::size_t cut = std::min<std::size_t>(rest.size(), 1 + random() % largest);
        to->link.receive(rest.first(cut));
        rest = rest.subspan(cut);
        while (true) {
          const connection_event e = to->link.next();
          to->handle(e);
          if (e.what == kind::starved || e.what == kind::failed) break;
        }
      }
    }
  }
}

}  // namespace

TEST_CASE("two peers meet, agree on a protocol and talk, however the bytes are cut") {
  for (unsigned seed = 0; seed < 12; ++seed) {
    side a{noise_role::initiator, 1};
    side b{noise_role::responder, 2};
    carry(a, b, seed, seed % 3 == 0 ? 7 : 3000);
    REQUIRE(a.ready);
    REQUIRE(b.ready);
    CHECK(a.link.peer().key.bytes()[0] == std::byte{2});
    CHECK(b.link.peer().id == peer_id::of(b.link.peer().key));
    const auto s = a.link.open("/echo");
    REQUIRE(s.has_value());
    bytes said(seed * 5000 + 1);
    for (std::size_t i = 0; i < said.size(); ++i) said[i] = static_cast<std::byte>(i * 31 >> 3);
    REQUIRE(a.link.write(*s, share(bytes{said})));  // before the peer has said yes
    carry(a, b, seed);
    CHECK(a.agreed[*s] == "/echo");
    CHECK(b.accepted[*s] == "/echo");
    CHECK(b.heard[*s] == said);
    CHECK(a.heard[*s] == said);
    a.link.finish(*s);
    carry(a, b, seed);
    CHECK(b.finished == 1);
    CHECK(a.link.streams() == 0);
    CHECK(b.link.streams() == 0);
  }
}

TEST_CASE("a protocol that the peer does not speak is refused, and the stream is gone") {
  side a{noise_role::initiator, 1};
  side b{noise_role::responder, 2};
  carry(a, b, 1);
  REQUIRE(a.link.open("/unheard-of").has_value());
  carry(a, b, 2);
  CHECK(a.refused == 1);
  CHECK(b.accepted.empty());
  CHECK(a.link.streams() == 0);
}

TEST_CASE("whoever writes behind the name of a protocol that is refused hears so all the same") {
  side a{noise_role::initiator, 1};
  side b{noise_role::responder, 2};
  carry(a, b, 1);
  const auto s = a.link.open("/unheard-of");
  REQUIRE(s.has_value());
  REQUIRE(a.link.write(*s, share(bytes(500, std::byte{200}))));
  carry(a, b, 2);
  CHECK(a.refused == 1);
  CHECK(a.reset == 0);
  CHECK(a.link.streams() == 0);
  CHECK(b.link.streams() == 0);
}

TEST_CASE("streams on which nobody agrees are reset in the end") {
  side a{noise_role::initiator, 1};
  side b{noise_role::responder, 2};
  carry(a, b, 1);
  const auto s = a.link.open("/echo");
  REQUIRE(s.has_value());
  CHECK(a.link.reset_stalled().empty());
  CHECK(a.link.reset_stalled() == std::vector{*s});
  CHECK(a.link.streams() == 0);
}

TEST_CASE("a peer that is not admitted learns nothing and the connection fails on both sides") {
  side a{noise_role::initiator, 1};
  side b{noise_role::responder, 2};
  b.refuse_all = true;
  carry(a, b, 1);
  CHECK_FALSE(b.ready);
  CHECK(b.error == noise_errc::unwanted_peer);
}

TEST_CASE("a private network needs the same key on both sides") {
  swarm_key one;
  one.bytes = shoal::secret<32>{bytes(32, std::byte{5})};
  swarm_key other;
  other.bytes = shoal::secret<32>{bytes(32, std::byte{6})};
  side a{noise_role::initiator, 1, &one};
  side b{noise_role::responder, 2, &one};
  carry(a, b, 3, 20);
  CHECK(a.ready);
  CHECK(b.ready);
  side c{noise_role::initiator, 1, &one};
  side d{noise_role::responder, 2, &other};
  carry(c, d, 3);
  CHECK(d.error);
  CHECK_FALSE(d.ready);
  side e{noise_role::initiator, 1, &one};
  side f{noise_role::responder, 2};
  carry(e, f, 3);
  CHECK(f.error);
}

TEST_CASE("pings are answered") {
  side a{noise_role::initiator, 1};
  side b{noise_role::responder, 2};
  carry(a, b, 1);
  a.link.ping(77);
  carry(a, b, 2);
  CHECK(a.pong == 77);
}

TEST_CASE("with no multiplexer named in the handshake, multistream-select chooses it") {
  const plain::signer other{std::byte{9}};
  secure_channel<plain_suite> channel{noise_role::initiator, other, keys_of(40), {}};
  yamux streams{yamux_role::dialer};
  const std::array<std::string_view, 2> names{"/mplex/6.7.0", yamux_protocol};
  multistream_dialer dial{names};
  side b{noise_role::responder, 2};

  bytes to_say;
  bool agreed = false;
  const auto step = [&] {
    bytes out(1000);
    std::size_t n = channel.produce(out, [&](bytes_span room) {
      const std::size_t size = std::min(room.size(), to_say.size());
      std::copy_n(to_say.begin(), size, room.begin());
      to_say.erase(to_say.begin(), to_say.begin() + static_cast<std::ptrdiff_t>(size));
      return size != 0 || !agreed ? size : streams.produce(room);
    });
    b.link.receive(bytes_span{out}.first(n));
    for (connection_event e = b.link.next(); e.what != kind::starved && e.what != kind::failed;
         e = b.link.next()) {
      b.handle(e);
    }
    n = b.link.produce(out);
    channel.receive(bytes_span{out}.first(n));
    while (true) {
      const auto text = channel.next();
      REQUIRE(text.has_value());
      if (text->empty()) break;
      bytes_view rest = *text;
      if (!agreed) {
        agreed = dial.next(rest) == multistream_event::agreed;
        const bytes more = dial.take_output();
        to_say.insert(to_say.end(), more.begin(), more.end());
      }
    }
  };
  while (!channel.established()) step();
  to_say = dial.take_output();
  for (int i = 0; i < 4; ++i) step();
  CHECK(agreed);
  CHECK(b.ready);
  const auto s = streams.open();
  REQUIRE(s.has_value());
  bytes hello = text_bytes("\x13/multistream/1.0.0\n\x06/echo\nhello");
  REQUIRE(streams.write(*s, share(std::move(hello))));
  for (int i = 0; i < 3; ++i) step();
  CHECK(b.heard[*s] == text_bytes("hello"));
}

TEST_CASE("what is no libp2p fails at once and stays so") {
  side b{noise_role::responder, 2};
  bytes junk = text_bytes("SSH-2.0-" + std::string(100, 'x') + "\r\n");
  b.link.receive(junk);
  connection_event e = b.link.next();
  CHECK(e.what == kind::failed);
  CHECK(b.link.next().error == e.error);
  CHECK_FALSE(b.ready);
}
