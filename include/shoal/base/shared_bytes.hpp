// SPDX-License-Identifier: BSL-1.0
//
// shared_bytes: bytes to send, with what keeps them alive. A queue of them holds a block without a copy of it,
// and many queues hold the same block once.
//
//     shared_bytes whole = share(std::move(message));      // takes over a vector
//     shared_bytes part{store_owner, block.bytes()};       // somebody else's bytes
//
// Copying costs one atomic increment and never allocates.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>

namespace shoal {

/// Bytes that do not change for as long as `owner` lives; with no owner, for ever.
struct shared_bytes {
  std::shared_ptr<const void> owner;
  bytes_view bytes;

  [[nodiscard]] std::size_t size() const noexcept { return bytes.size(); }
  [[nodiscard]] bool empty() const noexcept { return bytes.empty(); }
};

/// The content of a vector, which lives on until nobody shares it any more.
[[nodiscard]] inline shared_bytes share(std::vector<std::byte>&& bytes) {
  auto owner = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
  const bytes_view view{*owner};
  return {std::move(owner), view};
}

}  // namespace shoal
