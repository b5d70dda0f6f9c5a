// SPDX-License-Identifier: BSL-1.0
//
// tiered: a cache in front of something slower.
//
//     auto cache = std::make_shared<memory_cache>(256_MiB);         // shared by all strands
//     tiered blocks{cache, std::make_shared<car_store>(...)};       // one a strand
//     result<block> b = co_await blocks.get(id);
//
// A block that several tasks ask for at once is fetched once. It asks one source only: who wants "the first of
// these" composes fetchers.
#pragma once

#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>

#include <shoal/base/result.hpp>
#include <shoal/content/cid.hpp>
#include <shoal/store/block.hpp>
#include <shoal/store/concepts.hpp>
#include <shoal/task/lease.hpp>
#include <shoal/task/signal.hpp>
#include <shoal/task/task.hpp>

namespace shoal {

/// Belongs to one strand; the cache may be shared. A block_store when the source is one.
template <block_store Cache, block_fetcher Source>
  requires can_try_get<Cache>
class tiered {
 public:
  /// Both not null.
  tiered(std::shared_ptr<Cache> cache, std::shared_ptr<Source> source) noexcept
      : cache_(std::move(cache)), source_(std::move(source)) {}

  /// What the cache has.
  [[nodiscard]] lease try_get(const cid& id) noexcept { return cache_->try_get(id); }

  /// From the cache, or from the source and then also into the cache. Errors are the source's; tasks that
  /// waited for the same fetch get the same one.
  task<block> get(const cid& id) {
    for (;;) {
      if (lease cached = cache_->try_get(id)) co_return block{id, std::move(cached)};
      const auto found = flights_.find(id.hash());
      if (found == flights_.end()) break;
      const std::shared_ptr<flight> joined = found->second;
      while (!joined->over) co_await joined->landed.wait();
      if (joined->outcome && !*joined->outcome) co_return joined->outcome->error();
      if (joined->outcome) co_return block{id, (*joined->outcome)->data};
      // Whoever fetched was called off; that is no reason to give up here.
    }
    const takeoff mine{*this, id.hash()};
    result<block> fetched = co_await source_->get(id);
    if (fetched) {
      co_await keep(*fetched);
    }
    mine.flown->outcome = fetched;
    co_return fetched;
  }

  task<bool> has(const cid& id)
    requires block_store<Source>
  {
    if (cache_->try_get(id)) co_return true;
    const result<bool> found = co_await source_->has(id);
    co_return found;
  }

  /// Into the source, and into the cache if that succeeded.
  task<> put(block b)
    requires block_store<Source>
  {
    task<> storing = source_->put(b);
    const result<> stored = co_await std::move(storing);
    if (stored) co_await keep(b);
    co_return stored;
  }

 private:
  // A cache that keeps nothing does no harm.
  asio::awaitable<void> keep(const block& b) {
    task<> putting = cache_->put(b);
    (void)co_await std::move(putting);
  }

  // One fetch, and those who wait for it.
  struct flight {
    bool over = false;
    std::optional<result<block>> outcome;  // none if it was called off
    signal landed;
  };

  // Lands the flight however the coroutine ends.
  class takeoff {
   public:
    takeoff(tiered& owner, const multihash& key) : flown(std::make_shared<flight>()), owner_(owner), key_(key) {
      owner_.flights_.emplace(key_, flown);
    }
    takeoff(const takeoff&) = delete;
    takeoff& operator=(const takeoff&) = delete;
    ~takeoff() {
      owner_.flights_.erase(key_);
      flown->over = true;
      flown->landed.notify();
    }

    const std::shared_ptr<flight> flown;

   private:
    tiered& owner_;
    multihash key_;
  };

  std::shared_ptr<Cache> cache_;
  std::shared_ptr<Source> source_;
  std::unordered_map<multihash, std::shared_ptr<flight>> flights_;
};

}  // namespace shoal
