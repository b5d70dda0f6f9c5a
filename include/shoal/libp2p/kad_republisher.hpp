// SPDX-License-Identifier: BSL-1.0
//
// kad_republisher: what this peer provides, and when it has to say so again, since others forget after 48 hours
// (libp2p specs, kad-dht/README.md, "Provider Record Republish Interval").
//
//     kad_republisher own;
//     own.add(image.hash(), now);
//     while (auto key = own.next_due(now)) ...             // announce it, then
//     own.done(*key, stored_by != 0, now);
//
// At first it is said again sooner, after a minute, 8, 64, and eight hours: where many boot at once, those who
// are closest to a key have mostly not come yet. Whatever is in it is ours to decide: its size is not bounded.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include <shoal/content/multihash.hpp>

namespace shoal::libp2p {

class kad_republisher {
 public:
  using clock = std::chrono::steady_clock;

  /// @param interval  between two announcements, in the long run
  /// @param first  between the first two, and after one that nobody has taken note of
  explicit kad_republisher(std::chrono::seconds interval = std::chrono::hours{22},
                           std::chrono::seconds first = std::chrono::minutes{1}) noexcept
      : interval_(interval), first_(first) {}

  /// Provides what the key names; it is due at once. What is provided already stays as it is.
  void add(const multihash& key, clock::time_point now) {
    const auto [at, added] = keys_.try_emplace(key, plan{now, first_});
    if (added) due_.emplace(now, key);
  }

  /// Provides it no longer. Others will forget.
  void remove(const multihash& key) {
    const auto at = keys_.find(key);
    if (at == keys_.end()) return;
    if (at->second.due) due_.erase({*at->second.due, key});
    keys_.erase(at);
  }

  [[nodiscard]] bool contains(const multihash& key) const { return keys_.contains(key); }
  [[nodiscard]] std::size_t size() const noexcept { return keys_.size(); }

  /// All are due now, and soon again: after the network was away, or has changed.
  void renew(clock::time_point now) {
    for (auto& [key, what] : keys_) {
      what.pause = first_;
      if (what.due) set(key, what, now);
    }
  }

  /// Something to announce, the longest overdue first. It is not given again before done().
  [[nodiscard]] std::optional<multihash> next_due(clock::time_point now) {
    if (due_.empty() || due_.begin()->first > now) return std::nullopt;
    const multihash key = due_.begin()->second;
    due_.erase(due_.begin());
    keys_.at(key).due.reset();
    return key;
  }

  /// What next_due() gave has been announced.
  /// @param taken  somebody has taken note
  void done(const multihash& key, bool taken, clock::time_point now) {
    const auto at = keys_.find(key);
    if (at == keys_.end() || at->second.due) return;
    set(key, at->second, now + (taken ? at->second.pause : first_));
    if (taken) at->second.pause = std::min(8 * at->second.pause, interval_);
  }

  [[nodiscard]] std::optional<clock::time_point> next_deadline() const {
    if (due_.empty()) return std::nullopt;
    return due_.begin()->first;
  }

 private:
  struct plan {
    std::optional<clock::time_point> due;  // nothing: being announced
    std::chrono::seconds pause;            // after the next announcement
  };

  void set(const multihash& key, plan& what, clock::time_point when) {
    if (what.due) due_.erase({*what.due, key});
    what.due = when;
    due_.emplace(when, key);
  }

  std::chrono::seconds interval_;
  std::chrono::seconds first_;
  std::map<multihash, plan> keys_;
  std::set<std::pair<clock::time_point, multihash>> due_;
};

}  // namespace shoal::libp2p
