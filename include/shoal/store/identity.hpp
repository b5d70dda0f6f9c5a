// SPDX-License-Identifier: BSL-1.0
//
// Blocks that are their own name: a CID with an identity hash carries its content, so every store has it and
// none keeps it.
//
//     if (is_identity(id)) co_return identity_block(id);
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>

#include <shoal/base/bytes.hpp>
#include <shoal/content/cid.hpp>
#include <shoal/store/block.hpp>
#include <shoal/task/lease.hpp>

namespace shoal {

[[nodiscard]] inline bool is_identity(const cid& id) noexcept {
  return id.hash().code() == hash_code::identity;
}

/// The block that `id` carries. @pre is_identity(id)
[[nodiscard]] inline block identity_block(const cid& id) {
  const bytes_view content = id.hash().digest();
  const auto copy = std::make_shared_for_overwrite<std::byte[]>(content.size());
  std::ranges::copy(content, copy.get());
  return {id, lease{copy, {copy.get(), content.size()}}};
}

}  // namespace shoal
