// SPDX-License-Identifier: BSL-1.0
//
// file_node: one block of a UnixFS file, seen as the bytes it carries and the parts it points to. For those who
// read files: the cursor (content/file_cursor.hpp) and the index of a disk image.
//
//     const result<file_node> node = read_file_node(id, block);
//     for (const file_part& part : node->parts) fetch(part.id);      // bytes [part.offset, + part.length)
//
// Every layout is read, balanced or trickle, raw leaves or not: a node's own bytes come first, then its parts
// in order. A node that contradicts itself is refused, so a reader may trust offsets. Does not verify hashes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/cid.hpp>
#include <shoal/content/dag_pb.hpp>
#include <shoal/content/unixfs.hpp>

namespace shoal {

/// Deepest tree that is read, in nodes from root to leaf. Even pairs of 4 KiB leaves make 8 TiB at this depth;
/// what is deeper was built to exhaust its reader.
inline constexpr std::size_t max_file_depth = 32;

/// A subtree of a file.
struct file_part {
  cid id;
  std::uint64_t offset = 0;      ///< where its bytes start, from the start of its parent's
  std::uint64_t length = 0;      ///< never 0
  std::uint64_t total_size = 0;  ///< bytes of all its blocks ("Tsize"): a hint that nobody checks; 0 for none
};

/// A block of a file.
struct file_node {
  std::uint64_t file_size = 0;   ///< bytes of the file in and below this node
  bytes_view data;               ///< those that are in the block itself, before all parts; a view of the block
  std::vector<file_part> parts;  ///< the others, without gaps and in order
};

/// Reads the block that `id` names.
///
/// A link to no bytes is left out: nobody needs it, and a tower of them would take exponential time to walk.
/// errc::malformed unless there is a block size for each link and the sizes and the node's own bytes add up to
/// the file size; errc::unsupported for what is not a file (a directory, a symlink, another codec), otherwise
/// as decode_dag_pb and decode_unixfs.
[[nodiscard]] inline result<file_node> read_file_node(const cid& id, bytes_view block) {
  if (id.codec() == multicodec::raw) return file_node{block.size(), block, {}};
  if (id.codec() != multicodec::dag_pb) return errc::unsupported;
  const result<pb_node> node = decode_dag_pb(block);
  if (!node) return node.error();
  if (!node->data) return errc::malformed;
  const result<unixfs_data> meaning = decode_unixfs(*node->data);
  if (!meaning) return meaning.error();
  if (meaning->type != unixfs_type::file && meaning->type != unixfs_type::raw) return errc::unsupported;
  if (meaning->block_sizes.size() != node->links.size()) return errc::malformed;

  file_node file;
  file.data = meaning->data.value_or(bytes_view{});
  file.file_size = file.data.size();
  file.parts.reserve(node->links.size());
  for (std::size_t i = 0; i < node->links.size(); ++i) {
    const std::uint64_t length = meaning->block_sizes[i];
    if (length > UINT64_MAX - file.file_size) return errc::malformed;
    const pb_link& link = node->links[i];
    if (length != 0) {
      file.parts.push_back({link.hash, file.file_size, length, link.total_size.value_or(0)});
    }
    file.file_size += length;
  }
  if (meaning->file_size.value_or(file.file_size) != file.file_size) return errc::malformed;
  return file;
}

/// Reads the block of a part and holds it to the length that its parent gave. Otherwise as above.
[[nodiscard]] inline result<file_node> read_file_node(const file_part& part, bytes_view block) {
  result<file_node> node = read_file_node(part.id, block);
  if (node && node->file_size != part.length) return errc::malformed;
  return node;
}

}  // namespace shoal
