// SPDX-License-Identifier: BSL-1.0
//
// load_image_index: opens an image: reads its inner nodes once and notes which leaf holds which bytes. Leaves
// are not fetched, so that an image is open after one node for every 64 MiB.
//
//     result<image_index> index = co_await load_image_index(blocks, digester, root, image_limits{});
#pragma once

#include <utility>

#include <shoal/base/result.hpp>
#include <shoal/content/cid.hpp>
#include <shoal/crypto/hasher.hpp>
#include <shoal/image/index.hpp>
#include <shoal/image/index_walk.hpp>
#include <shoal/store/block.hpp>
#include <shoal/store/concepts.hpp>
#include <shoal/store/verified.hpp>
#include <shoal/task/lease.hpp>
#include <shoal/task/task.hpp>

namespace shoal {

/// Opens the image under `root`.
///
/// @param blocks    where inner nodes come from; outlives the task
/// @param digester  used to recognise leaves of zeroes; outlives the task
///
/// The fetcher's errors, or those of index_walk::supply.
template <block_fetcher Fetcher, digester Digester>
task<image_index> load_image_index(Fetcher& blocks, const Digester& digester, cid root, image_limits limits) {
  index_walk<Digester> walk{root, digester, limits};
  while (const file_part* wanted = walk.wanted()) {
    const cid id = wanted->id;
    lease node;
    if (is_inline(id)) {
      node = inline_block(id).data;
    } else {
      result<block> fetched = co_await blocks.get(id);
      if (!fetched) co_return fetched.error();
      node = std::move(fetched->data);
    }
    if (const result<> taken = walk.supply(node.bytes()); !taken) co_return taken.error();
  }
  co_return std::move(walk).finish();
}

}  // namespace shoal
