// SPDX-License-Identifier: BSL-1.0
//
// mdns_cache: the peers that others have announced in the neighbourhood, for as long as they said. Parts of
// libp2p/mdns.hpp.
//
//     mdns_cache cache{1024, 16};
//     cache.note(id, address, 120s, now);
//     while (const std::optional<mdns_peer> found = cache.next_found(now)) dial(*found);
//
// Its size is bounded: when it is full, whoever would have been forgotten first is. What is in it are claims:
// that a peer is who it says shows when it is dialled.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include <shoal/libp2p/multiaddr.hpp>
#include <shoal/libp2p/peer_id.hpp>

namespace shoal::libp2p {

/// A peer and where it says that it is; each address ends with the id.
struct mdns_peer {
  peer_id id;
  std::vector<multiaddr> addresses;
};

class mdns_cache {
 public:
  using clock = std::chrono::steady_clock;

  /// @pre neither is 0
  mdns_cache(std::size_t max_peers, std::size_t max_addresses) noexcept
      : max_peers_(max_peers), max_addresses_(max_addresses) {}

  /// The peer is at `address` for another `ttl`; no longer, if that is 0.
  void note(const peer_id& id, const multiaddr& address, clock::duration ttl, clock::time_point now) {
    auto found = peers_.find(id);
    if (ttl == ttl.zero()) {
      if (found != peers_.end()) forget(found, address);
      return;
    }
    if (found == peers_.end()) {
      if (peers_.size() >= max_peers_) peers_.erase(std::ranges::min_element(peers_, {}, last_time));
      found = peers_.try_emplace(id).first;
    }
    entry& peer = found->second;
    std::erase_if(peer.addresses, [now](const claim& c) { return c.until <= now; });
    const auto same = std::ranges::find(peer.addresses, address, &claim::address);
    if (same != peer.addresses.end()) {
      same->until = now + ttl;
      return;
    }
    if (peer.addresses.size() >= max_addresses_) {
      peer.addresses.erase(std::ranges::min_element(peer.addresses, {}, &claim::until));
    }
    peer.addresses.push_back({address, now + ttl});
    peer.news = true;
  }

  /// A peer that is new, or has a new address, since it was given last; with all its addresses.
  [[nodiscard]] std::optional<mdns_peer> next_found(clock::time_point now) {
    for (auto& [id, peer] : peers_) {
      if (!std::exchange(peer.news, false)) continue;
      mdns_peer found{id, lasting(peer, now)};
      if (!found.addresses.empty()) return found;
    }
    return std::nullopt;
  }

  /// Everybody who is there.
  [[nodiscard]] std::vector<mdns_peer> peers(clock::time_point now) const {
    std::vector<mdns_peer> all;
    for (const auto& [id, peer] : peers_) {
      mdns_peer found{id, lasting(peer, now)};
      if (!found.addresses.empty()) all.push_back(std::move(found));
    }
    return all;
  }

 private:
  struct claim {
    multiaddr address;
    clock::time_point until;
  };
  struct entry {
    std::vector<claim> addresses = {};
    bool news = false;
  };

  static std::vector<multiaddr> lasting(const entry& peer, clock::time_point now) {
    std::vector<multiaddr> addresses;
    for (const claim& c : peer.addresses) {
      if (c.until > now) addresses.push_back(c.address);
    }
    return addresses;
  }

  static clock::time_point last_time(const std::pair<const peer_id, entry>& peer) {
    return std::ranges::max(peer.second.addresses, {}, &claim::until).until;
  }

  void forget(std::map<peer_id, entry>::iterator peer, const multiaddr& address) {
    std::vector<claim>& addresses = peer->second.addresses;
    std::erase_if(addresses, [&](const claim& c) { return c.address == address; });
    if (addresses.empty()) peers_.erase(peer);
  }

  std::size_t max_peers_;
  std::size_t max_addresses_;
  std::map<peer_id, entry> peers_;  // each has an address, if only one that has run out
};

}  // namespace shoal::libp2p
