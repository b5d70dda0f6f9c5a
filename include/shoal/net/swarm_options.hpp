// SPDX-License-Identifier: BSL-1.0
//
// swarm_options: what a swarm allows: how many connections, how long things may take, and who is welcome.
//
//     net::swarm_host<openssl::peer_crypto> host{executor, me, {.max_links = 64, .admits = listed}};
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>

#include <shoal/libp2p/peer_id.hpp>
#include <shoal/libp2p/swarm_key.hpp>
#include <shoal/net/secure_link.hpp>

namespace shoal::net {

struct swarm_options {
  /// Connections that are up at a time; more are closed.
  std::size_t max_links = 1024;
  /// Connections that peers have made and not proved themselves on: with more, the oldest is closed.
  std::size_t max_strangers = 128;
  /// Connections with one peer: with more, the oldest is closed.
  std::size_t max_links_per_peer = 4;
  /// How long a TCP connection may take.
  std::chrono::steady_clock::duration dial_time = std::chrono::seconds{5};
  /// How long the first address may take before the next is tried as well.
  std::chrono::steady_clock::duration head_start = std::chrono::milliseconds{250};
  link_times times = {};
  /// Says whether a peer is welcome; none: everybody. Others learn nothing, not even who this is, when they
  /// are dialed, and no more than that when they dial.
  std::function<bool(const libp2p::peer_id&)> admits = {};
  /// The key of a private network; none: the public one.
  std::optional<libp2p::swarm_key> network = {};
};

}  // namespace shoal::net
