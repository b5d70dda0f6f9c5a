// SPDX-License-Identifier: BSL-1.0
//
// The blocks of a UnixFS file, made byte for byte as `ipfs add` makes them: leaves that carry the content and
// nodes that list them (IPIP-499 profiles).
//
//     std::vector<std::byte> scratch;
//     const result<file_leaf> leaf = make_leaf(unixfs_v1_2025, digester, chunk, scratch);
//     store(leaf->child.id, leaf->block);
//
// Free functions without state: several threads may call them, each with its buffer. The shape of the tree is
// content/balanced.hpp; cutting a file into chunks is content/chunker/.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/cid.hpp>
#include <shoal/content/dag_pb.hpp>
#include <shoal/content/unixfs.hpp>
#include <shoal/crypto/hasher.hpp>

namespace shoal {

/// What has to be agreed on so that equal files get equal CIDs.
struct unixfs_profile {
  unsigned cid_version = 1;      ///< 0 or 1, of every node; raw leaves have version 1 always
  bool raw_leaves = true;        ///< leaves are the content alone, without an envelope
  std::size_t max_links = 1024;  ///< of a node
  std::size_t chunk_size = 0;    ///< bytes of a leaf, where chunks have a fixed size

  friend bool operator==(const unixfs_profile&, const unixfs_profile&) = default;
};

/// What `ipfs add` has done since 2015 (IPIP-499).
inline constexpr unixfs_profile unixfs_v0_2015{0, false, 174, 256u << 10};
/// What implementations agreed on in 2025 (IPIP-499).
inline constexpr unixfs_profile unixfs_v1_2025{1, true, 1024, 1u << 20};
/// For disk images: a boot that fetches 64 KiB leaves moves 1.3 times the bytes it reads, 3.8 times at 1 MiB.
inline constexpr unixfs_profile unixfs_disk_image{1, true, 1024, 64u << 10};

/// A subtree of a file, as the node above it lists it.
struct file_child {
  cid id;
  std::uint64_t file_size = 0;   ///< bytes of the file in this subtree
  std::uint64_t total_size = 0;  ///< bytes of all its blocks ("Tsize")
};

/// A leaf and the block it is stored as.
struct file_leaf {
  file_child child;
  bytes_view block;
};

namespace detail {

template <digester Digester>
[[nodiscard]] result<multihash> sha2_256_of(const Digester& digester, bytes_view block) noexcept {
  std::array<std::byte, 32> digest;
  const status done = digester.digest(hash_code::sha2_256, block, digest);
  if (done != status::ok) return make_error_code(done);
  return multihash::make(hash_code::sha2_256, digest);
}

template <digester Digester>
[[nodiscard]] result<cid> dag_pb_cid(const unixfs_profile& profile, const Digester& digester,
                                     bytes_view block) noexcept {
  const result<multihash> hash = sha2_256_of(digester, block);
  if (!hash) return hash.error();
  if (profile.cid_version == 0) return cid::v0(*hash);
  return cid{multicodec::dag_pb, *hash};
}

}  // namespace detail

/// Appends the dag-pb block of a leaf that is not raw: `content` in its envelope.
inline void append_unixfs_leaf(std::vector<std::byte>& out, bytes_view content) {
  unixfs_data data;
  data.type = unixfs_type::file;
  if (!content.empty()) data.data = content;
  data.file_size = content.size();
  std::vector<std::byte> message;
  append_unixfs(message, data);
  append_protobuf_bytes(out, 1, message);
}

/// The leaf of one chunk, which may be empty.
///
/// @param scratch  overwritten; with raw leaves it is not needed and stays as it is
/// The leaf's block points to `content` or into `scratch`. Fails only if `digester` does.
template <digester Digester>
[[nodiscard]] result<file_leaf> make_leaf(const unixfs_profile& profile, const Digester& digester,
                                          bytes_view content, std::vector<std::byte>& scratch) {
  if (profile.raw_leaves) {
    const result<multihash> hash = detail::sha2_256_of(digester, content);
    if (!hash) return hash.error();
    return file_leaf{{cid{multicodec::raw, *hash}, content.size(), content.size()}, content};
  }
  scratch.clear();
  append_unixfs_leaf(scratch, content);
  const result<cid> id = detail::dag_pb_cid(profile, digester, scratch);
  if (!id) return id.error();
  return file_leaf{{*id, content.size(), scratch.size()}, scratch};
}

/// The node above `children`, which follow one another in the file. Overwrites `block` with its bytes.
///
/// errc::limit_exceeded when sizes add up to 2^64 or more; otherwise fails only if `digester` does.
template <digester Digester>
[[nodiscard]] result<file_child> make_file_node(const unixfs_profile& profile, const Digester& digester,
                                                std::span<const file_child> children,
                                                std::vector<std::byte>& block) {
  unixfs_data data;
  data.type = unixfs_type::file;
  data.block_sizes.reserve(children.size());
  pb_node node;
  node.links.reserve(children.size());
  file_child made;
  for (const file_child& child : children) {
    if (child.file_size > UINT64_MAX - made.file_size || child.total_size > UINT64_MAX - made.total_size) {
      return errc::limit_exceeded;
    }
    made.file_size += child.file_size;
    made.total_size += child.total_size;
    data.block_sizes.push_back(child.file_size);
    // The specification would leave the name out; Kubo writes an empty one, and its CIDs are what counts.
    node.links.push_back({child.id, std::string_view{}, child.total_size});
  }
  data.file_size = made.file_size;
  std::vector<std::byte> message;
  append_unixfs(message, data);
  node.data = message;
  block.clear();
  append_dag_pb(block, node);
  if (block.size() > UINT64_MAX - made.total_size) return errc::limit_exceeded;
  made.total_size += block.size();
  const result<cid> id = detail::dag_pb_cid(profile, digester, block);
  if (!id) return id.error();
  made.id = *id;
  return made;
}

}  // namespace shoal
