// SPDX-License-Identifier: BSL-1.0
//
// exchange_options: what a block exchange allows, and whom it takes for a neighbour.
//
//     net::block_exchange blocks{host, cache, digester, {.patience = std::chrono::seconds{10}}};
#pragma once

#include <chrono>
#include <functional>

#include <shoal/exchange/server_engine.hpp>
#include <shoal/net/peer_link.hpp>
#include <shoal/task/io_pool.hpp>

namespace shoal::net {

struct exchange_options {
  /// How long a reader waits for a block.
  std::chrono::steady_clock::duration patience = std::chrono::seconds{60};
  /// How far away a peer is: 0 a neighbour; higher ones are asked only for what lower ones do not have. None:
  /// all are neighbours.
  std::function<unsigned(const peer_link&)> tier = {};
  exchange::server_limits server = {};
  /// Threads that hash what comes while several blocks are wanted; the digester is then called by all of them
  /// at once. Null: the strand hashes.
  io_pool* hashers = nullptr;
};

}  // namespace shoal::net
