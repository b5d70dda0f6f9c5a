// SPDX-License-Identifier: BSL-1.0
//
// want_book: what a client session wants, and of whom it has asked what. Keeps the two sides in step: a want's
// asks, and what each peer is told, owes and has waiting in its mailbox. Decides nothing; client_session.hpp
// does.
//
//     const auto [want, fresh] = book.obtain(id.hash());
//     book.tell(want, peer, want_type::block, now).until = now + patience;
//     book.close(want, peer);                                        // that peer has sent it
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/content/cid.hpp>
#include <shoal/exchange/bitswap_message.hpp>
#include <shoal/exchange/client_peer.hpp>
#include <shoal/exchange/client_want.hpp>
#include <shoal/exchange/peer_choice.hpp>
#include <shoal/exchange/peer_estimate.hpp>
#include <shoal/exchange/peer_handle.hpp>
#include <shoal/exchange/peer_roster.hpp>
#include <shoal/exchange/want_agenda.hpp>

namespace shoal::exchange {

/// Peers that it is given are in the roster, but where it says otherwise.
class want_book {
 public:
  [[nodiscard]] peer_roster& roster() noexcept { return roster_; }
  [[nodiscard]] const peer_roster& roster() const noexcept { return roster_; }
  [[nodiscard]] want_agenda& agenda() noexcept { return agenda_; }
  [[nodiscard]] const want_agenda& agenda() const noexcept { return agenda_; }
  [[nodiscard]] client_counters& counters() noexcept { return counters_; }
  [[nodiscard]] const client_counters& counters() const noexcept { return counters_; }
  /// How many blocks are wanted.
  [[nodiscard]] std::size_t size() const noexcept { return wants_.size(); }
  /// Of the last few blocks, about, in bytes.
  [[nodiscard]] std::size_t block_size() const noexcept { return block_size_; }

  /// Null for what is not wanted. Valid until close().
  [[nodiscard]] client_want* find(const multihash& hash) {
    const auto found = wants_.find(hash);
    return found == wants_.end() ? nullptr : &found->second;
  }
  /// The want of this hash, and whether it is new.
  [[nodiscard]] std::pair<client_want&, bool> obtain(const multihash& hash) {
    const auto [found, fresh] = wants_.try_emplace(hash);
    return {found->second, fresh};
  }

  /// Somebody new can be asked for what nobody had, or had room for.
  void wake() {
    for (auto& [hash, w] : wants_) {
      if (w.at == want_stage::idle || w.at == want_stage::ready) agenda_.make_ready(w);
    }
  }

  /// Asks the peer for the block, or whether it has it.
  ask& tell(client_want& w, peer_handle peer, want_type type, instant now) {
    client_peer& p = *roster_.find(peer);
    ask& a = w.obtain(peer);
    if (!a.told) ++p.told;
    a.told = true;
    if (type == want_type::block) {
      if (a.now == standing::fetching) p.estimate.dropped();
      a.mark = p.estimate.asked(block_size_, now);
      a.blocks = p.blocks;
      a.now = standing::fetching;
      a.fetched = true;
      ++counters_.fetches;
    } else {
      a.mark.asked_at = now;
      a.now = standing::probed;
      ++counters_.probes;
    }
    roster_.post(peer, w.entry(type));
    return a;
  }

  /// If `most` copies may be on their way, the first of the late ones is called off.
  void drop_a_copy(client_want& w, std::ptrdiff_t most) {
    ask* const first = w.surplus_copy(most);
    if (first == nullptr) return;
    client_peer& p = *roster_.find(first->peer);
    roster_.post_cancel(first->peer, w.id, false);
    --p.told;
    p.owed.add(w.id.hash(), first->last_fetch());
    first->told = false;
    first->now = standing::lacks;
  }

  /// Who fetches it hears that there is haste now, unless the block must be on its way: it would come twice.
  void hasten(const client_want& w) {
    for (const ask& a : w.asks) {
      if (a.now != standing::fetching) continue;
      const client_peer& p = *roster_.find(a.peer);
      const std::uint64_t on_the_way = p.blocks - a.blocks + p.estimate.window(block_size_) / 2;
      if (a.mark.ahead > on_the_way) roster_.post(a.peer, w.entry(want_type::block));
    }
  }

  /// `from` has sent the block, which is `size` bytes long; it may have gone since.
  void deliver(client_want& w, peer_handle from, std::size_t size, instant now) {
    if (client_peer* const p = roster_.find(from)) {
      const ask* const a = w.find(from);
      if (a != nullptr && a->fetched) p->estimate.delivered(a->mark, size, now, a->now == standing::fetching);
      if (a == nullptr) p->had.add(w.id.hash(), std::nullopt);
      p->heard();
    }
    block_size_ = (3 * block_size_ + size) / 4;
    ++counters_.blocks;
    counters_.bytes += size;
    close(w, from);
  }

  /// A block that is not wanted. True if the peer has been asked for it, and it may have come for that.
  bool deliver_late(const multihash& hash, peer_handle from, std::size_t size, instant now) {
    client_peer& p = *roster_.find(from);
    if (const auto owed = p.owed.take(hash)) {
      if (owed->mark) p.estimate.delivered(*owed->mark, size, now, false);
      p.heard();
      p.had.add(hash, std::nullopt);
    } else if (!p.had.take(hash)) {
      ++counters_.unwanted;
      return false;
    }
    ++counters_.duplicates;
    counters_.duplicate_bytes += size;
    return true;
  }

  /// The want is over. Everybody who knows of it hears so; who has delivered it, when there is more to say.
  void close(client_want& w, std::optional<peer_handle> from) {
    agenda_.remove(w);
    const multihash hash = w.id.hash();
    for (const ask& a : w.asks) {
      client_peer& p = *roster_.find(a.peer);
      const bool delivered = from == a.peer;
      if (a.now == standing::fetching && !delivered) p.estimate.dropped();
      if (!a.told) continue;
      --p.told;
      (delivered ? p.had : p.owed).add(hash, a.last_fetch());
      roster_.post_cancel(a.peer, w.id, delivered);
    }
    wants_.erase(hash);
  }

  /// Nothing is expected of the peer any more, nor will it be asked what it has not been. It may have gone.
  void release(peer_handle peer) {
    client_peer* const p = roster_.find(peer);
    if (p == nullptr) return;
    p->box.drop_wants();
    for (auto& [hash, w] : wants_) {
      ask* const a = w.find(peer);
      if (a == nullptr) continue;
      if (a->now == standing::fetching) p->estimate.dropped();
      if (a->told) {
        --p->told;
        p->owed.add(hash, a->last_fetch());
      }
      w.asks.erase(w.asks.begin() + (a - w.asks.data()));
      if (!w.is_fetching()) agenda_.make_ready(w);
    }
  }

  /// Those who were to have sent it by now are late: the policy can ask others.
  void take_late(client_want& w, instant now) {
    std::vector<peer_handle> silent;
    for (ask& a : w.asks) {
      if (a.now != standing::fetching || a.until > now) continue;
      client_peer& p = *roster_.find(a.peer);
      if (p.blocks == a.blocks) silent.push_back(a.peer);
      p.estimate.late();
      set_late(a);
    }
    agenda_.make_ready(w);
    for (const peer_handle peer : silent) stall(peer, now);
  }

  /// Those who did not have the block may have it by now. Who is late still owes it, and would send it twice,
  /// unless it has lost the request: then it is silent, or sends what it was asked for long after.
  void forget_answers(client_want& w, instant now) {
    constexpr duration lost = std::chrono::seconds{30};
    for (ask& a : w.asks) {
      const duration age = now - a.mark.asked_at;
      const std::uint64_t since = roster_.find(a.peer)->blocks - a.blocks;
      const bool skipped = since > a.mark.ahead + peer_estimate::max_window;
      const bool is_lost = skipped || age > 4 * lost || (age > lost && since == 0);
      if (a.now == standing::lacks || (a.now == standing::late && is_lost)) a.now = standing::unknown;
      a.failures = 0;
    }
  }

 private:
  /// It has been late, and sent nothing else: whatever it owes is asked of others now.
  void stall(peer_handle peer, instant now) {
    client_peer& p = *roster_.find(peer);
    ++counters_.stalls;
    p.stall(now);
    for (auto& [hash, w] : wants_) {
      ask* const a = w.find(peer);
      if (a == nullptr || a->now != standing::fetching) continue;
      p.estimate.dropped();
      set_late(*a);
      if (!w.is_fetching()) agenda_.make_ready(w);
    }
  }

  void set_late(ask& a) {
    a.now = standing::late;
    ++a.failures;
    ++counters_.late;
  }

  peer_roster roster_;
  std::unordered_map<multihash, client_want> wants_;  // two CIDs of one hash are one block
  want_agenda agenda_;
  std::size_t block_size_ = 256_KiB;
  client_counters counters_;
};

}  // namespace shoal::exchange
