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
// Whatever is in it is ours to decide: its size is not bounded.
#pragma once

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

  /// @param interval  between two announcements
  /// @param retry  after one that nobody has taken
  explicit kad_republisher(std::chrono::seconds interval = std::chrono::hours{22},
                           std::chrono::seconds retry = std::chrono::minutes{1}) noexcept
      : interval_(interval), retry_(retry) {}

  /// Provides what the key names; it is due at once. What is provided already stays as it is.
  void add(const multihash& key, clock::time_point now) {
    if (const auto [at, added] = keys_.try_emplace(key, now); added) due_.emplace(now, key);
  }

  /// Provides it no longer. Others will forget.
  void remove(const multihash& key) {
    const auto at = keys_.find(key);
    if (at == keys_.end()) return;
    if (at->second) due_.erase({*at->second, key});
    keys_.erase(at);
  }

  [[nodiscard]] bool contains(const multihash& key) const { return keys_.contains(key); }
  [[nodiscard]] std::size_t size() const noexcept { return keys_.size(); }

  /// All are due now: after the network was away, or has changed.
  void renew(clock::time_point now) {
    for (auto& [key, due] : keys_) {
      if (due) plan(key, due, now);
    }
  }

  /// Something to announce, the longest overdue first. It is not given again before done().
  [[nodiscard]] std::optional<multihash> next_due(clock::time_point now) {
    if (due_.empty() || due_.begin()->first > now) return std::nullopt;
    const multihash key = due_.begin()->second;
    due_.erase(due_.begin());
    keys_.at(key).reset();
    return key;
  }

  /// What next_due() gave has been announced.
  /// @param taken  somebody has taken note
  void done(const multihash& key, bool taken, clock::time_point now) {
    const auto at = keys_.find(key);
    if (at != keys_.end() && !at->second) plan(key, at->second, now + (taken ? interval_ : retry_));
  }

  [[nodiscard]] std::optional<clock::time_point> next_deadline() const {
    if (due_.empty()) return std::nullopt;
    return due_.begin()->first;
  }

 private:
  void plan(const multihash& key, std::optional<clock::time_point>& due, clock::time_point when) {
    if (due) due_.erase({*due, key});
    due = when;
    due_.emplace(when, key);
  }

  std::chrono::seconds interval_;
  std::chrono::seconds retry_;
  std::map<multihash, std::optional<clock::time_point>> keys_;  // when each is due; nothing: being announced
  std::set<std::pair<clock::time_point, multihash>> due_;
};

}  // namespace shoal::libp2p
