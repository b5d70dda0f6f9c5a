// SPDX-License-Identifier: BSL-1.0
//
// kad_candidates: the peers that a walk through the distributed hash table has heard of, by their distance from
// its target, and how far it has come with each. Part of libp2p/kad_query.hpp.
//
//     kad_candidates all{target};
//     all.hear_of(peer, named_by);
//     kad_candidate* next = all.among_closest(20, [](const auto& c) { return c.at ==
//     kad_candidate::stage::known; });
//
// Who names many peers that fail, and none that answer, is not believed: those that nobody else has named are
// passed over. How many may wait to be asked is bounded.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

#include <shoal/libp2p/kad_key.hpp>
#include <shoal/libp2p/kad_message.hpp>
#include <shoal/libp2p/peer_id.hpp>

namespace shoal::libp2p {

struct kad_candidate {
  enum class stage : std::uint8_t {
    known,
    running,  ///< a request is on its way
    answered,
    told,  ///< and it knows now that we are a provider
    failed,
  };

  kad_peer who;
  std::optional<kad_key> named_by = {};  ///< the distance of who has named it; nothing: we knew it before
  stage at = stage::known;
  bool slow = false;                                 ///< it is running for long
  bool again = false;                                ///< it has failed at other addresses
  unsigned good = 0;                                 ///< of those that it has named, how many have answered,
  unsigned bad = 0;                                  ///< and how many have failed
  std::chrono::steady_clock::time_point since = {};  ///< it is running
};

class kad_candidates {
 public:
  using stage = kad_candidate::stage;

  /// Most peers that wait to be asked.
  static constexpr std::size_t max_waiting = 1000;

  explicit kad_candidates(const kad_key& target) noexcept : target_(target) {}

  [[nodiscard]] kad_key distance(const peer_id& id) const noexcept { return target_ ^ kad_key::of(id.bytes()); }

  /// Somebody has named a peer. What is known already learns its addresses; with new ones, who has failed is
  /// tried once more.
  void hear_of(const kad_peer& peer, const std::optional<kad_key>& named_by) {
    const auto [at, added] = all_.try_emplace(distance(peer.id));
    kad_candidate& known = at->second;
    if (added) {
      known.who = peer;
      known.named_by = named_by;
      if (all_.size() > max_waiting) forget_one();
      return;
    }
    const bool news = merge_addresses(known.who.addresses, peer.addresses);
    if (is_doubtful(known)) known.named_by = named_by;
    if (news && known.at == stage::failed && !known.again) {
      known.at = stage::known;
      known.again = true;
      known.named_by = named_by;
    }
  }

  /// Null when nobody has named it.
  [[nodiscard]] kad_candidate* find(const peer_id& id) {
    const auto at = all_.find(distance(id));
    return at == all_.end() ? nullptr : &at->second;
  }
  [[nodiscard]] const kad_candidate* find(const peer_id& id) const {
    const auto at = all_.find(distance(id));
    return at == all_.end() ? nullptr : &at->second;
  }

  /// A request has ended; whoever has named the peer is judged by that.
  void answered(kad_candidate& peer) {
    peer.at = stage::answered;
    if (peer.named_by) ++all_.at(*peer.named_by).good;
  }
  void failed(kad_candidate& peer) {
    peer.at = stage::failed;
    if (peer.named_by) ++all_.at(*peer.named_by).bad;
  }

  /// The first for which `use` says true, among the `most` closest that have not failed; null when there is
  /// none.
  template <class Use>
  [[nodiscard]] kad_candidate* among_closest(std::size_t most, Use&& use) {
    for (auto& [key, peer] : all_) {
      if (peer.at == stage::failed || is_doubtful(peer)) continue;
      if (most-- == 0) return nullptr;
      if (use(std::as_const(peer))) return &peer;
    }
    return nullptr;
  }

  /// Calls `use` with each, the closest first.
  template <class Use>
  void each(Use&& use) {
    for (auto& [key, peer] : all_) use(peer);
  }
  template <class Use>
  void each(Use&& use) const {
    for (const auto& [key, peer] : all_) use(peer);
  }

 private:
  [[nodiscard]] bool is_doubtful(const kad_candidate& peer) const {
    if (peer.at != stage::known || !peer.named_by) return false;
    const kad_candidate& by = all_.at(*peer.named_by);  // it has answered, and those stay
    return by.bad > 4 + 2 * by.good;
  }

  /// Makes room if too many wait: forgets the farthest of those that are doubtful, or else of all that wait.
  void forget_one() {
    auto victim = all_.end();
    bool doubtful = false;
    std::size_t waiting = 0;
    for (auto at = all_.begin(); at != all_.end(); ++at) {
      if (at->second.at != stage::known) continue;
      ++waiting;
      const bool doubt = is_doubtful(at->second);
      if (doubtful && !doubt) continue;
      victim = at;
      doubtful = doubt;
    }
    if (waiting > max_waiting) all_.erase(victim);
  }

  kad_key target_;
  std::map<kad_key, kad_candidate> all_;  // by distance
};

}  // namespace shoal::libp2p
