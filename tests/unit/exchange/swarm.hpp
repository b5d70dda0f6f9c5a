// SPDX-License-Identifier: BSL-1.0
//
// swarm: one client session and several peers in virtual time. A peer is a server engine with a store, behind a
// link of a latency and a bandwidth, or one that behaves badly. The same every time: no clock, no threads.
// Blocks are told apart by their first bytes, and digests are made from these: hashing would take most of the
// time.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include <shoal/base/endian.hpp>
#include <shoal/exchange/client_session.hpp>
#include <shoal/exchange/server_engine.hpp>

#include "blocks.hpp"

namespace blocks {

using namespace shoal::exchange;
using std::chrono::milliseconds;

enum class manner {
  honest,
  mute,      ///< takes requests and never answers
  promiser,  ///< says HAVE to everything and never delivers
  liar,      ///< sends other bytes than were asked for
  trickler   ///< a hundred bytes a second
};

struct remote {
  duration latency = milliseconds{1};  ///< one way
  double rate = 100e6;                 ///< bytes a second, towards the client
  manner how = manner::honest;
  unsigned tier = 0;
};

template <class Policy = nearest_first>
class swarm {
 public:
  /// A block whose first eight bytes are its number, and the rest zero.
  static std::vector<std::byte> numbered(std::uint64_t number, std::size_t size) {
    std::vector<std::byte> out(size);
    shoal::store_le(out.data(), number);
    return out;
  }
  /// Stands for SHA-256.
  static shoal::multihash digest_of(shoal::bytes_view block) {
    std::array<std::byte, 32> digest{};
    std::memcpy(digest.data() + 24, block.data(), 8);
    return *shoal::multihash::make(shoal::hash_code::sha2_256, digest);
  }

  /// The image: `count` blocks of `size` bytes.
  swarm(std::size_t count, std::size_t size) {
    for (std::uint64_t i = 0; i < count; ++i) {
      auto data = shoal::share(numbered(i, size));
      ids.push_back(shoal::cid{shoal::multicodec::raw, digest_of(data.bytes)});
      image.emplace(ids.back().hash(), std::move(data));
    }
  }

  /// Connects a peer that has the blocks for which `has` says so.
  template <class Has>
  peer_handle add(const remote& r, Has&& has) {
    const peer_handle peer{next_peer_++};
    machine& m = machines_.emplace(peer, machine{r}).first->second;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (has(i)) m.store.insert(ids[i].hash());
    }
    m.engine.add_peer(me);
    client.add_peer(peer, r.tier);
    return peer;
  }
  peer_handle add(const remote& r) {
    return add(r, [](std::size_t) { return true; });
  }

  /// The connection breaks, and both sides see it.
  void disconnect(peer_handle peer) {
    machines_.at(peer).connected = false;
    client.remove_peer(peer);
  }
  /// Nothing leaves the peer for so long.
  void pause(peer_handle peer, duration time) { machines_.at(peer).line_free = now + time; }
  /// A peer gets a block from elsewhere.
  void gain(peer_handle peer, std::size_t i) {
    machines_.at(peer).store.insert(ids[i].hash());
    machines_.at(peer).engine.block_arrived(ids[i].hash());
    serve(peer);
  }

  void at(duration when, std::function<void()> what) { schedule(instant{} + when, std::move(what)); }

  /// Runs until nothing is left to happen, or the time is over.
  void run(duration most = std::chrono::minutes{10}) {
    settle();
    while (true) {
      const auto deadline = client.next_deadline();
      const bool event_first = !queue_.empty() && (!deadline || queue_.begin()->first.first <= *deadline);
      if (!event_first && !deadline) return;
      const instant next = event_first ? queue_.begin()->first.first : *deadline;
      if (next - instant{} > most) return;
      now = std::max(now, next);
      if (event_first) {
        const auto what = std::move(queue_.begin()->second);
        queue_.erase(queue_.begin());
        what();
      } else {
        client.tick(now);
      }
      settle();
    }
  }

  void want_all(std::int32_t priority = 1) {
    for (const shoal::cid& id : ids) client.want(id, {.priority = priority}, now);
  }

  [[nodiscard]] double seconds() const { return std::chrono::duration<double>(finished - instant{}).count(); }

  client_session<Policy> client;
  std::vector<shoal::cid> ids;
  std::map<shoal::multihash, shoal::shared_bytes> image;
  instant now{};
  instant finished{};  ///< when the last block was accepted
  std::vector<shoal::cid> accepted;
  std::function<void(const shoal::cid&)> on_accept;
  std::map<peer_handle, std::size_t> from;  ///< blocks accepted, by who sent them
  std::set<peer_handle> banned;
  std::vector<client_event> events;
  std::uint64_t forgotten = 0;  ///< times that something was wanted and nothing was to happen: never
  std::uint64_t wrong = 0;      ///< accepted blocks that are not what the name says: never
  std::uint64_t messages = 0;   ///< from the client

 private:
  static constexpr peer_handle me{1000};

  static bool same(shoal::bytes_view a, shoal::bytes_view b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size()) == 0;
  }

  struct machine {
    remote is;
    server_engine engine = server_engine{};
    std::set<shoal::multihash> store = {};
    instant line_free = {};
    bool connected = true;
  };

  void schedule(instant when, std::function<void()> what) {
    queue_.emplace(std::pair{when, ++sequence_}, std::move(what));
  }

  /// Carries out what the client says.
  void settle() {
    while (auto m = client.next_message(now)) {
      ++messages;
      const peer_handle peer = m->peer;
      schedule(now + machines_.at(peer).is.latency,
               [this, peer, bytes = read(m->pieces).bytes] { hear(peer, bytes); });
    }
    while (const auto e = client.next_event()) {
      events.push_back(*e);
      if (e->what != client_event::kind::misbehaved) continue;
      banned.insert(e->peer);
      disconnect(e->peer);
    }
    forgotten += client.wanted() != 0 && !client.next_deadline() ? 1u : 0u;
  }

  /// The peer hears the client.
  void hear(peer_handle peer, const std::vector<std::byte>& bytes) {
    machine& m = machines_.at(peer);
    if (!m.connected || m.is.how == manner::mute) return;
    const bitswap_message message = *bitswap_message::parse(bytes);
    if (m.is.how == manner::promiser) {
      bitswap_writer out;
      message.visit([&](const want_entry& w) {
        if (!w.cancel) out.add_presence(w.id, presence::have);
      });
      if (!out.empty()) send(peer, out.finish());
      return;
    }
    m.engine.receive(me, message);
    serve(peer);
  }

  void serve(peer_handle peer) {
    machine& m = machines_.at(peer);
    while (const auto asked = m.engine.next_lookup()) {
      if (!m.store.contains(asked->id.hash())) {
        m.engine.missing(*asked);
      } else if (m.is.how == manner::liar && asked->wants_bytes) {
        m.engine.found(*asked, shoal::share(numbered(~lies_++, 5000)));
      } else if (asked->wants_bytes) {
        m.engine.found(*asked, image.at(asked->id.hash()));
      } else {
        m.engine.holds(*asked, image.at(asked->id.hash()).bytes.size());
      }
    }
    while (const auto out = m.engine.next_message()) {
      const std::size_t size = out->size;
      const instant sent = send(peer, out->pieces);
      schedule(sent, [this, peer, size] {
        machines_.at(peer).engine.sent(me, size);
        if (machines_.at(peer).connected) serve(peer);
      });
    }
  }

  /// The line is busy until what is returned; the client hears it a latency later.
  instant send(peer_handle peer, const std::vector<shoal::shared_bytes>& pieces) {
    machine& m = machines_.at(peer);
    const read_back message = read(pieces);
    const double rate = m.is.how == manner::trickler ? 100 : m.is.rate;
    const auto takes = std::chrono::duration<double>(static_cast<double>(message.bytes.size()) / rate);
    m.line_free = std::max(m.line_free, now) + std::chrono::duration_cast<duration>(takes);
    schedule(m.line_free + m.is.latency, [this, peer, bytes = message.bytes] { receive(peer, bytes); });
    return m.line_free;
  }

  /// The client hears the peer.
  void receive(peer_handle peer, const std::vector<std::byte>& bytes) {
    if (!machines_.at(peer).connected) return;
    const bitswap_message message = *bitswap_message::parse(bytes);
    client.receive(peer, message, now);
    message.visit([&](const block_payload& b) {
      if (!client.may_send(peer)) return client.misbehaved(peer);
      const shoal::multihash hash = digest_of(b.data);
      const arrival a = client.arrived(peer, hash, b.data.size(), now);
      if (a.what != arrival::verdict::accepted) return;
      const auto known = image.find(a.id.hash());
      wrong += known != image.end() && same(known->second.bytes, b.data) ? 0u : 1u;
      accepted.push_back(a.id);
      ++from[peer];
      finished = now;
      if (on_accept) on_accept(a.id);
    });
  }

  std::map<std::pair<instant, std::uint64_t>, std::function<void()>> queue_;
  std::uint64_t sequence_ = 0;
  std::map<peer_handle, machine> machines_;
  std::uint32_t next_peer_ = 1;
  std::uint64_t lies_ = 0;
};

}  // namespace blocks
