// SPDX-License-Identifier: BSL-1.0
//
// client_peer: what a client session keeps about one peer: its speed, what waits to be sent to it, whether it
// is to be trusted.
//
//     peer.box.post(entry);
//     if (!peer.settled.contains(hash)) ...             // a block that it was never asked for
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include <shoal/content/cid.hpp>
#include <shoal/content/multihash.hpp>
#include <shoal/exchange/peer_estimate.hpp>
#include <shoal/exchange/peer_handle.hpp>
#include <shoal/exchange/want_mailbox.hpp>

namespace shoal::exchange {

/// The last blocks that a peer was asked for and need not send any more: should one of them come nevertheless,
/// the peer is slow and no liar. Remembers a part of each digest, which is enough for that.
class settled_wants {
 public:
  static constexpr std::size_t capacity = 1024;

  void add(const multihash& hash) {
    const std::size_t key = std::hash<multihash>{}(hash);
    if (keys_.size() < capacity) {
      keys_.push_back(key);
    } else {
      keys_[next_] = key;
      next_ = (next_ + 1) % capacity;
    }
  }
  [[nodiscard]] bool contains(const multihash& hash) const {
    return std::ranges::find(keys_, std::hash<multihash>{}(hash)) != keys_.end();
  }
  [[nodiscard]] bool empty() const noexcept { return keys_.empty(); }

 private:
  std::vector<std::size_t> keys_;
  std::size_t next_ = 0;
};

/// A peer of a client session.
struct client_peer {
  unsigned tier = 0;
  bool banned = false;
  bool dirty = false;        ///< is in the session's list of those with something in the box
  std::size_t told = 0;      ///< wants that it knows of
  std::uint64_t blocks = 0;  ///< that it has sent, wanted or late
  peer_estimate estimate = {};
  want_mailbox box = {};
  settled_wants settled = {};
  instant stalled_until = {};
  duration penalty = first_penalty;

  static constexpr duration first_penalty = std::chrono::seconds{1};
  static constexpr duration longest_penalty = std::chrono::seconds{30};

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
