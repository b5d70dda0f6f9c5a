// SPDX-License-Identifier: BSL-1.0
//
// client_session: gets blocks from peers over Bitswap, as a state machine. One request a block however many
// readers wait for it; whom to ask is the policy's to say (peer_choice.hpp).
//
//     session.want(id, {.priority = 7}, now);
//     session.receive(peer, message, now);                              // of its blocks: hash each, and then
//     const arrival a = session.arrived(peer, name.hash(), size, now);  // accepted: give it to the readers
//     while (auto m = session.next_message(now)) connection(m->peer).queue(*m);    // after whatever was called
//     while (auto e = session.next_event()) ...
//     timer.expires_at(session.next_deadline());                        // then session.tick(now)
//
// A want stays until its block has come or unwant() is called: readers' patience is the driver's.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/content/cid.hpp>
#include <shoal/exchange/bitswap_message.hpp>
#include <shoal/exchange/bitswap_writer.hpp>
#include <shoal/exchange/client_peer.hpp>
#include <shoal/exchange/client_want.hpp>
#include <shoal/exchange/peer_choice.hpp>
#include <shoal/exchange/peer_estimate.hpp>
#include <shoal/exchange/peer_handle.hpp>
#include <shoal/exchange/want_agenda.hpp>
#include <shoal/exchange/want_mailbox.hpp>

namespace shoal::exchange {

template <peer_choice Policy = nearest_first>
class client_session {
 public:
  /// Copies of a block that may be on their way at once: the second is asked for when the first is late.
  static constexpr std::ptrdiff_t max_copies = 3;
  /// Wants that one peer is told of at most: others keep 1024.
  static constexpr std::size_t max_told = 900;

  explicit client_session(Policy policy = {}) : policy_(std::move(policy)) {}

  /// A peer has connected. @pre the handle is new
  /// @param tier  0 for a neighbour, higher for those who are asked only for what lower ones do not have
  void add_peer(peer_handle peer, unsigned tier) {
    peers_.emplace(peer, client_peer{tier});
    for (auto& [hash, want] : wants_) {
      if (want.at == want_stage::idle) agenda_.make_ready(want);
    }
  }

  /// The connection is gone. What it owed is asked of others at once.
  void remove_peer(peer_handle peer) {
    release(peer);
    peers_.erase(peer);
  }

  /// The peer has broken a rule that the driver knows of (a message that does not parse, a hash function that
  /// nobody asked for): it is not asked again, and an event says so.
  void misbehaved(peer_handle peer) {
    client_peer* const p = find(peer);
    if (p == nullptr || p->banned) return;
    p->banned = true;
    ++counters_.banned;
    events_.push_back({kind::misbehaved, peer, {}});
    release(peer);
  }

  /// A ping has measured this.
  void measured(peer_handle peer, duration round_trip, instant now) {
    if (client_peer* const p = find(peer)) p->estimate.measured(round_trip, now);
  }

  /// A reader, or a prefetch, wants this block. Wanting it again can only raise how much. False if it was
  /// wanted already. @pre !is_inline(id)
  bool want(const cid& id, const want_options& how, instant now) {
    const auto [found, fresh] = wants_.try_emplace(id.hash());
    client_want& w = found->second;
    if (fresh) {
      w.id = id;
      w.how = how;
      w.since = now;
      w.sequence = ++sequence_;
      agenda_.make_ready(w);
      return true;
    }
    if (how.priority <= w.how.priority && (!how.urgent || w.how.urgent)) return false;
    const bool ready = w.at == want_stage::ready;
    if (ready) agenda_.remove(w);
    w.how.priority = std::max(w.how.priority, how.priority);
    w.how.urgent |= how.urgent;
    if (ready) agenda_.make_ready(w);
    for (const ask& a : w.asks) {
      if (a.now != standing::fetching) continue;
      find(a.peer)->box.post(w.entry(want_type::block));
      mark_dirty(*find(a.peer), a.peer);
    }
    return false;
  }

  /// Nobody wants it any more.
  void unwant(const cid& id) {
    const auto found = wants_.find(id.hash());
    if (found != wants_.end()) close(found, std::nullopt);
  }

  /// Whether a block from this peer is worth hashing: it has been asked for one, or had been lately.
  [[nodiscard]] bool may_send(peer_handle peer) const {
    const auto found = peers_.find(peer);
    return found != peers_.end() && !found->second.banned &&
           (found->second.told != 0 || !found->second.settled.empty());
  }

  /// What the peer says it has. Its wants are for the server engine, its blocks for arrived().
  void receive(peer_handle peer, const bitswap_message& message, instant now) {
    client_peer* const p = find(peer);
    if (p == nullptr || p->banned) return;
    message.visit([&](const block_presence& said) {
      const auto found = wants_.find(said.id.hash());
      if (found == wants_.end()) return;
      client_want& w = found->second;
      ask* const a = w.find(peer);
      if (a == nullptr || !a->told) return;
      const bool has = said.what == presence::have;
      if (a->now == standing::probed || (a->now == standing::fetching && !has)) {
        p->estimate.answered(a->mark.asked_at, now, has);
      }
      if (has && (a->is_copy() || a->failures >= max_failures)) return;
      if (a->now == standing::fetching) {
        p->estimate.dropped();
        ++a->failures;
      }
      const standing before = std::exchange(a->now, has ? standing::has : standing::lacks);
      if (a->now != before && !w.is_fetching()) agenda_.make_ready(w);
    });
  }

  /// A block has come whose digest, computed by the driver, is this. Anything but arrival::accepted is to be
  /// dropped; after arrival::unwanted the peer is not asked again: either it lies or its block does.
  arrival arrived(peer_handle peer, const multihash& hash, std::size_t size, instant now) {
    client_peer* const p = find(peer);
    if (p == nullptr || p->banned) return {};
    const auto found = wants_.find(hash);
    if (found == wants_.end()) {
      if (!p->settled.contains(hash)) {
        ++counters_.unwanted;
        misbehaved(peer);
        return {};
      }
      ++counters_.duplicates;
      counters_.duplicate_bytes += size;
      p->heard();
      return {arrival::verdict::duplicate, {}};
    }
    client_want& w = found->second;
    if (const ask* const a = w.find(peer); a != nullptr && a->fetched) {
      p->estimate.delivered(a->mark, size, now, a->now == standing::fetching);
    }
    p->heard();
    block_size_ = (3 * block_size_ + size) / 4;
    ++counters_.blocks;
    counters_.bytes += size;
    arrival out{arrival::verdict::accepted, w.id};
    close(found, peer);
    return out;
  }

  /// The next message and for whom.
  [[nodiscard]] std::optional<outgoing_message> next_message(instant now) {
    assign(now);
    while (!dirty_.empty()) {
      const peer_handle peer = dirty_.front();
      client_peer* const p = find(peer);
      if (p != nullptr && !p->banned && p->box.due()) return p->box.take(peer);
      if (p != nullptr) p->dirty = false;
      dirty_.pop_front();
    }
    return std::nullopt;
  }

  [[nodiscard]] std::optional<client_event> next_event() {
    if (events_.empty()) return std::nullopt;
    const client_event e = events_.front();
    events_.pop_front();
    return e;
  }

  /// When tick() is to be called, once all messages have been taken.
  [[nodiscard]] std::optional<instant> next_deadline() const { return agenda_.next_deadline(); }

  /// Time has passed.
  void tick(instant now) {
    while (client_want* const due = agenda_.due(now)) {
      client_want& w = *due;
      if (w.at == want_stage::idle) forget_answers(w, now);
      std::vector<peer_handle> silent;
      for (ask& a : w.asks) {
        if (a.now != standing::fetching) continue;
        client_peer& p = *find(a.peer);
        if (p.blocks == a.blocks) silent.push_back(a.peer);
        let_be_late(p, a);
      }
      agenda_.make_ready(w);
      for (const peer_handle peer : silent) stall(peer, now);
    }
  }

  [[nodiscard]] std::size_t wanted() const noexcept { return wants_.size(); }
  [[nodiscard]] const client_counters& counters() const noexcept { return counters_; }
  /// Null for a peer that is not there.
  [[nodiscard]] const peer_estimate* estimate(peer_handle peer) const {
    const auto found = peers_.find(peer);
    return found == peers_.end() ? nullptr : &found->second.estimate;
  }
  [[nodiscard]] Policy& policy() noexcept { return policy_; }

 private:
  using kind = client_event::kind;
  using want_map = std::unordered_map<multihash, client_want>;

  /// Wants for which nobody has room before the rest is left for later.
  static constexpr int max_roomless = 8;
  /// Who has promised a block so often and not sent it is not believed.
  static constexpr unsigned max_failures = 2;
  /// Blocks that a peer may be asked for beyond its window when a reader waits for them.
  static constexpr std::size_t urgent_extra = 8;

  [[nodiscard]] client_peer* find(peer_handle peer) {
    const auto found = peers_.find(peer);
    return found == peers_.end() ? nullptr : &found->second;
  }

  void mark_dirty(client_peer& p, peer_handle peer) {
    if (!p.dirty) dirty_.push_back(peer);
    p.dirty = true;
  }

  void let_be_late(client_peer& p, ask& a) {
    p.estimate.late();
    a.now = standing::late;
    ++a.failures;
    ++counters_.late;
  }

  /// Those who did not have the block may have it by now. Who is late still owes it, and would send it twice,
  /// unless it has lost the request.
  void forget_answers(client_want& w, instant now) {
    constexpr duration lost = std::chrono::seconds{30};
    for (ask& a : w.asks) {
      const duration age = now - a.mark.asked_at;
      const bool silent = find(a.peer)->blocks == a.blocks;
      const bool late = a.now == standing::late && (age > 4 * lost || (age > lost && silent));
      if (late || a.now == standing::lacks) a.now = standing::unknown;
      a.failures = 0;
    }
  }

  /// It has been late, and sent nothing else: whatever it owes is asked of others now.
  void stall(peer_handle peer, instant now) {
    client_peer& p = *find(peer);
    ++counters_.stalls;
    p.stall(now);
    for (auto& [hash, w] : wants_) {
      ask* const a = w.find(peer);
      if (a == nullptr || a->now != standing::fetching) continue;
      let_be_late(p, *a);
      if (!w.is_fetching()) agenda_.make_ready(w);
    }
  }

  /// Nothing is expected of the peer any more.
  void release(peer_handle peer) {
    client_peer* const p = find(peer);
    for (auto& [hash, w] : wants_) {
      ask* const a = w.find(peer);
      if (a == nullptr) continue;
      if (a->now == standing::fetching) p->estimate.dropped();
      p->told -= a->told ? 1 : 0;
      w.asks.erase(w.asks.begin() + (a - w.asks.data()));
      if (!w.is_fetching()) agenda_.make_ready(w);
    }
  }

  /// The want is over. Everybody who knows of it hears so; who has delivered it, when there is more to say.
  void close(want_map::iterator found, std::optional<peer_handle> from) {
    client_want& w = found->second;
    agenda_.remove(w);
    if (from && w.find(*from) == nullptr) find(*from)->settled.add(found->first);
    for (const ask& a : w.asks) {
      client_peer& p = *find(a.peer);
      if (a.now == standing::fetching && from != a.peer) p.estimate.dropped();
      if (!a.told) continue;
      --p.told;
      p.settled.add(found->first);
      p.box.post_cancel(w.id, from == a.peer);
      mark_dirty(p, a.peer);
    }
    wants_.erase(found);
  }

  /// Asks the policy about every want that is open, the most urgent first.
  void assign(instant now) {
    int roomless = 0;
    for (auto i = agenda_.ready().begin(); i != agenda_.ready().end() && roomless < max_roomless;) {
      client_want& w = *(i++)->second;
      gather(w, now);
      const open_want asked{w.id, w.how.priority, w.how.urgent, w.since, block_size_};
      const choice chosen = policy_.choose(asked, candidates_, now);
      switch (chosen.what) {
        case choice::verdict::no_room: ++roomless; break;
        case choice::verdict::ask: carry_out(w, chosen, now); break;
        case choice::verdict::wait: agenda_.rest(w, want_stage::waiting, now + chosen.patience); break;
        case choice::verdict::nobody:
          if (!w.reported) events_.push_back({w.has_copy() ? kind::overdue : kind::unmet, {}, w.id});
          w.reported = true;
          agenda_.rest(w, want_stage::idle, now + w.next_retry());
          break;
      }
    }
  }

  void gather(const client_want& w, instant now) {
    candidates_.clear();
    for (const auto& [peer, p] : peers_) {
      if (p.banned) continue;
      const ask* const a = w.find(peer);
      const std::size_t window = p.estimate.window(block_size_) + (w.how.urgent ? urgent_extra : 0);
      candidates_.push_back({peer, &p.estimate, p.tier, a == nullptr ? standing::unknown : a->now,
                             p.estimate.outstanding() < window && p.told < max_told, now < p.stalled_until});
    }
  }

  void carry_out(client_want& w, const choice& chosen, instant now) {
    if (chosen.fetch) {
      w.reported = false;
      drop_a_copy(w);
      tell(w, candidates_[*chosen.fetch].peer, want_type::block, now);
    }
    for (std::size_t i = 0; i < chosen.probe_count; ++i) {
      tell(w, candidates_[chosen.probes[i]].peer, want_type::have, now);
    }
    agenda_.rest(w, want_stage::waiting, now + chosen.patience);
  }

  void tell(client_want& w, peer_handle peer, want_type type, instant now) {
    client_peer& p = *find(peer);
    ask* a = w.find(peer);
    if (a == nullptr) a = &w.asks.emplace_back(ask{.peer = peer});
    if (!a->told) ++p.told;
    a->told = true;
    if (type == want_type::block) {
      if (a->now == standing::fetching) p.estimate.dropped();
      a->mark = p.estimate.asked(now);
      a->blocks = p.blocks;
      a->now = standing::fetching;
      a->fetched = true;
      ++counters_.fetches;
    } else {
      a->mark.asked_at = now;
      a->now = standing::probed;
      ++counters_.probes;
    }
    p.box.post(w.entry(type));
    mark_dirty(p, peer);
  }

  /// Makes room for one more copy: the first of the late ones is called off.
  void drop_a_copy(client_want& w) {
    ask* const first = w.surplus_copy(max_copies);
    if (first == nullptr) return;
    client_peer& p = *find(first->peer);
    p.box.post_cancel(w.id, false);
    mark_dirty(p, first->peer);
    --p.told;
    p.settled.add(w.id.hash());
    first->told = false;
    first->now = standing::lacks;
  }

  Policy policy_;
  std::map<peer_handle, client_peer> peers_;
  want_map wants_;  // by hash: two CIDs of one hash are one block
  want_agenda agenda_;
  std::deque<peer_handle> dirty_;  // peers with something in the box
  std::deque<client_event> events_;
  std::vector<candidate> candidates_;  // of the want that is being assigned
  std::size_t block_size_ = 256_KiB;   // of the last few, about
  std::uint64_t sequence_ = 0;
  client_counters counters_;
};

}  // namespace shoal::exchange
