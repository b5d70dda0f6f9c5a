// SPDX-License-Identifier: BSL-1.0
//
// UnixFS directories, read block by block: the plain ones, and those spread over many blocks by a hash of the
// names (HAMT shards).
//
//     cid at = directory;
//     for (name_path path{"boot.img"};;) {                    // look up one name
//       const result<directory_node> node = read_directory_node(at, fetch(at));
//       const result<directory_step> step = find_entry(*node, path);
//       if (!step || step->found) return step;
//       at = step->id;
//     }
//
// To list a directory, take each node's entries and go on with its shards, max_hamt_depth deep at most. Leaves
// out writing. Does not verify.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/cid.hpp>
#include <shoal/content/dag_pb.hpp>
#include <shoal/content/murmur3.hpp>
#include <shoal/content/unixfs.hpp>

namespace shoal {

/// Most slots of a shard (Kubo's limit).
inline constexpr std::uint64_t max_hamt_fanout = 1024;

/// Deepest nesting of shards: the 64 bits of a hash are used up then, three at least a level.
inline constexpr std::size_t max_hamt_depth = 21;

/// A name in a directory. A view of the block.
struct directory_entry {
  std::string_view name;
  cid id;
  std::uint32_t slot = 0;  ///< of a shard: where the entry sits
};

/// Another block of the same directory.
struct directory_shard {
  cid id;
  std::uint32_t slot = 0;  ///< where it sits
};

/// One block of a directory.
struct directory_node {
  std::uint32_t fanout = 0;  ///< slots of a shard; 0 for a plain directory
  std::vector<directory_entry> entries;
  std::vector<directory_shard> shards;  ///< blocks that hold more entries
};

namespace detail {

/// Value of the upper-case hexadecimal digits before a name in a shard; no slot if they are anything else.
[[nodiscard]] constexpr std::uint64_t hamt_slot(std::string_view digits) noexcept {
  std::uint64_t slot = 0;
  for (const char c : digits) {
    const bool letter = c >= 'A' && c <= 'F';
    if (!letter && (c < '0' || c > '9')) return UINT64_MAX;
    slot = slot << 4 | static_cast<std::uint64_t>(letter ? c - 'A' + 10 : c - '0');
  }
  return slot;
}

/// Is the slot's bit set? The field is a big-endian number without leading zero bytes.
[[nodiscard]] inline bool hamt_bit(bytes_view field, std::uint64_t slot) noexcept {
  if (slot / 8 >= field.size()) return false;
  return (std::to_integer<unsigned>(field[field.size() - 1 - static_cast<std::size_t>(slot / 8)]) >> slot % 8 &
          1) != 0;
}

}  // namespace detail

/// Reads the block that `id` names.
///
/// errc::malformed for a link without a name, a name with a slash, and for a shard whose bit field does not say
/// of each link in which slot it sits; errc::unsupported for what is not a directory, for another hash of names
/// and for a fanout that is not a power of two from 8 to max_hamt_fanout; otherwise as decode_dag_pb and
/// decode_unixfs.
[[nodiscard]] inline result<directory_node> read_directory_node(const cid& id, bytes_view block) {
  if (id.codec() != multicodec::dag_pb) return errc::unsupported;
  const result<pb_node> node = decode_dag_pb(block);
  if (!node) return node.error();
  if (!node->data) return errc::malformed;
  const result<unixfs_data> meaning = decode_unixfs(*node->data);
  if (!meaning) return meaning.error();

  directory_node directory;
  std::size_t digits = 0;
  const bytes_view field = meaning->data.value_or(bytes_view{});
  if (meaning->type == unixfs_type::hamt_shard) {
    const std::uint64_t fanout = meaning->fanout.value_or(0);
    if (meaning->hash_type != murmur3_x64_64_code) return errc::unsupported;
    if (fanout < 8 || fanout > max_hamt_fanout || !std::has_single_bit(fanout)) return errc::unsupported;
    if (field.size() > fanout / 8) return errc::malformed;
    directory.fanout = static_cast<std::uint32_t>(fanout);
    digits = static_cast<std::size_t>(std::bit_width(fanout - 1) + 3) / 4;
  } else if (meaning->type != unixfs_type::directory) {
    return errc::unsupported;
  }

  std::uint64_t next = 0;  // first slot that the bit field has not been read to
  for (const pb_link& link : node->links) {
    std::string_view name = link.name.value_or(std::string_view{});
    std::uint32_t slot = 0;
    if (directory.fanout != 0) {
      while (next < directory.fanout && !detail::hamt_bit(field, next)) ++next;
      if (next == directory.fanout || name.size() < digits) return errc::malformed;
      if (detail::hamt_slot(name.substr(0, digits)) != next) return errc::malformed;
      slot = static_cast<std::uint32_t>(next++);
      name.remove_prefix(digits);
      if (name.empty()) {
        directory.shards.push_back({link.hash, slot});
        continue;
      }
    }
    if (name.empty() || name.find('/') != std::string_view::npos) return errc::malformed;
    directory.entries.push_back({name, link.hash, slot});
  }
  for (; next < directory.fanout; ++next) {
    if (detail::hamt_bit(field, next)) return errc::malformed;
  }
  return directory;
}

/// A name on its way down through the shards of a directory. Each find_entry uses up some bits of its hash.
class name_path {
 public:
  /// @param name  outlives the path
  explicit constexpr name_path(std::string_view name) noexcept : name_(name) {}

  [[nodiscard]] constexpr std::string_view name() const noexcept { return name_; }

  /// The slot in a shard of this fanout, a power of two. errc::limit_exceeded when the hash has no bits left.
  [[nodiscard]] result<std::uint32_t> next_slot(std::uint32_t fanout) noexcept {
    const int width = std::countr_zero(fanout);
    if (used_ + width > 64) return errc::limit_exceeded;
    used_ += width;
    return static_cast<std::uint32_t>(murmur3_x64_64(as_bytes(name_)) >> (64 - used_)) & (fanout - 1);
  }

 private:
  std::string_view name_;
  int used_ = 0;
};

/// Where a look-up goes on.
struct directory_step {
  cid id;              ///< what the name stands for, or the next block of the directory to look into
  bool found = false;  ///< true: the former
};

/// Looks for a name in one block of a directory. The same path serves all blocks, from the root down.
///
/// errc::not_found when the directory has no such name, errc::limit_exceeded when shards are nested deeper than
/// the hash of a name reaches.
[[nodiscard]] inline result<directory_step> find_entry(const directory_node& node, name_path& path) {
  std::uint32_t slot = 0;
  if (node.fanout != 0) {
    const result<std::uint32_t> next = path.next_slot(node.fanout);
    if (!next) return next.error();
    slot = *next;
  }
  for (const directory_entry& entry : node.entries) {
    if (entry.name == path.name() && entry.slot == slot) return directory_step{entry.id, true};
  }
  for (const directory_shard& shard : node.shards) {
    if (shard.slot == slot) return directory_step{shard.id, false};
  }
  return errc::not_found;
}

}  // namespace shoal
