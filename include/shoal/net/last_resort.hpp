// SPDX-License-Identifier: BSL-1.0
//
// last_resort: asks a slow source for blocks that no peer has, a few at a time.
//
//     last_resort gateway{executor, fetch, [](const cid& id, result<block> got) { ... }};
//     gateway.ask(id);
//
// A part of net/block_exchange.hpp.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <unordered_set>
#include <utility>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>

#include <shoal/base/result.hpp>
#include <shoal/content/cid.hpp>
#include <shoal/store/block.hpp>
#include <shoal/task/task.hpp>

namespace shoal::net {

class last_resort {
 public:
  /// Gets one block, verified.
  using fetch = std::function<task<block>(cid)>;
  /// Is told what came of a question.
  using outcome = std::function<void(const cid&, result<block>)>;

  /// Blocks that are asked for at a time.
  static constexpr std::size_t max_asking = 16;

  last_resort(asio::any_io_executor executor, fetch source, outcome tell)
      : executor_(std::move(executor)), source_(std::move(source)), tell_(std::move(tell)) {}

  /// Asks for the block, unless that is under way.
  void ask(const cid& id) {
    if (!known_.insert(id).second) return;
    waiting_.push_back(id);
    start();
  }

 private:
  void start() {
    while (!waiting_.empty() && asking_ < max_asking) {
      ++asking_;
      const cid next = waiting_.front();
      waiting_.pop_front();  // the source may answer before co_spawn returns
      asio::co_spawn(executor_, get(next), asio::detached);
    }
  }

  asio::awaitable<void> get(cid id) {
    task<block> getting = source_(id);
    result<block> got = co_await std::move(getting);
    --asking_;
    known_.erase(id);
    tell_(id, std::move(got));
    start();
  }

  asio::any_io_executor executor_;
  fetch source_;
  outcome tell_;
  std::deque<cid> waiting_;
  std::unordered_set<cid> known_;  // waiting or asked for
  std::size_t asking_ = 0;
};

}  // namespace shoal::net
