// SPDX-License-Identifier: BSL-1.0
//
// client_session: gets blocks from peers over Bitswap, as a state machine. One request a block however many
// readers wait for it; whom to ask is the policy's to say (peer_choice.hpp).
//
//     session.want(id, {.priority = 7}, now);
//     session.receive(peer, message, now);                              // of its blocks: hash each, and then
//     const arrival a = session.arrived(peer, name.hash(), size, now);  // accepted: give it to the readers
//
// Leaves out sockets, clock and hashing, who the readers are, and how long they wait: a want stays until its
// block has come or unwant() is called.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include <shoal/content/cid.hpp>
#include <shoal/exchange/bitswap_message.hpp>
#include <shoal/exchange/bitswap_writer.hpp>
#include <shoal/exchange/client_peer.hpp>
#include <shoal/exchange/client_want.hpp>
#include <shoal/exchange/peer_choice.hpp>
#include <shoal/exchange/peer_estimate.hpp>
#include <shoal/exchange/peer_handle.hpp>
#include <shoal/exchange/want_agenda.hpp>
#include <shoal/exchange/want_book.hpp>

namespace shoal::exchange {

/// How a host drives it, on one strand; `now` is what the steady clock says.
///
///  * Bitswap is agreed on a connection: add_peer(). The connection ends: remove_peer(). Only the
///    stream of wants does: stream_lost(). A ping, or the handshake, has taken so long: measured().
///  * The first reader of a block waits: want() with `urgent`; who reads what is the host's to know. A
///    prefetch: want() with a priority that falls along the trace, a few thousand ahead at most, since
///    each want takes some 0.6 KiB. The last reader has gone, and nobody prefetches the block:
///    unwant().
///  * A message came: receive(), and the server engine's. For each block_payload in it: may_send(),
///    then hash it with the function that its prefix names, here or on another thread, then arrived()
///    with that digest. What is accepted goes to the cache, the readers, and the server engine's
///    block_arrived(); all else is dropped. A message that does not parse, a block without may_send(),
///    a hash function of no CID that we want: misbehaved().
///  * After any of these, or several (which saves messages), flush: next_message() until there is
///    none, each onto its peer's one stream, in order, or nowhere if that peer has just gone;
///    next_event() until there is none.
///  * After a flush, the timer: next_deadline() moves with every block, mostly away, so set it anew
///    only when the deadline is earlier than what it is set for, or it is not set. When it fires:
///    tick(), flush, set it. A tick() that comes too early does nothing.
///
/// A block costs less than a microsecond, the message that asks for it included. Throws for memory alone.
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
    settled_ = false;
    book_.roster().add(peer, tier);
    book_.wake();
  }

  /// The connection is gone. What it owed is asked of others at once.
  void remove_peer(peer_handle peer) {
    settled_ = false;
    book_.release(peer);
    book_.roster().erase(peer);
  }

  /// The stream to the peer broke, but not the connection: what it was told may not have arrived. It is told
  /// anew what it is still to send, or others are; what it has heard of before may come without harm.
  void stream_lost(peer_handle peer) {
    settled_ = false;
    book_.release(peer);
  }

  /// The peer has broken a rule that the driver knows of (a message that does not parse, a hash function that
  /// nobody asked for): it is not asked again, and an event says so.
  void misbehaved(peer_handle peer) {
    client_peer* const p = book_.roster().find(peer);
    if (p == nullptr || p->banned) return;
    settled_ = false;
    p->banned = true;
    ++book_.counters().banned;
    events_.push_back({kind::misbehaved, peer, {}});
    book_.release(peer);
  }

  /// A ping has measured this.
  void measured(peer_handle peer, duration round_trip, instant now) {
    settled_ = false;
    if (client_peer* const p = book_.roster().find(peer)) p->estimate.measured(round_trip, now);
  }

  /// A reader, or a prefetch, wants this block. Wanting it again can only raise how much. False if it was
  /// wanted already. @pre !is_inline(id)
  bool want(const cid& id, const want_options& how, instant now) {
    settled_ = false;
    const auto [w, fresh] = book_.obtain(id.hash());
    if (fresh) {
      w.id = id;
      w.how = how;
      w.since = now;
      w.sequence = ++sequence_;
      book_.agenda().make_ready(w);
      return true;
    }
    const bool hurry = how.urgent && !w.how.urgent;
    if (how.priority <= w.how.priority && !hurry) return false;
    book_.agenda().reorder(w, {std::max(w.how.priority, how.priority), w.how.urgent || hurry});
    if (hurry && w.is_fetching()) {
      book_.hasten(w);
      book_.agenda().make_ready(w);  // somebody else may be quicker
    }
    return false;
  }

  /// Nobody wants it any more.
  void unwant(const cid& id) {
    settled_ = false;
    if (client_want* const w = book_.find(id.hash())) book_.close(*w, std::nullopt);
  }

  /// Whether a block from this peer is worth hashing: it has been asked for one, or had been lately.
  [[nodiscard]] bool may_send(peer_handle peer) const {
    const client_peer* const p = book_.roster().find(peer);
    return p != nullptr && p->may_send();
  }

  /// What the peer says it has. Its wants are for the server engine, its blocks for arrived().
  void receive(peer_handle peer, const bitswap_message& message, instant now) {
    client_peer* const p = book_.roster().find(peer);
    if (p == nullptr || p->banned) return;
    settled_ = false;
    message.visit([&](const block_presence& said) {
      client_want* const w = book_.find(said.id.hash());
      ask* const a = w == nullptr ? nullptr : w->find(peer);
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
      if (a->now != before && !w->is_fetching()) book_.agenda().make_ready(*w);
    });
  }

  /// A block has come whose digest, computed by the driver, is this. Anything but arrival::accepted is to be
  /// dropped; after arrival::unwanted the peer is not asked again: either it lies or its block does. A block
  /// that is wanted is welcome from who has gone while it was hashed, and from nobody who is banned.
  arrival arrived(peer_handle peer, const multihash& hash, std::size_t size, instant now) {
    const client_peer* const p = book_.roster().find(peer);
    if (p != nullptr && p->banned) return {};
    settled_ = false;
    if (client_want* const w = book_.find(hash)) {
      const arrival out{arrival::verdict::accepted, w->id};
      book_.deliver(*w, peer, size, now);
      return out;
    }
    if (p == nullptr || book_.deliver_late(hash, peer, size, now)) return {arrival::verdict::duplicate, {}};
    misbehaved(peer);
    return {};
  }

  /// The next message and for whom.
  [[nodiscard]] std::optional<outgoing_message> next_message(instant now) {
    if (!settled_) assign(now);
    settled_ = true;
    return book_.roster().next_message();
  }

  [[nodiscard]] std::optional<client_event> next_event() {
    if (events_.empty()) return std::nullopt;
    const client_event e = events_.front();
    events_.pop_front();
    return e;
  }

  /// When tick() is to be called, once all messages have been taken.
  [[nodiscard]] std::optional<instant> next_deadline() const { return book_.agenda().next_deadline(); }

  /// Time has passed.
  void tick(instant now) {
    settled_ = false;
    while (client_want* const due = book_.agenda().due(now)) {
      if (due->at == want_stage::idle) book_.forget_answers(*due, now);
      book_.take_late(*due, now);
    }
  }

  /// How many blocks are wanted.
  [[nodiscard]] std::size_t wanted() const noexcept { return book_.size(); }
  [[nodiscard]] const client_counters& counters() const noexcept { return book_.counters(); }
  /// Null for a peer that is not there.
  [[nodiscard]] const peer_estimate* estimate(peer_handle peer) const {
    const client_peer* const p = book_.roster().find(peer);
    return p == nullptr ? nullptr : &p->estimate;
  }
  [[nodiscard]] Policy& policy() noexcept { return policy_; }

 private:
  using kind = client_event::kind;

  /// Wants for which nobody has room before the rest is left for later.
  static constexpr int max_roomless = 32;
  /// Who has promised a block so often and not sent it is not believed.
  static constexpr unsigned max_failures = 2;
  /// Blocks that a peer may be asked for beyond its window, and told of beyond max_told, when a reader waits.
  static constexpr std::size_t urgent_extra = 8;

  /// Asks the policy about every want that is open, the most urgent first.
  void assign(instant now) {
    want_agenda& agenda = book_.agenda();
    int roomless = 0;
    for (auto i = agenda.ready().begin(); i != agenda.ready().end() && roomless < max_roomless;) {
      client_want& w = *(i++)->second;
      if (w.awaited && !has_room(*w.awaited, w)) {
        ++roomless;
        continue;
      }
      const std::optional<instant> late = w.first_late();
      // what nobody has room for need not be asked, nor the rest, which is less urgent
      if (!gather(w, now) && !candidates_.empty() && !late) return;
      const open_want asked{w.id, w.how.priority, w.how.urgent, w.since, book_.block_size()};
      const choice chosen = policy_.choose(asked, candidates_, now);
      switch (chosen.what) {
        case choice::verdict::ask: carry_out(w, chosen, now); break;
        case choice::verdict::no_room:
          if (late) {
            agenda.rest(w, want_stage::waiting, *late);
          } else {
            w.awaited.reset();
            if (chosen.awaited) w.awaited = candidates_[*chosen.awaited].peer;
            ++roomless;
          }
          break;
        case choice::verdict::wait:
          agenda.rest(w, want_stage::waiting, late.value_or(now + chosen.patience));
          break;
        case choice::verdict::nobody:
          if (!w.reported) events_.push_back({w.has_copy() ? kind::overdue : kind::unmet, {}, w.id});
          w.reported = true;
          agenda.rest(w, want_stage::idle, late.value_or(now + w.next_retry()));
          break;
      }
    }
  }

  /// Whether a peer may be asked for one more block. True for one that is not there: there is no waiting for
  /// it.
  [[nodiscard]] bool has_room(peer_handle peer, const client_want& w) const {
    const client_peer* const p = book_.roster().find(peer);
    return p == nullptr || has_room(*p, w);
  }
  [[nodiscard]] bool has_room(const client_peer& p, const client_want& w) const {
    return p.estimate.outstanding() < p.estimate.window(book_.block_size()) + extra(w);
  }
  static std::size_t extra(const client_want& w) noexcept { return w.how.urgent ? urgent_extra : 0; }

  /// Collects the candidates for a want. False if none of them has room.
  bool gather(const client_want& w, instant now) {
    candidates_.clear();
    bool room = false;
    auto a = w.asks.begin();
    for (const auto& [peer, p] : book_.roster().all()) {
      while (a != w.asks.end() && a->peer < peer) ++a;
      const bool known = a != w.asks.end() && a->peer == peer;
      if (p.banned || (!known && p.told >= max_told + extra(w))) continue;
      const bool more = has_room(p, w);
      room |= more;
      candidates_.push_back(
          {peer, &p.estimate, p.tier, known ? a->now : standing::unknown, more, now < p.stalled_until});
    }
    return room;
  }

  void carry_out(client_want& w, const choice& chosen, instant now) {
    const instant until = now + chosen.patience;
    if (chosen.fetch) {
      w.reported = false;
      book_.drop_a_copy(w, max_copies);
      book_.tell(w, candidates_[*chosen.fetch].peer, want_type::block, now).until = until;
    }
    for (std::size_t i = 0; i < chosen.probe_count; ++i) {
      book_.tell(w, candidates_[chosen.probes[i]].peer, want_type::have, now);
    }
    book_.agenda().rest(w, want_stage::waiting, w.first_late().value_or(until));
  }

  Policy policy_;
  want_book book_;
  std::deque<client_event> events_;
  std::vector<candidate> candidates_;  // of the want that is being assigned
  std::uint64_t sequence_ = 0;
  bool settled_ = true;  // the policy has been asked about all that is open, and nothing has changed since
};

}  // namespace shoal::exchange
