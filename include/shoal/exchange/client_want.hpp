// SPDX-License-Identifier: BSL-1.0
//
// client_want and what else a client session says and keeps: options of a want, arrivals, events, counters, and
// the record of who has been asked for a block.
//
//     switch (session.arrived(peer, hash, size, now).what) { case arrival::verdict::accepted: ... }
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <tuple>
#include <vector>

#include <shoal/content/cid.hpp>
#include <shoal/exchange/bitswap_message.hpp>
#include <shoal/exchange/peer_choice.hpp>
#include <shoal/exchange/peer_estimate.hpp>
#include <shoal/exchange/peer_handle.hpp>

namespace shoal::exchange {

/// How much a block is wanted.
struct want_options {
  /// What an urgent want's priority is at least, on its way to a peer: stay below it with a prefetch.
  static constexpr std::int32_t urgent_priority = 1 << 30;

  std::int32_t priority = 1;  ///< travels with the want; higher is served first
  bool urgent = false;        ///< a reader waits: before all that is not urgent, whatever the priorities
};

/// What became of a block that a peer sent.
struct arrival {
  enum class verdict : std::uint8_t {
    unwanted,   ///< never asked of this peer: corrupt, or a lie
    duplicate,  ///< was asked of this peer, and has come from another meanwhile
    accepted    ///< the block that was wanted
  };
  verdict what = verdict::unwanted;
  cid id;  ///< of an accepted block, as it was wanted
};

/// What the driver has to hear of.
struct client_event {
  enum class kind : std::uint8_t {
    misbehaved,  ///< `peer` has sent what nobody wanted, or worse: close the connection, and remember who it
                 ///< was
    unmet,       ///< nobody is left to be asked for `id`: look for providers. It stays wanted and is asked for
                 ///< again when a peer comes, and after a while
    overdue      ///< as unmet, but somebody has been asked for `id`, and may yet send it
  };
  kind what = kind::unmet;
  peer_handle peer{};
  cid id;
};

/// What a session has done so far.
struct client_counters {
  std::uint64_t blocks = 0;
  std::uint64_t bytes = 0;
  std::uint64_t fetches = 0;  ///< requests for a block: as many as blocks, when nothing goes wrong
  std::uint64_t probes = 0;   ///< questions whether a peer has one
  std::uint64_t duplicates = 0;
  std::uint64_t duplicate_bytes = 0;
  std::uint64_t unwanted = 0;
  std::uint64_t late = 0;    ///< requests that had their time
  std::uint64_t stalls = 0;  ///< peers that were sent nothing else meanwhile
  std::uint64_t banned = 0;
};

/// What one peer has been asked about one block.
struct ask {
  peer_handle peer{};
  standing now = standing::unknown;
  bool told = false;      ///< the peer knows that we want it
  bool fetched = false;   ///< has been asked for the block itself: the mark is of that
  unsigned failures = 0;  ///< times that it was to send the block and did not
  delivery_mark mark = {};
  instant until = {};        ///< when a block that is being fetched is late
  std::uint64_t blocks = 0;  ///< that the peer had sent when it was asked for this one

  /// The block may be on its way.
  [[nodiscard]] bool is_copy() const noexcept { return now == standing::fetching || now == standing::late; }
  /// What past_wants are to keep of it.
  [[nodiscard]] std::optional<delivery_mark> last_fetch() const {
    return fetched ? std::optional{mark} : std::nullopt;
  }
};

enum class want_stage : std::uint8_t {
  open,     ///< new
  ready,    ///< the policy is to be asked
  waiting,  ///< for an answer, or the deadline
  idle      ///< nobody to ask; tried again at the deadline
};

/// A block that is wanted.
struct client_want {
  /// Urgent ones first, then by priority, then the oldest.
  using order = std::tuple<bool, std::int64_t, std::uint64_t>;

  cid id;
  want_options how;
  instant since;
  std::uint64_t sequence = 0;
  want_stage at = want_stage::open;
  instant deadline;
  unsigned retries = 0;
  bool reported = false;               ///< unmet, or overdue
  std::optional<peer_handle> awaited;  ///< will be asked as soon as it has room
  std::vector<ask> asks;               // in the order of their peers

  [[nodiscard]] order rank() const noexcept { return {!how.urgent, -std::int64_t{how.priority}, sequence}; }

  /// Null for a peer that has not been asked.
  [[nodiscard]] ask* find(peer_handle peer) noexcept {
    const auto found = std::ranges::lower_bound(asks, peer, {}, &ask::peer);
    return found == asks.end() || found->peer != peer ? nullptr : &*found;
  }
  /// The same, with a new one for a peer that has not been asked. Others may move.
  [[nodiscard]] ask& obtain(peer_handle peer) {
    const auto found = std::ranges::lower_bound(asks, peer, {}, &ask::peer);
    return found == asks.end() || found->peer != peer ? *asks.insert(found, ask{.peer = peer}) : *found;
  }

  /// What to tell a peer.
  [[nodiscard]] want_entry entry(want_type type) const noexcept {
    const std::int32_t least = how.urgent ? want_options::urgent_priority : how.priority;
    return {.id = id, .priority = std::max(how.priority, least), .type = type, .send_dont_have = true};
  }

  /// The first of those who are late, if as many as `most` are to send it; otherwise null.
  [[nodiscard]] ask* surplus_copy(std::ptrdiff_t most) noexcept {
    if (std::ranges::count_if(asks, &ask::is_copy) < most) return nullptr;
    const auto first = std::ranges::find(asks, standing::late, &ask::now);
    return first == asks.end() ? nullptr : &*first;
  }

  /// Somebody is to send it, in time or not.
  [[nodiscard]] bool has_copy() const noexcept { return std::ranges::any_of(asks, &ask::is_copy); }
  /// Somebody is to send it, and has time left.
  [[nodiscard]] bool is_fetching() const noexcept {
    return std::ranges::find(asks, standing::fetching, &ask::now) != asks.end();
  }

  /// When the first of those who fetch it is late.
  [[nodiscard]] std::optional<instant> first_late() const noexcept {
    std::optional<instant> first;
    for (const ask& a : asks) {
      if (a.now == standing::fetching && (!first || a.until < *first)) first = a.until;
    }
    return first;
  }

  /// Time until everybody is asked again: a second, then twice as long, up to half a minute.
  [[nodiscard]] duration next_retry() noexcept {
    constexpr unsigned longest = 5;
    const duration wait = std::chrono::seconds{1} * (1 << retries);
    retries = std::min(retries + 1, longest);
    return std::min<duration>(wait, std::chrono::seconds{30});
  }
};

}  // namespace shoal::exchange
