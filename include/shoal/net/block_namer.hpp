// SPDX-License-Identifier: BSL-1.0
//
// block_namer: hashes the blocks that come, on the strand or, when there are many, on threads. A part of
// net/block_exchange.hpp.
//
//     block_namer namer{executor, openssl::digester{}, &pool};
//     namer.name(std::move(came), true, [](const received_block& it, const result<cid>& name) { ... });
#pragma once

#include <cstddef>
#include <utility>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>

#include <shoal/base/result.hpp>
#include <shoal/content/cid.hpp>
#include <shoal/crypto/hasher.hpp>
#include <shoal/net/received_block.hpp>
#include <shoal/task/io_pool.hpp>

namespace shoal::net {

/// One strand. Lives until the context has run dry, or has been stopped for good.
template <digester Digester>
class block_namer {
 public:
  /// @param threads  null: the strand does it all
  block_namer(asio::any_io_executor strand, Digester digester, io_pool* threads)
      : strand_(std::move(strand)), digester_(std::move(digester)), threads_(threads) {}

  /// Calls `then(block, name)` on the strand: at once, or later if there are `many`.
  template <class F>
  void name(received_block came, bool many, F then) {
    if (many && threads_ != nullptr && waiting_ < max_waiting) {
      asio::co_spawn(strand_, elsewhere(std::move(came), std::move(then)), asio::detached);
    } else {
      then(came, came.name(digester_));
    }
  }

 private:
  /// So many, and then the strand hashes: who sends faster than that has to wait.
  static constexpr std::size_t max_waiting = 16;

  template <class F>
  asio::awaitable<void> elsewhere(received_block came, F then) {
    const auto work = [this, &came] { return came.name(digester_); };
    ++waiting_;
    const result<cid> name = co_await threads_->run(work);
    --waiting_;
    then(came, name);
  }

  asio::any_io_executor strand_;
  Digester digester_;
  io_pool* threads_;
  std::size_t waiting_ = 0;
};

}  // namespace shoal::net
