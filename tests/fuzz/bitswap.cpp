// SPDX-License-Identifier: BSL-1.0
//
// A Bitswap peer of any kind. The first byte chooses what its bytes are: one message, which is read, written
// again and read again with the same meaning; or a script of messages, times and blocks for a server engine and
// a client session, which survive it, stay within their budgets, and accept nothing that was not wanted.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include <shoal/content/varint.hpp>
#include <shoal/exchange/client_session.hpp>
#include <shoal/exchange/server_engine.hpp>

#include "../unit/exchange/blocks.hpp"

namespace {

using namespace shoal::exchange;
using shoal::bytes_view;
using shoal::cid;

void require(bool truth) {
  if (!truth) std::abort();
}

struct meaning {
  std::vector<want_entry> wants;
  std::vector<block_presence> presences;
  std::vector<block_payload> payloads;
};

meaning meaning_of(const bitswap_message& m) {
  meaning out;
  m.visit([&](const want_entry& w) { out.wants.push_back(w); });
  m.visit([&](const block_presence& p) { out.presences.push_back(p); });
  m.visit([&](const block_payload& p) { out.payloads.push_back(p); });
  return out;
}

/// Priorities of what is called off are not written.
bool same(const want_entry& a, const want_entry& b) {
  return a.id == b.id && a.cancel == b.cancel && (a.cancel || a.priority == b.priority) && a.type == b.type &&
         a.send_dont_have == b.send_dont_have;
}

/// A message is the same after it has been written and read.
void round_trip(bytes_view body) {
  const auto m = bitswap_message::parse(body);
  if (!m) return;
  const meaning before = meaning_of(*m);
  bitswap_writer out;
  if (m->full()) out.set_full();
  for (const want_entry& w : before.wants) out.add_want(w);
  for (const block_presence& p : before.presences) out.add_presence(p.id, p.what);
  std::vector<cid> names;
  for (const block_payload& p : before.payloads) {
    const std::vector<std::byte> digest(p.prefix.digest_size, std::byte{1});
    const auto name = p.prefix.name(digest);
    require(name.has_value() && block_prefix::of(*name) == p.prefix);
    out.add_block(*name, {nullptr, p.data});
  }
  if (out.size() > max_message_size - 64) return;
  const std::vector<std::byte> written = blocks::flat(out.finish());
  bytes_view rest{written};
  const auto length = shoal::take_varint(rest);
  require(length.has_value() && *length == rest.size());
  const auto again = bitswap_message::parse(rest);
  require(again.has_value() && again->full() == m->full());
  const meaning after = meaning_of(*again);
  require(std::ranges::equal(before.wants, after.wants, same));
  require(std::ranges::equal(before.presences, after.presences,
                             [](const auto& a, const auto& b) { return a.id == b.id && a.what == b.what; }));
  require(std::ranges::equal(before.payloads, after.payloads, [](const auto& a, const auto& b) {
    return a.prefix == b.prefix && std::ranges::equal(a.data, b.data);
  }));
}

constexpr std::uint32_t peer_count = 4;

/// Both engines, and a world that does what the bytes say.
class play {
 public:
  explicit play(bytes_view script) : script_(script) {
    for (std::uint32_t i = 0; i < peer_count; ++i) connect();
  }

  void run() {
    while (!script_.empty()) {
      step();
      settle();
    }
    // all wants can be called off, and then nothing is left to wait for
    for (std::uint64_t i = 0; i < names_; ++i) client_.unwant(blocks::name(i));
    settle();
    require(client_.wanted() == 0 && !client_.next_deadline());
    for (const lookup& asked : asked_) server_.missing(asked);
    for (const peer_handle peer : peers_) {
      server_.remove_peer(peer);
      client_.remove_peer(peer);
    }
    require(server_.outstanding() == 0);
  }

 private:
  static constexpr std::uint64_t names_ = 16;

  unsigned take() {
    if (script_.empty()) return 0;
    const auto value = std::to_integer<unsigned>(script_.front());
    script_ = script_.subspan(1);
    return value;
  }
  peer_handle peer() { return peers_[take() % peer_count]; }
  cid name() { return blocks::name(take() % names_); }

  void connect() {
    const peer_handle fresh{++connections_};
    peers_.push_back(fresh);
    server_.add_peer(fresh);
    client_.add_peer(fresh, connections_ % 2);
  }

  void hear(peer_handle from, bytes_view body) {
    const auto m = bitswap_message::parse(body);
    if (!m) return client_.misbehaved(from);
    server_.receive(from, *m);
    client_.receive(from, *m, now_);
  }

  void step() {
    switch (take() % 13) {
      case 0: {
        const peer_handle from = peer();
        const std::size_t asked = take();
        const std::size_t size = std::min(asked, script_.size());
        hear(from, script_.first(size));
        script_ = script_.subspan(size);
        break;
      }
      case 1: {  // a sound message, which chance seldom finds
        const peer_handle from = peer();
        const unsigned how = take();
        bitswap_writer out;
        out.add_want({.id = name(),
                      .priority = static_cast<std::int32_t>(take()),
                      .cancel = how % 4 == 0,
                      .type = want_type{static_cast<std::uint8_t>(how / 4 % 2)},
                      .send_dont_have = how / 8 % 2 != 0});
        if (how / 16 % 4 == 0) out.set_full();
        hear(from, blocks::read(out.finish()).bytes);
        break;
      }
      case 2: {
        const peer_handle from = peer();
        bitswap_writer out;
        const cid id = name();
        out.add_presence(id, presence{static_cast<std::uint8_t>(take() % 2)});
        hear(from, blocks::read(out.finish()).bytes);
        break;
      }
      case 3:
      case 4: {
        const peer_handle from = peer();
        const cid id = name();
        const std::size_t before = client_.wanted();
        const arrival a = client_.arrived(from, id.hash(), take(), now_);
        require((a.what == arrival::verdict::accepted) == (client_.wanted() + 1 == before));
        require(a.what != arrival::verdict::accepted || a.id.hash() == id.hash());
        break;
      }
      case 5: {
        const cid id = name();
        const unsigned how = take();
        client_.want(id, {.priority = static_cast<std::int32_t>(how), .urgent = how % 5 == 0}, now_);
        break;
      }
      case 6: client_.unwant(name()); break;
      case 7:
        now_ += std::chrono::milliseconds{take() * take()};
        client_.tick(now_);
        break;
      case 8:
        if (const auto deadline = client_.next_deadline()) {
          now_ = std::max(now_, *deadline);
          client_.tick(now_);
        }
        break;
      case 9: answer(); break;
      case 10: server_.block_arrived(name().hash()); break;
      case 11: {
        const std::size_t i = take() % peer_count;
        server_.remove_peer(peers_[i]);
        client_.remove_peer(peers_[i]);
        std::swap(peers_[i], peers_.back());
        peers_.pop_back();
        connect();
        break;
      }
      case 12: client_.stream_lost(peer()); break;
      default: break;
    }
  }

  void answer() {
    if (asked_.empty()) return;
    const unsigned how = take();
    const lookup asked = asked_.back();
    asked_.pop_back();
    static const std::vector<std::byte> content(300'000);
    const std::size_t size = how % 3 == 0 ? 100 : content.size();
    switch (how / 3 % 4) {
      case 0: server_.missing(asked); break;
      case 1: server_.expected(asked); break;
      case 2: server_.holds(asked, size); break;
      default: server_.found(asked, {nullptr, bytes_view{content}.first(size)}); break;
    }
  }

  void settle() {
    const server_limits limits;
    while (auto asked = server_.next_lookup()) asked_.push_back(*asked);
    while (const auto m = server_.next_message()) {
      require(m->size <= max_message_size + shoal::max_varint_size);
      if (m->size % 2 == 0) server_.sent(m->peer, m->size);  // others wait until the peer goes
    }
    require(server_.outstanding() <= limits.total_budget + limits.expected_block);
    while (const auto m = client_.next_message(now_)) require(m->size != 0);
    while (const auto e = client_.next_event())
      require(e->what != client_event::kind::unmet || client_.wanted() != 0);
    require(client_.wanted() <= names_);
    require(client_.wanted() == 0 || client_.next_deadline());  // no want is forgotten
  }

  bytes_view script_;
  server_engine server_;
  client_session<> client_;
  std::vector<peer_handle> peers_;
  std::vector<lookup> asked_;
  instant now_{};
  std::uint32_t connections_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const bytes_view rest{reinterpret_cast<const std::byte*>(data) + 1, size - 1};
  if (data[0] % 2 == 0) {
    round_trip(rest);
  } else {
    play{rest}.run();
  }
  return 0;
}
