// SPDX-License-Identifier: BSL-1.0
//
// The contract of a chunker: where a file is cut into the pieces that become blocks.
//
//     while (!rest.empty()) {
//       const std::size_t cut = chunker.next_cut(rest, true);   // rest reaches the end of the file
//       store(rest.first(cut));
//       rest = rest.subspan(cut);
//     }
//
// Models: fixed_chunker, buzhash_chunker, rabin_chunker, fastcdc_chunker, any_chunker.
#pragma once

#include <concepts>
#include <cstddef>

#include <shoal/base/bytes.hpp>

namespace shoal {

/// `next_cut(window, at_end)`: length of the chunk that starts at window[0], between 1 and max_size(). It
/// depends on nothing but the bytes from there on, so equal content is cut equally. `at_end` says that the
/// window reaches the end of the file; otherwise 0 asks for a longer window, which happens only below
/// max_size().
/// @pre the window is not empty
template <class C>
concept chunker = requires(C& chunker, const C& constant, bytes_view window, bool at_end) {
  { chunker.next_cut(window, at_end) } noexcept -> std::same_as<std::size_t>;
  { constant.max_size() } noexcept -> std::same_as<std::size_t>;
};

/// What a chunker that cuts by content is told to aim at, in bytes.
struct chunk_sizes {
  std::size_t minimum = 0;  ///< no chunk is shorter, the last one of a file excepted
  std::size_t average = 0;  ///< about what is to be expected of random bytes
  std::size_t maximum = 0;  ///< no chunk is longer

  friend bool operator==(const chunk_sizes&, const chunk_sizes&) = default;
};

}  // namespace shoal
