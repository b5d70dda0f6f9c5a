// SPDX-License-Identifier: BSL-1.0
//
// own_blocks: what a peer has itself, in memory or in a store: a block_fetcher that asks nobody else. What
// others are given who should not make this peer fetch for them.
//
//     own_blocks mine{cache};
//     mine.add(any_store{...});
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include <shoal/base/result.hpp>
#include <shoal/content/cid.hpp>
#include <shoal/store/any_store.hpp>
#include <shoal/store/block.hpp>
#include <shoal/store/concepts.hpp>
#include <shoal/store/memory_cache.hpp>
#include <shoal/store/verified.hpp>
#include <shoal/task/lease.hpp>
#include <shoal/task/task.hpp>

namespace shoal {

/// Belongs to one strand; the cache may be shared.
class own_blocks {
 public:
  /// @param cache  not null
  explicit own_blocks(std::shared_ptr<memory_cache> cache) noexcept : cache_(std::move(cache)) {}

  /// What is not in memory is looked for there.
  void add(any_store store) { store_.emplace(std::move(store)); }

  [[nodiscard]] lease try_get(const cid& id) noexcept { return cache_->try_get(id); }

  /// errc::not_found, or the store's errors.
  task<block> get(const cid& id) {
    if (is_inline(id)) co_return inline_block(id);
    if (lease here = cache_->try_get(id)) co_return block{id, std::move(here)};
    if (!store_) co_return errc::not_found;
    const result<block> found = co_await store_->get(id);
    co_return found;
  }

 private:
  std::shared_ptr<memory_cache> cache_;
  std::optional<any_store> store_;
};
static_assert(block_fetcher<own_blocks> && can_try_get<own_blocks>);

}  // namespace shoal
