// SPDX-License-Identifier: BSL-1.0
//
// client_peer: what a client session keeps about one peer: its speed, what waits to be sent to it, whether it
// is to be trusted.
//
//     peer.box.post(entry);
//     if (!peer.owed.take(hash) && !peer.had.take(hash)) ...      // a block that it was never asked for
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>

#include <shoal/content/cid.hpp>
#include <shoal/content/multihash.hpp>
#include <shoal/exchange/peer_estimate.hpp>
#include <shoal/exchange/peer_handle.hpp>
#include <shoal/exchange/want_mailbox.hpp>

namespace shoal::exchange {

/// Blocks that a peer was asked for and need not send any more: should one of them come nevertheless, the peer
/// is slow and no liar. It may come once for each time that it was added. Keeps a part of each digest, which is
/// enough for that, and forgets the oldest.
class past_wants {
 public:
  struct entry {
    std::size_t key = 0;
    std::optional<delivery_mark> mark;  ///< when the block itself was asked for
  };

  explicit past_wants(std::size_t capacity) noexcept : capacity_(capacity) {}

  void add(const multihash& hash, const std::optional<delivery_mark>& mark) {
    if (entries_.size() == capacity_) entries_.pop_front();
    entries_.push_back({std::hash<multihash>{}(hash), mark});
  }
  /// Removes the oldest of this hash, if there is one.
  std::optional<entry> take(const multihash& hash) {
    const auto found = std::ranges::find(entries_, std::hash<multihash>{}(hash), &entry::key);
    if (found == entries_.end()) return std::nullopt;
    const entry out = *found;
    entries_.erase(found);
    return out;
  }
  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }

 private:
  std::size_t capacity_;
  std::deque<entry> entries_;
};

/// A peer of a client session.
struct client_peer {
  unsigned tier = 0;
  bool banned = false;
  bool dirty = false;        ///< is in the roster's list of those with something in the box
  std::size_t told = 0;      ///< wants that it knows of
  std::uint64_t blocks = 0;  ///< that it has sent, wanted or late
  peer_estimate estimate = {};
  want_mailbox box = {};
  past_wants owed = past_wants{1024};  ///< was asked for them, and has not sent them
  past_wants had = past_wants{128};    ///< has sent them: may have been asked twice, or answer twice
  instant stalled_until = {};
  duration penalty = first_penalty;

  static constexpr duration first_penalty = std::chrono::seconds{1};
  static constexpr duration longest_penalty = std::chrono::seconds{30};

  /// Whether a block from this peer is worth hashing.
  [[nodiscard]] bool may_send() const noexcept {
    return !banned && (told != 0 || !owed.empty() || !had.empty());
  }
  /// It has been late, and sent nothing else: it comes last for a while, for longer each time.
  void stall(instant now) noexcept {
    stalled_until = now + penalty;
    penalty = std::min(2 * penalty, longest_penalty);
  }
  /// It has sent a block.
  void heard() noexcept {
    ++blocks;
    stalled_until = {};
    penalty = first_penalty;
  }
};

}  // namespace shoal::exchange
