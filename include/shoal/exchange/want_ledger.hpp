// SPDX-License-Identifier: BSL-1.0
//
// want_ledger: what one peer has asked us for, and how far we are with each. The server engine keeps one for
// every peer.
//
//     want_ledger wants{1024};
//     wants.add(entry);
//     while (auto* next = wants.take_next()) ...          // highest priority first; now being looked up
//
// Its maps are ordered: a peer chooses the CIDs, and would choose those that meet in one bucket.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>

#include <shoal/content/cid.hpp>
#include <shoal/exchange/bitswap_message.hpp>

namespace shoal::exchange {

class want_ledger {
 public:
  enum class stage : std::uint8_t {
    queued,     ///< to be looked up
    looking,    ///< the store has been asked
    answering,  ///< the answer waits to be sent
    remembered  ///< we do not have it; it is served when it arrives
  };

  struct want {
    std::int32_t priority = 0;
    want_type type = want_type::block;
    bool send_dont_have = false;
    bool at_hand = false;  ///< a block so small that it is itself the answer: its bytes are looked up
    stage at = stage::queued;
    std::uint64_t stamp = 0;  ///< changes with every stage: tells an answer to this want from an older one's
    std::uint64_t epoch = 0;  ///< of the message that mentioned it last
  };
  using entry = std::pair<const cid, want>;

  /// What became of an addition.
  enum class outcome : std::uint8_t { queued, absorbed, refused };

  /// @param limit  most wants kept; past it the longest remembered one makes room, or the new one is refused
  explicit want_ledger(std::size_t limit) noexcept : limit_(limit) {}

  /// Adds a want or raises one: block over have, and the newer priority. One that is on its way is not started
  /// again. `forget` is called with the CID of a remembered want that has to go.
  template <class Forget>
  outcome add(const want_entry& asked, Forget&& forget) {
    auto found = wants_.find(asked.id);
    if (found == wants_.end()) {
      if (wants_.size() >= limit_) {
        if (remembered_.empty()) return outcome::refused;
        entry& oldest = *remembered_.begin()->second;
        forget(oldest.first);
        erase(oldest.first);
      }
      found = wants_.emplace(asked.id, want{}).first;
      want& fresh = found->second;
      fresh.priority = asked.priority;
      fresh.type = asked.type;
      fresh.send_dont_have = asked.send_dont_have;
      fresh.epoch = epoch_;
      enter(*found, stage::queued);
      return outcome::queued;
    }
    want& known = found->second;
    const bool upgraded = known.type == want_type::have && asked.type == want_type::block;
    leave(*found);
    known.priority = asked.priority;
    known.send_dont_have |= asked.send_dont_have;
    known.epoch = epoch_;
    if (upgraded) known.type = want_type::block;
    const bool again = known.at == stage::remembered || (known.at == stage::answering && upgraded);
    if (known.at == stage::remembered) forget(found->first);
    if (again || known.at == stage::queued) {
      enter(*found, stage::queued);
      return outcome::queued;
    }
    return outcome::absorbed;
  }

  /// Begins a list that replaces this one: what is not added before end_full() goes then.
  void begin_full() noexcept { ++epoch_; }
  /// Removes what the list did not mention, and calls `forget` with the CID of each remembered want in it.
  template <class Forget>
  void end_full(Forget&& forget) {
    for (auto i = wants_.begin(); i != wants_.end();) {
      entry& e = *i++;
      if (e.second.epoch == epoch_) continue;
      if (e.second.at == stage::remembered) forget(e.first);
      erase(e.first);
    }
  }

  void erase(const cid& id) {
    const auto found = wants_.find(id);
    if (found == wants_.end()) return;
    leave(*found);
    wants_.erase(found);
  }

  /// Null when there is no such want. Valid until it is erased.
  [[nodiscard]] entry* find(const cid& id) {
    const auto found = wants_.find(id);
    return found == wants_.end() ? nullptr : &*found;
  }

  /// The queued want of the highest priority, the oldest of these, which becomes stage::looking. Null when none
  /// is queued.
  [[nodiscard]] entry* take_next() {
    if (queue_.empty()) return nullptr;
    entry& next = *queue_.begin()->second;
    move(next, stage::looking);
    return &next;
  }

  void move(entry& e, stage to) {
    leave(e);
    enter(e, to);
  }

  [[nodiscard]] bool has_queued() const noexcept { return !queue_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return wants_.size(); }

  /// Calls `f` with the CID of every remembered want.
  template <class F>
  void each_remembered(F&& f) const {
    for (const auto& [stamp, e] : remembered_) f(e->first);
  }

 private:
  /// Smallest first: the highest priority, then the oldest.
  using rank = std::pair<std::int64_t, std::uint64_t>;
  static rank rank_of(const want& w) noexcept { return {-std::int64_t{w.priority}, w.stamp}; }

  void enter(entry& e, stage to) {
    want& w = e.second;
    w.at = to;
    w.stamp = ++stamps_;
    if (to == stage::queued) queue_.emplace(rank_of(w), &e);
    if (to == stage::remembered) remembered_.emplace(w.stamp, &e);
  }
  /// Must come before the priority changes, by which the queue knows it.
  void leave(const entry& e) {
    const want& w = e.second;
    if (w.at == stage::queued) queue_.erase(rank_of(w));
    if (w.at == stage::remembered) remembered_.erase(w.stamp);
  }

  std::size_t limit_;
  std::uint64_t stamps_ = 0;
  std::uint64_t epoch_ = 0;
  std::map<cid, want> wants_;
  std::map<rank, entry*> queue_;
  std::map<std::uint64_t, entry*> remembered_;  // oldest first
};

}  // namespace shoal::exchange
