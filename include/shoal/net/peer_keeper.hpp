// SPDX-License-Identifier: BSL-1.0
//
// peer_keeper: stays connected with certain peers: dials them at once, and again whenever they are gone.
//
//     net::peer_keeper keeper{host};
//     keeper.keep({*multiaddr::parse("/dns4/origin.example/tcp/4001/p2p/12D3KooW...")});
//
// How long it waits after failures is the swarm's dial_backoff to say.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>

#include <shoal/base/result.hpp>
#include <shoal/libp2p/multiaddr.hpp>
#include <shoal/libp2p/peer_id.hpp>
#include <shoal/net/alarm.hpp>
#include <shoal/net/peer_link.hpp>
#include <shoal/net/swarm.hpp>

namespace shoal::net {

/// One strand, the swarm's; lives as long.
class peer_keeper {
 public:
  /// Is told of each attempt that has failed, but for those that dial_backoff forbade. errc::closed: the peer
  /// is there, and wants nothing to do with this one.
  using complaint = std::function<void(const libp2p::multiaddr&, std::error_code)>;

  explicit peer_keeper(swarm& with, complaint tell = {})
      : swarm_(with), tell_(std::move(tell)), alarm_(with.executor(), [this] { look(); }) {}

  /// @param addresses  of one peer; at least one
  void keep(std::vector<libp2p::multiaddr> addresses) {
    targets_.push_back(std::make_shared<target>(std::move(addresses)));
    look();
  }

  /// Whether this is one of the peers that are kept; known once it has been met, or by its address.
  [[nodiscard]] bool keeps(const peer_link& link) const {
    return std::ranges::any_of(targets_, [&](const auto& each) {
      return each->peer == link.peer() || (link.dialed() && each->stands_for(link.remote()));
    });
  }

 private:
  static constexpr std::chrono::milliseconds interval{500};

  struct target {
    explicit target(std::vector<libp2p::multiaddr> where) : addresses(std::move(where)) {
      for (const libp2p::multiaddr& one : addresses) {
        if (!peer) peer = one.peer();
      }
    }
    /// `remote` is an IP address and a port; so may a target be that names no peer.
    [[nodiscard]] bool stands_for(const libp2p::multiaddr& remote) const {
      return std::ranges::find(addresses, remote) != addresses.end();
    }
    std::vector<libp2p::multiaddr> addresses;
    std::optional<libp2p::peer_id> peer;
    bool dialing = false;
    std::shared_ptr<peer_link> link;  // the last one that was made
  };

  void look() {
    for (const auto& each : targets_) {
      if (each->link && !each->link->is_open()) {
        const auto lost = std::exchange(each->link, nullptr);
        if (tell_ && !lost->round_trip()) tell_(each->addresses.front(), make_error_code(errc::closed));
      }
      if (each->dialing || (each->peer && swarm_.link(*each->peer))) continue;
      each->dialing = true;
      asio::co_spawn(swarm_.executor(), dial(*this, each), asio::detached);
    }
    alarm_.set(std::chrono::steady_clock::now() + interval);
  }

  static asio::awaitable<void> dial(peer_keeper& self, std::shared_ptr<target> to) {
    std::vector<libp2p::multiaddr> addresses = to->addresses;
    const result<std::shared_ptr<peer_link>> link = co_await self.swarm_.connect(std::move(addresses));
    to->dialing = false;
    if (link) {
      to->peer = (*link)->peer();
      to->link = *link;
    } else if (self.tell_ && link.error() != errc::busy) {
      self.tell_(to->addresses.front(), link.error());
    }
  }

  swarm& swarm_;
  complaint tell_;
  std::vector<std::shared_ptr<target>> targets_;
  alarm alarm_;
};

}  // namespace shoal::net
