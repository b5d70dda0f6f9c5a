// SPDX-License-Identifier: BSL-1.0
//
// fixed_chunker: a cut every N bytes. Best for disk images, whose contents stay where they are, and the only
// chunker under which a leaf's place follows from its number.
//
//     fixed_chunker chunker{64 << 10};
#pragma once

#include <algorithm>
#include <cstddef>
#include <stdexcept>

#include <shoal/base/bytes.hpp>
#include <shoal/content/chunker/concepts.hpp>

namespace shoal {

/// Kubo's "size-N".
class fixed_chunker {
 public:
  /// @throws std::invalid_argument if size is 0
  explicit constexpr fixed_chunker(std::size_t size) : size_(size) {
    if (size == 0) throw std::invalid_argument("fixed_chunker: a chunk has at least one byte");
  }

  [[nodiscard]] constexpr std::size_t max_size() const noexcept { return size_; }

  [[nodiscard]] constexpr std::size_t next_cut(bytes_view window, bool at_end) const noexcept {
    if (window.size() < size_ && !at_end) return 0;
    return std::min(window.size(), size_);
  }

 private:
  std::size_t size_;
};
static_assert(chunker<fixed_chunker>);

}  // namespace shoal
