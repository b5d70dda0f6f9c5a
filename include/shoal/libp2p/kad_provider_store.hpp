// SPDX-License-Identifier: BSL-1.0
//
// kad_provider_store: what others have said that they have, kept for whoever asks (libp2p specs,
// kad-dht/README.md, "Content provider advertisement and discovery").
//
//     kad_provider_store store;
//     store.add(hash, {sender, addresses}, now);
//     std::vector<kad_peer> some = store.get(hash, 100, now);
//     store.expire(now);                                     // once in a while
//
// Its size in bytes is bounded. When it is full, whoever takes most of it loses what it said first: a peer that
// announces without end pushes out itself and nobody else. Its maps are ordered, since strangers choose the
// keys.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include <shoal/content/multihash.hpp>
#include <shoal/libp2p/kad_message.hpp>
#include <shoal/libp2p/multiaddr.hpp>
#include <shoal/libp2p/peer_id.hpp>

namespace shoal::libp2p {

struct kad_provider_options {
  std::size_t max_bytes = 8u << 20;        ///< of everything, roughly
  std::size_t max_providers = 512;         ///< of one key; past it, who said so first is forgotten
  std::size_t max_addresses = 16;          ///< of one provider
  std::chrono::seconds lifetime{172'800};  ///< 48 h
};

class kad_provider_store {
 public:
  using clock = std::chrono::steady_clock;

  /// What a record and a provider take at least, in bytes, in the sum that max_bytes limits.
  static constexpr std::size_t record_cost = 384;
  static constexpr std::size_t provider_cost = 384;

  explicit kad_provider_store(kad_provider_options options = {}) noexcept : options_(options) {}

  /// The provider has what the key names, for another lifetime. Its addresses, those of all that it provides,
  /// are replaced by these, unless there are none.
  void add(const multihash& key, const kad_peer& who, clock::time_point now) {
    const auto whose = providers_.try_emplace(who.id).first;
    holder& from = whose->second;
    const std::size_t before = from.cost();
    if (!who.addresses.empty()) from.set_addresses(who.addresses, options_.max_addresses);
    const auto records = keys_.try_emplace(key).first;
    record& one = records->second[who.id];
    if (one.number != 0) {
      from.records.erase(one.number);
    } else {
      ++size_;
    }
    one = {++last_number_, now + options_.lifetime};
    from.records.emplace(one.number, &records->first);
    reweigh(*whose, before);
    if (records->second.size() > options_.max_providers) {
      const auto first =
          std::ranges::min_element(records->second, {}, [](const auto& r) { return r.second.number; });
      erase(providers_.find(first->first), first->second.number);
    }
    while (bytes_ > options_.max_bytes) {
      const auto heaviest = providers_.find(by_cost_.rbegin()->second);
      erase(heaviest, heaviest->second.records.begin()->first);
    }
  }

  /// At most `most` providers of what the key names. When there are more, every call begins with another one.
  [[nodiscard]] std::vector<kad_peer> get(const multihash& key, std::size_t most, clock::time_point now) {
    std::vector<kad_peer> found;
    const auto records = keys_.find(key);
    if (records == keys_.end()) return found;
    const auto& all = records->second;
    auto at = all.begin();
    if (all.size() > most) {
      turn_ += most;
      std::advance(at, static_cast<std::ptrdiff_t>(turn_ % all.size()));
    }
    for (std::size_t i = 0; i < all.size() && found.size() < most; ++i) {
      if (at->second.until > now) found.push_back({at->first, providers_.at(at->first).addresses});
      if (++at == all.end()) at = all.begin();
    }
    return found;
  }

  /// Forgets what has not been said again in its lifetime.
  void expire(clock::time_point now) {
    for (auto whose = providers_.begin(); whose != providers_.end();) {
      const auto current = whose++;
      for (std::size_t left = current->second.records.size(); left != 0; --left) {
        const auto [number, key] = *current->second.records.begin();
        if (keys_.at(*key).at(current->first).until > now) break;
        erase(current, number);
      }
    }
  }

  /// Records: a key and one of its providers each.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t key_count() const noexcept { return keys_.size(); }
  [[nodiscard]] std::size_t provider_count() const noexcept { return providers_.size(); }
  /// What max_bytes limits.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  struct record {
    std::uint64_t number = 0;  // the higher, the later it was said; 0: never
    clock::time_point until = {};
  };
  struct holder {
    std::vector<multiaddr> addresses = {};
    std::size_t address_bytes = 0;
    std::map<std::uint64_t, const multihash*> records = {};  // by number; the keys are those of keys_

    void set_addresses(const std::vector<multiaddr>& all, std::size_t most) {
      addresses.assign(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(std::min(most, all.size())));
      address_bytes = 0;
      for (const multiaddr& address : addresses) address_bytes += sizeof(multiaddr) + address.bytes().size();
    }
    /// 0 when nothing is kept of it.
    [[nodiscard]] std::size_t cost() const noexcept {
      return records.empty() ? 0 : provider_cost + address_bytes + records.size() * record_cost;
    }
  };
  using provider = std::pair<const peer_id, holder>;

  void reweigh(const provider& whose, std::size_t before) {
    const std::size_t after = whose.second.cost();
    if (before != 0) by_cost_.erase({before, whose.first});
    if (after != 0) by_cost_.emplace(after, whose.first);
    bytes_ = bytes_ - before + after;
  }

  /// Forgets one record, and its provider and its key with the last one of them.
  void erase(std::map<peer_id, holder>::iterator whose, std::uint64_t number) {
    holder& from = whose->second;
    const std::size_t before = from.cost();
    const auto listed = from.records.find(number);
    const auto records = keys_.find(*listed->second);
    from.records.erase(listed);
    records->second.erase(whose->first);
    --size_;
    if (records->second.empty()) keys_.erase(records);
    reweigh(*whose, before);
    if (from.records.empty()) providers_.erase(whose);
  }

  kad_provider_options options_;
  std::map<multihash, std::map<peer_id, record>> keys_;
  std::map<peer_id, holder> providers_;
  std::set<std::pair<std::size_t, peer_id>> by_cost_;
  std::size_t size_ = 0;
  std::size_t bytes_ = 0;
  std::uint64_t last_number_ = 0;
  std::size_t turn_ = 0;
};

}  // namespace shoal::libp2p
