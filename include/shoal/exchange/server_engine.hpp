// SPDX-License-Identifier: BSL-1.0
//
// server_engine: serves blocks to peers over Bitswap, as a state machine. It says what to look up in the store
// and what to send to whom; the driver does both.
//
//     engine.receive(peer, message);
//     while (auto ask = engine.next_lookup()) store.ask(*ask);      // answer: found, holds, missing, expected
//     while (auto m = engine.next_message()) connection(m->peer).queue(*m);   // later: engine.sent(peer, size)
//
// Peers take turns by the bytes they have had, each has a budget of bytes on the way and a limit of wants, and
// what we do not have is remembered and served when it arrives. Memory is bounded by server_limits for each
// peer; how many peers there are is the driver's to limit. Leaves out who may be served at all.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include <shoal/base/bytes.hpp>
#include <shoal/base/shared_bytes.hpp>
#include <shoal/content/cid.hpp>
#include <shoal/content/verify.hpp>
#include <shoal/exchange/bitswap_message.hpp>
#include <shoal/exchange/bitswap_writer.hpp>
#include <shoal/exchange/peer_handle.hpp>
#include <shoal/exchange/want_ledger.hpp>

namespace shoal::exchange {

/// All in bytes but the first.
struct server_limits {
  std::size_t wants_per_peer = 1024;
  std::size_t peer_budget = 4_MiB;       ///< being looked up for, waiting for and on the way to one peer
  std::size_t total_budget = 64_MiB;     ///< the same for all peers together
  std::size_t in_flight = 1_MiB;         ///< given to the driver for one peer and not yet sent
  std::size_t message_size = 256_KiB;    ///< a message of this size takes no more; longer blocks go alone
  std::size_t small_block = 1024;        ///< a block up to this size is sent to who asks whether we have it
  std::size_t expected_block = 256_KiB;  ///< what a lookup is taken to bring, until it has
};

/// A question to the store, to be answered once: by found, holds, missing or expected.
struct lookup {
  peer_handle peer{};
  cid id;
  bool wants_bytes = true;    ///< otherwise the size will do
  std::int32_t priority = 0;  ///< as the peer gave it
  std::uint64_t stamp = 0;    ///< the engine's
  std::size_t reserved = 0;   ///< the engine's
};

/// What an engine has done so far.
struct server_counters {
  std::uint64_t blocks_sent = 0;
  std::uint64_t bytes_sent = 0;  ///< of blocks
  std::uint64_t presences_sent = 0;
  std::uint64_t wants_refused = 0;  ///< past wants_per_peer, or for an inline CID
};

class server_engine {
 public:
  explicit server_engine(const server_limits& limits = {}) noexcept : limits_(limits) {}

  /// @pre the handle is new
  void add_peer(peer_handle peer) {
    peers_.emplace(peer, peer_state{want_ledger{limits_.wants_per_peer}, now_serving_});
  }

  /// The connection is gone, and with it all that the peer wants. Lookups that are out are still to be
  /// answered.
  void remove_peer(peer_handle peer) {
    const auto found = peers_.find(peer);
    if (found == peers_.end()) return;
    peer_state& p = found->second;
    p.wants.each_remembered([&](const cid& id) { waiting_.erase({id, peer}); });
    turns_.erase({p.turn, peer});
    total_ -= p.queued + p.in_flight;
    peers_.erase(found);
  }

  /// What the peer wants, and no longer wants. Presences and blocks in the message are for the client session.
  void receive(peer_handle peer, const bitswap_message& message) {
    peer_state* const p = find(peer);
    if (p == nullptr) return;
    const auto forget = [&](const cid& id) { waiting_.erase({id, peer}); };
    if (message.full()) p->wants.begin_full();
    message.visit([&](const want_entry& asked) {
      if (asked.cancel) {
        forget(asked.id);
        p->wants.erase(asked.id);
      } else if (is_inline(asked.id) || p->wants.add(asked, forget) == want_ledger::outcome::refused) {
        ++counters_.wants_refused;
      }
    });
    if (message.full()) p->wants.end_full(forget);
    queue_turn(peer, *p);
  }

  /// What to look up next; none while the budgets are used up.
  [[nodiscard]] std::optional<lookup> next_lookup() {
    if (total_ >= limits_.total_budget) return std::nullopt;
    while (!turns_.empty()) {
      const auto [turn, peer] = *turns_.begin();
      turns_.erase(turns_.begin());
      peer_state& p = *find(peer);
      want_ledger::entry* const next = may_look(p) ? p.wants.take_next() : nullptr;
      if (next == nullptr) continue;
      now_serving_ = turn;
      const auto& [id, want] = *next;
      const bool bytes = want.type == want_type::block || want.at_hand;
      const std::size_t reserved = bytes ? limits_.expected_block : bitswap_writer::max_entry_size;
      p.reserved += reserved;
      p.turn += reserved;
      total_ += reserved;
      lookup out{peer, id, bytes, want.priority, want.stamp, reserved};
      queue_turn(peer, p);
      return out;
    }
    return std::nullopt;
  }

  /// The store has the block, and here it is: verified, and at most max_block_size. Also right as the answer to
  /// a lookup that did not ask for the bytes.
  void found(const lookup& asked, shared_bytes data) {
    const std::size_t size = data.bytes.size();
    if (size > max_block_size) return missing(asked);
    settle(asked, [&](peer_state& p, want_ledger::entry& want) {
      const bool send = want.second.type == want_type::block || size <= limits_.small_block;
      answer(p, want, send ? kind::block : kind::have, std::move(data));
    });
  }

  /// The store has the block, which is `size` bytes long.
  void holds(const lookup& asked, std::size_t size) {
    if (size > max_block_size) return missing(asked);
    settle(asked, [&](peer_state& p, want_ledger::entry& want) {
      if (want.second.type == want_type::block || size <= limits_.small_block) {
        want.second.at_hand = true;
        p.wants.move(want, stage::queued);
      } else {
        answer(p, want, kind::have, {});
      }
    });
  }

  /// The store does not have it. The peer hears so if it has asked to, and is served should it arrive.
  void missing(const lookup& asked) {
    settle(asked, [&](peer_state& p, want_ledger::entry& want) {
      remember(asked.peer, p, want);
      if (want.second.send_dont_have) answer(p, want, kind::dont_have, {});
    });
  }

  /// The store does not have it yet, but is getting it: the peer hears nothing until it has arrived.
  void expected(const lookup& asked) {
    settle(asked, [&](peer_state& p, want_ledger::entry& want) { remember(asked.peer, p, want); });
  }

  /// The store has a new block: whoever waits for it, under any CID of this hash, is served.
  void block_arrived(const multihash& hash) {
    const cid first_of_hash{multicodec{0}, hash};
    for (auto i = waiting_.lower_bound({first_of_hash, peer_handle{}});
         i != waiting_.end() && i->id.hash() == hash;) {
      const waiter w = *i;
      i = waiting_.erase(i);
      peer_state& p = *find(w.peer);
      p.wants.move(*p.wants.find(w.id), stage::queued);
      queue_turn(w.peer, p);
    }
  }

  /// The next message and for whom; none while there is nothing to say, or nobody who could take more.
  [[nodiscard]] std::optional<outgoing_message> next_message() {
    while (!ready_.empty()) {
      const peer_handle peer = ready_.front();
      ready_.pop_front();
      peer_state* const p = find(peer);
      if (p == nullptr) continue;
      p->ready = false;
      std::optional<outgoing_message> message = write(peer, *p);
      queue_ready(peer, *p);
      queue_turn(peer, *p);
      if (message) return message;
    }
    return std::nullopt;
  }

  /// `size` bytes of messages have left for the peer, or have been dropped.
  void sent(peer_handle peer, std::size_t size) {
    peer_state* const p = find(peer);
    if (p == nullptr) return;
    size = std::min(size, p->in_flight);
    p->in_flight -= size;
    total_ -= size;
    queue_ready(peer, *p);
    queue_turn(peer, *p);
  }

  [[nodiscard]] const server_counters& counters() const noexcept { return counters_; }
  /// How many wants of the peer are known.
  [[nodiscard]] std::size_t wants(peer_handle peer) const noexcept {
    const auto found = peers_.find(peer);
    return found == peers_.end() ? 0 : found->second.wants.size();
  }
  /// Bytes reserved, waiting and on the way, for all peers.
  [[nodiscard]] std::size_t outstanding() const noexcept { return total_; }

 private:
  using stage = want_ledger::stage;
  enum class kind : std::uint8_t { block, have, dont_have };

  struct reply {
    kind what;
    cid id;
    std::uint64_t stamp;  // of the want when it was answered
    shared_bytes data;
    std::size_t cost;
  };

  struct peer_state {
    want_ledger wants;
    std::uint64_t turn = 0;  // bytes it has had, more or less: the lowest is served next
    std::deque<reply> replies = {};
    std::size_t reserved = 0;   // by lookups
    std::size_t queued = 0;     // in replies
    std::size_t in_flight = 0;  // with the driver
    bool ready = false;         // in ready_
  };

  /// Ordered by hash first, so that all who wait for a block stand together.
  struct waiter {
    cid id;
    peer_handle peer{};

    friend bool operator<(const waiter& a, const waiter& b) noexcept {
      if (const auto order = a.id.hash() <=> b.id.hash(); order != 0) return order < 0;
      if (a.peer != b.peer) return a.peer < b.peer;
      if (a.id.codec() != b.id.codec()) return a.id.codec() < b.id.codec();
      return a.id.version() < b.id.version();
    }
  };

  [[nodiscard]] peer_state* find(peer_handle peer) {
    const auto found = peers_.find(peer);
    return found == peers_.end() ? nullptr : &found->second;
  }

  [[nodiscard]] static std::size_t load(const peer_state& p) noexcept {
    return p.reserved + p.queued + p.in_flight;
  }

  /// A peer may have a quarter of what is free: those who never read their answers cannot use up the budget of
  /// those who do.
  [[nodiscard]] bool may_look(const peer_state& p) const noexcept {
    const std::size_t left = limits_.total_budget - std::min(total_, limits_.total_budget);
    return load(p) <= std::min(limits_.peer_budget, left / 4);
  }

  /// A peer that was away does not save up turns.
  void queue_turn(peer_handle peer, peer_state& p) {
    if (!p.wants.has_queued() || load(p) > limits_.peer_budget || turns_.contains({p.turn, peer})) return;
    p.turn = std::max(p.turn, now_serving_);
    turns_.emplace(p.turn, peer);
  }

  void queue_ready(peer_handle peer, peer_state& p) {
    if (p.ready || p.replies.empty() || p.in_flight >= limits_.in_flight) return;
    p.ready = true;
    ready_.push_back(peer);
  }

  /// Frees what the lookup reserved and, if the want it was for still stands, does `with` it.
  template <class With>
  void settle(const lookup& asked, With&& with) {
    total_ -= asked.reserved;
    peer_state* const p = find(asked.peer);
    if (p == nullptr) return;
    turns_.erase({p->turn, asked.peer});
    p->reserved -= asked.reserved;
    p->turn -= asked.reserved;  // answer() adds what it really was
    want_ledger::entry* const want = p->wants.find(asked.id);
    if (want != nullptr && want->second.at == stage::looking && want->second.stamp == asked.stamp) {
      with(*p, *want);
    }
    queue_ready(asked.peer, *p);
    queue_turn(asked.peer, *p);
  }

  void remember(peer_handle peer, peer_state& p, want_ledger::entry& want) {
    p.wants.move(want, stage::remembered);
    waiting_.insert({want.first, peer});
  }

  void answer(peer_state& p, want_ledger::entry& want, kind what, shared_bytes data) {
    if (what != kind::dont_have) p.wants.move(want, stage::answering);
    if (what != kind::block) data = {};
    const std::size_t cost = bitswap_writer::max_entry_size + data.bytes.size();
    p.replies.push_back({what, want.first, want.second.stamp, std::move(data), cost});
    p.queued += cost;
    p.turn += cost;
    total_ += cost;
  }

  [[nodiscard]] std::optional<outgoing_message> write(peer_handle peer, peer_state& p) {
    if (p.in_flight >= limits_.in_flight) return std::nullopt;
    bitswap_writer out;
    while (!p.replies.empty() && out.size() < limits_.message_size) {
      reply& next = p.replies.front();
      // a large block goes alone: what is with it could not be read before it is there
      if (!out.empty() && next.cost > limits_.message_size) break;
      if (!out.empty() && out.size() + next.cost > max_message_size - bitswap_writer::max_entry_size) break;
      p.queued -= next.cost;
      total_ -= next.cost;
      const want_ledger::entry* const want = p.wants.find(next.id);
      // called off, or asked for anew, since it was answered
      if (want != nullptr && want->second.stamp == next.stamp) say(p, out, next);
      p.replies.pop_front();
    }
    if (out.empty()) return std::nullopt;
    outgoing_message message{peer, out.finish()};
    for (const shared_bytes& piece : message.pieces) message.size += piece.bytes.size();
    p.in_flight += message.size;
    total_ += message.size;
    return message;
  }

  void say(peer_state& p, bitswap_writer& out, reply& next) {
    if (next.what == kind::dont_have) {
      out.add_presence(next.id, presence::dont_have);
      ++counters_.presences_sent;
      return;
    }
    if (next.what == kind::have) {
      out.add_presence(next.id, presence::have);
      ++counters_.presences_sent;
    } else {
      const std::size_t size = next.data.bytes.size();
      out.add_block(next.id, std::move(next.data));
      ++counters_.blocks_sent;
      counters_.bytes_sent += size;
    }
    p.wants.erase(next.id);
  }

  server_limits limits_;
  std::map<peer_handle, peer_state> peers_;
  std::set<std::pair<std::uint64_t, peer_handle>> turns_;  // peers with something to look up, and room for it
  std::deque<peer_handle> ready_;                          // peers with something to send, and room for it
  std::set<waiter> waiting_;                               // for blocks that we do not have
  std::uint64_t now_serving_ = 0;                          // the turn of the last lookup
  std::size_t total_ = 0;
  server_counters counters_;
};

}  // namespace shoal::exchange
