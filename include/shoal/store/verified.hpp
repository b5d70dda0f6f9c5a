// SPDX-License-Identifier: BSL-1.0
//
// The step between raw bytes and a block, which every store that reads from outside takes last.
//
//     result<lease> bytes = co_await read(id);
//     co_return verified_block(digester_, observer_, id, std::move(bytes));
//
// Also the blocks that no store keeps, because their CID carries them.
#pragma once

#include <algorithm>
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
#include <shoal/task/lease.hpp>

namespace shoal {

/// The block, if `bytes` are what `id` names. Otherwise the error of `bytes` or of verify(); a mismatch,
/// whoever found it, is told to `observer`. Nobody may be able to change the bytes any more.
template <digester Digester, store_observer Observer>
[[nodiscard]] result<block> verified_block(Digester& digester, Observer& observer, const cid& id,
                                           result<lease> bytes) {
  const result<> verified = bytes ? verify(digester, id, bytes->bytes()) : result<>{bytes.error()};
  if (verified.error() == errc::block_mismatch) observer(block_corrupt{id});
  if (!verified) return verified.error();
  return block{id, std::move(*bytes)};
}

/// The block that a CID carries in itself: every store has it and none keeps it. @pre is_inline(id)
[[nodiscard]] inline block inline_block(const cid& id) {
  const bytes_view content = id.hash().digest();
  const auto copy = std::make_shared_for_overwrite<std::byte[]>(content.size());
  std::ranges::copy(content, copy.get());
  return {id, lease{copy, {copy.get(), content.size()}}};
}

}  // namespace shoal
