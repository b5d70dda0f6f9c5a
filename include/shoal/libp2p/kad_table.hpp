// SPDX-License-Identifier: BSL-1.0
//
// kad_table: the peers that one knows in the distributed hash table, many near oneself and a few of everywhere
// else (libp2p specs, kad-dht/README.md, "Kademlia routing table"; "Bootstrap process").
//
//     kad_table table{self};
//     table.seen(peer, addresses, now);                   // it serves, and has just shown that it lives
//     std::vector<kad_peer> seeds = table.closest(target, 20);
//     table.failed(peer, now);
//     while (auto peer = table.next_check(now)) ask(*peer);           // and tell seen() or failed()
//     while (auto name = table.next_refresh(now, random)) look_up(*name);
//
// A bucket for each number of bits in common with our own key, of 20 peers each. Who has been there for long
// stays for as long as it answers: a flood of newcomers displaces nobody, only peers that fail make room. Only
// peers that serve belong in it. Leaves out limits by IP network.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/libp2p/kad_key.hpp>
#include <shoal/libp2p/kad_message.hpp>
#include <shoal/libp2p/multiaddr.hpp>
#include <shoal/libp2p/peer_id.hpp>

namespace shoal::libp2p {

struct kad_table_options {
  std::size_t bucket_size = 20;
  unsigned max_failures = 3;                 ///< in a row; then a peer is forgotten
  std::chrono::seconds failure_spacing{30};  ///< failures that are closer together count as one
  std::chrono::seconds check_after{600};  ///< a peer that was not heard for so long is asked whether it lives
  std::chrono::seconds refresh_interval{600};  ///< so often somebody is looked up in each bucket
};

class kad_table {
 public:
  using clock = std::chrono::steady_clock;

  enum class outcome : std::uint8_t { added, renewed, refused };

  /// Buckets this deep and deeper are refreshed together, by a lookup of ourselves: to find a name for one
  /// takes work, and with fewer than some 100,000 peers in the world nobody but neighbours is in them.
  static constexpr std::size_t deepest_refresh = 12;

  explicit kad_table(const peer_id& self, kad_table_options options = {})
      : self_(self), key_(kad_key::of(self.bytes())), options_(options) {}

  /// The peer lives. Its addresses replace those that are known, unless there are none.
  /// @return refused for ourselves, for a newcomer without addresses, and for one to a bucket that is full of
  /// peers that have not failed
  outcome seen(const peer_id& id, std::span<const multiaddr> addresses, clock::time_point now) {
    if (id == self_) return outcome::refused;
    const kad_key key = kad_key::of(id.bytes());
    std::vector<entry>& bucket = buckets_[common_prefix(key_, key)];
    outcome what = outcome::renewed;
    auto at = std::ranges::find(bucket, id, &entry::id);
    if (at == bucket.end()) {
      if (addresses.empty()) return outcome::refused;
      what = outcome::added;
      if (bucket.size() >= options_.bucket_size) {
        at = std::ranges::max_element(bucket, {}, &entry::failures);
        if (at->failures == 0) return outcome::refused;
        bucket.erase(at);
        --size_;
      }
      bucket.push_back({.id = id, .key = key});
      ++size_;
    } else {
      std::rotate(at, at + 1, bucket.end());
    }
    entry& peer = bucket.back();
    peer.failures = 0;
    peer.checked = now;
    if (!addresses.empty()) {
      peer.addresses.clear();
      merge_addresses(peer.addresses, addresses);
    }
    return what;
  }

  /// The peer did not answer. It is not told to others until it has been seen again.
  void failed(const peer_id& id, clock::time_point now) {
    std::vector<entry>& bucket = bucket_of(id);
    const auto at = std::ranges::find(bucket, id, &entry::id);
    if (at == bucket.end()) return;
    if (at->failures != 0 && now - at->failed < options_.failure_spacing) return;
    at->failed = now;
    if (++at->failures < options_.max_failures) return;
    bucket.erase(at);
    --size_;
  }

  /// The peer serves no longer.
  void remove(const peer_id& id) {
    size_ -= std::erase_if(bucket_of(id), [&](const entry& e) { return e.id == id; });
  }

  [[nodiscard]] bool contains(const peer_id& id) const { return !addresses_of(id).empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  /// Where a peer is; nowhere for one that is not in the table.
  [[nodiscard]] std::vector<multiaddr> addresses_of(const peer_id& id) const {
    const std::vector<entry>& bucket = buckets_[common_prefix(key_, kad_key::of(id.bytes()))];
    const auto at = std::ranges::find(bucket, id, &entry::id);
    return at == bucket.end() ? std::vector<multiaddr>{} : at->addresses;
  }

  /// At most `most` peers, the closest to the target first. Those that have failed are left out, unless all
  /// have: after the network was away they are better than nobody.
  [[nodiscard]] std::vector<kad_peer> closest(const kad_key& target, std::size_t most) const {
    std::vector<std::pair<kad_key, const entry*>> all = by_distance(target, false);
    if (all.empty()) all = by_distance(target, true);
    most = std::min(most, all.size());
    std::ranges::partial_sort(all, all.begin() + static_cast<std::ptrdiff_t>(most), {},
                              &std::pair<kad_key, const entry*>::first);
    std::vector<kad_peer> found;
    found.reserve(most);
    for (std::size_t i = 0; i < most; ++i) found.push_back({all[i].second->id, all[i].second->addresses});
    return found;
  }

  /// A peer of which nothing was heard for check_after; each is given once in that time.
  [[nodiscard]] std::optional<kad_peer> next_check(clock::time_point now) {
    for (std::vector<entry>& bucket : buckets_) {
      for (entry& peer : bucket) {
        if (now - peer.checked < options_.check_after) continue;
        peer.checked = now;
        return kad_peer{peer.id, peer.addresses};
      }
    }
    return std::nullopt;
  }

  /// The next name to look up, so that a bucket learns of new peers: ourselves for the deepest bucket that has
  /// a peer, a name that belongs there for each one before it. Each is given once in refresh_interval.
  /// @param random  any number; another one gives another name
  [[nodiscard]] std::optional<std::vector<std::byte>> next_refresh(clock::time_point now,
                                                                   std::uint64_t random) {
    if (size_ == 0) return std::nullopt;
    const std::size_t deepest = deepest_bucket();
    for (std::size_t i = 0; i <= deepest; ++i) {
      if (refreshed_[i] && now - *refreshed_[i] < options_.refresh_interval) continue;
      refreshed_[i] = now;
      if (i == deepest) return std::vector(self_.bytes().begin(), self_.bytes().end());
      return bytes_of(find_name_with_prefix(key_, i, random));
    }
    return std::nullopt;
  }

  /// When next_check() or next_refresh() will have something to say, which may be long ago; nothing while the
  /// table is empty.
  [[nodiscard]] std::optional<clock::time_point> next_deadline() const {
    std::optional<clock::time_point> first;
    const auto add = [&first](clock::time_point when) { first = first ? std::min(*first, when) : when; };
    for (const std::vector<entry>& bucket : buckets_) {
      for (const entry& peer : bucket) add(peer.checked + options_.check_after);
    }
    for (std::size_t i = 0; size_ != 0 && i <= deepest_bucket(); ++i) {
      add(refreshed_[i] ? *refreshed_[i] + options_.refresh_interval : clock::time_point{});
    }
    return first;
  }

 private:
  struct entry {
    peer_id id;
    kad_key key;
    std::vector<multiaddr> addresses = {};
    unsigned failures = 0;
    clock::time_point failed = {};
    clock::time_point checked = {};
  };

  [[nodiscard]] std::vector<entry>& bucket_of(const peer_id& id) {
    return buckets_[common_prefix(key_, kad_key::of(id.bytes()))];
  }

  [[nodiscard]] std::size_t deepest_bucket() const noexcept {
    std::size_t deepest = 0;
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
      if (!buckets_[i].empty()) deepest = i;
    }
    return std::min(deepest, deepest_refresh);
  }

  [[nodiscard]] std::vector<std::pair<kad_key, const entry*>> by_distance(const kad_key& target,
                                                                          bool with_failed) const {
    std::vector<std::pair<kad_key, const entry*>> all;
    for (const std::vector<entry>& bucket : buckets_) {
      for (const entry& peer : bucket) {
        if (peer.failures == 0 || with_failed) all.emplace_back(peer.key ^ target, &peer);
      }
    }
    return all;
  }

  peer_id self_;
  kad_key key_;
  kad_table_options options_;
  std::array<std::vector<entry>, kad_key::bits + 1>
      buckets_;  // each with whom we have not heard for longest first
  std::size_t size_ = 0;
  std::array<std::optional<clock::time_point>, deepest_refresh + 1> refreshed_;
};

}  // namespace shoal::libp2p
