// SPDX-License-Identifier: BSL-1.0
//
// From raw bytes to a block: what every store that reads from outside does.
//
//     const auto read = [&] { return folder_.read(id); };
//     result<block> b = co_await read_verified(pool_, digester_, observer_, id, read);
//
// Also the blocks that no store keeps, because their CID carries them.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <memory>
#include <utility>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/cid.hpp>
#include <shoal/content/verify.hpp>
#include <shoal/crypto/hasher.hpp>
#include <shoal/store/block.hpp>
#include <shoal/store/observer.hpp>
#include <shoal/task/io_pool.hpp>
#include <shoal/task/lease.hpp>
#include <shoal/task/task.hpp>

namespace shoal {

/// Calls `read() -> result<lease>`, which may block, and hashes what it gives, both on a thread of `pool`, or
/// on the caller's when there is no pool: hashing costs more than reading does. Nobody may be able to change
/// the bytes any more.
///
/// The error of `read` or of verify(); a mismatch, whoever found it, is told to `observer` on the caller's
/// strand. The arguments must outlive the task.
template <digester Digester, store_observer Observer, std::invocable Read>
task<block> read_verified(io_pool* pool, const Digester& digester, Observer& observer, const cid& id,
                          const Read& read) {
  const auto work = [&]() -> result<lease> {
    result<lease> bytes = read();
    if (!bytes) return bytes;
    if (const result<> same = verify(digester, id, bytes->bytes()); !same) return same.error();
    return bytes;
  };
  result<lease> bytes = co_await run_on(pool, work);
  if (bytes) co_return block{id, std::move(*bytes)};
  if (bytes.error() == errc::block_mismatch) {
    const block_corrupt event{id};
    observer(event);
  }
  co_return bytes.error();
}

/// The block that a CID carries in itself: every store has it and none keeps it. @pre is_inline(id)
[[nodiscard]] inline block inline_block(const cid& id) {
  const bytes_view content = id.hash().digest();
  const auto copy = std::make_shared_for_overwrite<std::byte[]>(content.size());
  std::ranges::copy(content, copy.get());
  return {id, lease{copy, {copy.get(), content.size()}}};
}

}  // namespace shoal
