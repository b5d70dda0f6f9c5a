// SPDX-License-Identifier: BSL-1.0
//
// file_cursor: walks the blocks of a UnixFS file, or of a range of it, in the file's order. It says which block
// it needs, is given it, and gives the file's bytes in it; fetching and verifying are the caller's.
//
//     file_cursor cursor{root};
//     while (const file_part* part = cursor.wanted()) {
//       const result<file_piece> piece = cursor.supply(fetch(part->id));
//       if (!piece) return piece.error();
//       write(piece->bytes);
//     }
//
// Blocks outside the range are not asked for. A part whose CID carries its block (is_inline) is supplied from
// the CID.
#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/cid.hpp>
#include <shoal/content/file_node.hpp>

namespace shoal {

/// Bytes of a file, at a position counted from its start. A view of the block that was supplied.
struct file_piece {
  std::uint64_t offset = 0;
  bytes_view bytes;
};

class file_cursor {
 public:
  /// Walks the bytes [first, last) of the file; what lies past its end is left out.
  explicit file_cursor(const cid& root, std::uint64_t first = 0, std::uint64_t last = UINT64_MAX)
      : first_(first), last_(last), open_{{{root, 0, 0}, 1}} {}

  /// The block to supply next, its offset counted from the start of the file; null when the walk has ended. It
  /// stays the same until it is supplied. The pointer is valid until the next call of this function.
  [[nodiscard]] const file_part* wanted() noexcept {
    if (supplied_) {
      if (open_.empty()) return nullptr;
      current_ = open_.back();
      open_.pop_back();
      supplied_ = false;
    }
    return &current_.part;
  }

  /// The bytes that the wanted block has of the range; none in a node that only links on. Ends the wish.
  ///
  /// errc::limit_exceeded past max_file_depth, errc::malformed when a block disagrees with its parent about its
  /// size, otherwise as read_file_node. After an error the same block is wanted still.
  /// @pre wanted() gave a part, of which `block` is the verified block
  [[nodiscard]] result<file_piece> supply(bytes_view block) {
    assert(!supplied_);
    if (current_.depth > max_file_depth) return errc::limit_exceeded;
    const bool root = current_.depth == 1;
    const result<file_node> node =
        root ? read_file_node(current_.part.id, block) : read_file_node(current_.part, block);
    if (!node) return node.error();
    const std::uint64_t start = current_.part.offset;
    for (auto part = node->parts.rbegin(); part != node->parts.rend(); ++part) {
      const std::uint64_t at = start + part->offset;
      if (at < last_ && at + part->length > first_)
        open_.push_back({{part->id, at, part->length}, current_.depth + 1});
    }
    supplied_ = true;
    const std::uint64_t end = std::min(last_, start + node->data.size());
    const std::uint64_t from = std::min(std::max(first_, start), end);
    if (from < start) return file_piece{start, {}};
    return file_piece{
        from, node->data.subspan(static_cast<std::size_t>(from - start), static_cast<std::size_t>(end - from))};
  }

 private:
  struct step {
    file_part part;
    std::size_t depth = 0;  // of the block, 1 for the root
  };

  std::uint64_t first_;
  std::uint64_t last_;
  std::vector<step> open_;  // what is left, next one last
  step current_;
  bool supplied_ = true;
};

}  // namespace shoal
