// SPDX-License-Identifier: BSL-1.0
//
// ext4_map: which blocks a file of ext2, ext3 or ext4 has: by its tree of extents or by its lists of blocks.
//
//     ext4_error e = for_each_extent(volume, inode, [](const ext4_extent& run) { ...; return true; });
//
// In the order of the file; a tree that says otherwise is damaged, so that none is walked in circles. Blocks of
// the map itself are told as such.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/fs/ext4_volume.hpp>

namespace shoal::fs {

/// Blocks side by side, in the file and in the image.
struct ext4_extent {
  std::uint64_t block = 0;  ///< the first one, of the volume
  std::uint64_t count = 0;
  bool is_map = false;  ///< a block of the map, and not of the content
};

namespace detail {

/// `See(extent)`: false to stop, which is no error.
template <class Volume, class See>
class ext4_map_walk {
 public:
  ext4_map_walk(Volume& volume, std::uint64_t size, See& see) : volume_(volume), size_(size), see_(see) {}

  ext4_error extents(bytes_view root) { return node(root, max_depth + 1); }

  ext4_error lists(bytes_view map) {
    const std::uint64_t per_block = volume_.block_size() / 4;
    std::uint64_t left = size_ / volume_.block_size() + (size_ % volume_.block_size() != 0 ? 1 : 0);
    for (std::size_t i = 0; i < 15 && left != 0 && !stopped_; ++i) {
      const std::uint32_t block = load_le<std::uint32_t>(map.data() + 4 * i);
      const unsigned level = i < 12 ? 0 : static_cast<unsigned>(i - 11);
      std::uint64_t under = 1;
      for (unsigned l = 0; l < level; ++l) under *= per_block;
      under = std::min(under, left);
      if (const ext4_error e = list(block, level, under); e != ext4_error::none) return e;
      left -= under;
    }
    return ext4_error::none;
  }

 private:
  static constexpr unsigned max_depth = 5;
  static constexpr std::size_t entry_size = 12;

  void tell(std::uint64_t block, std::uint64_t count, bool is_map) {
    if (!stopped_) stopped_ = !see_(ext4_extent{block, count, is_map});
  }

  /// @param above  the depth of the node above
  ext4_error node(bytes_view bytes, unsigned above) {
    const auto at16 = [&](std::size_t at) { return load_le<std::uint16_t>(bytes.data() + at); };
    const auto at32 = [&](std::size_t at) { return load_le<std::uint32_t>(bytes.data() + at); };
    const std::size_t count = at16(2);
    const unsigned depth = at16(6);
    const bool is_root = above == max_depth + 1;
    if (at16(0) != 0xf30a || count > bytes.size() / entry_size - 1 || depth >= above ||
        (!is_root && depth + 1 != above)) {
      return ext4_error::damaged;
    }
    std::vector<std::byte> below(depth == 0 ? 0 : volume_.block_size());
    for (std::size_t i = 1; i <= count && !stopped_; ++i) {
      const std::size_t at = i * entry_size;
      const std::uint64_t logical = at32(at);
      if (logical < next_) return ext4_error::damaged;
      if (depth != 0) {
        const std::uint64_t block = at32(at + 4) | std::uint64_t{at16(at + 8)} << 32;
        if (const ext4_error e = volume_.read_block(block, below); e != ext4_error::none) return e;
        tell(block, 1, true);
        if (const ext4_error e = node(below, depth); e != ext4_error::none) return e;
        // an empty node, too, takes its place: the next one is behind it
        next_ = std::max(next_, logical + 1);
        continue;
      }
      const std::uint64_t length = at16(at + 4) > 32768 ? at16(at + 4) - 32768u : at16(at + 4);
      const std::uint64_t block = at32(at + 8) | std::uint64_t{at16(at + 6)} << 32;
      if (length == 0 || !volume_.has_blocks(block, length)) return ext4_error::damaged;
      next_ = logical + length;
      tell(block, length, false);
    }
    return ext4_error::none;
  }

  /// @param left  how many blocks of the file are below this one
  ext4_error list(std::uint32_t block, unsigned level, std::uint64_t left) {
    if (block == 0) return ext4_error::none;  // a hole
    if (!volume_.has_blocks(block, 1)) return ext4_error::damaged;
    tell(block, 1, level != 0);
    if (level == 0) return ext4_error::none;
    std::vector<std::byte> below(volume_.block_size());
    if (const ext4_error e = volume_.read_block(block, below); e != ext4_error::none) return e;
    std::uint64_t each = 1;
    for (unsigned l = 1; l < level; ++l) each *= below.size() / 4;
    for (std::size_t at = 0; at < below.size() && left != 0 && !stopped_; at += 4) {
      const std::uint64_t under = std::min(each, left);
      const ext4_error e = list(load_le<std::uint32_t>(below.data() + at), level - 1, under);
      if (e != ext4_error::none) return e;
      left -= under;
    }
    return ext4_error::none;
  }

  Volume& volume_;
  std::uint64_t size_;
  See& see_;
  std::uint64_t next_ = 0;
  bool stopped_ = false;
};

}  // namespace detail

/// Tells all of them to `see(const ext4_extent&)`, which returns false to stop. @pre the content is not inline
template <class Read, class See>
[[nodiscard]] ext4_error for_each_extent(ext4_volume<Read>& volume, const ext4_inode& inode, See see) {
  detail::ext4_map_walk<ext4_volume<Read>, See> walk{volume, inode.size(), see};
  return inode.has_extents() ? walk.extents(inode.map()) : walk.lists(inode.map());
}

}  // namespace shoal::fs
