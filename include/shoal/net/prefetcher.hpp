// SPDX-License-Identifier: BSL-1.0
//
// prefetch_in_order: fetches blocks before they are read, so many ahead, in the order in which they will be.
//
//     co_await net::prefetch_in_order(blocks, std::move(order), net::prefetch_depth);
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <shoal/content/cid.hpp>
#include <shoal/task/task.hpp>

namespace shoal::net {

/// Blocks that are asked for at a time: enough to fill the way to a distant origin, and few enough that the
/// first of many devices do not load themselves with all of the work.
inline constexpr std::size_t prefetch_depth = 32;

/// Ends when all have been asked for. A block's place in the list is its priority, the first the highest: it
/// travels with the want, and whoever serves several devices serves who needs it soonest.
///
/// @param blocks  a block_exchange; outlives the task
template <class Exchange>
task<> prefetch_in_order(Exchange& blocks, std::vector<cid> order, std::size_t depth) {
  std::int32_t priority = (std::int32_t{1} << 30) - 1;  // readers' wants travel above
  for (const cid& id : order) {
    while (blocks.wanted() >= depth) co_await blocks.progress().wait();
    (void)blocks.prefetch(id, priority--);
  }
  co_return result<>{};
}

}  // namespace shoal::net
