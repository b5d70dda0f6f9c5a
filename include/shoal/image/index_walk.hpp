// SPDX-License-Identifier: BSL-1.0
//
// index_walk: builds an image_index from the inner nodes of a UnixFS file. It says which node it needs next and
// is given it; fetching is the caller's (image/load_index.hpp).
//
//     index_walk walk{root, digester, image_limits{}};
//     while (const file_part* node = walk.wanted()) {
//       if (result<> r = walk.supply(fetch(node->id)); !r) return r.error();
//     }
//     image_index index = std::move(walk).finish();
//
// Reads files of any layout: balanced, trickle, with bytes in inner nodes, with raw or dag-pb leaves. Leaves
// are never wanted, only their names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/cid.hpp>
#include <shoal/content/file_node.hpp>
#include <shoal/content/unixfs_file.hpp>
#include <shoal/content/verify.hpp>
#include <shoal/crypto/hasher.hpp>
#include <shoal/image/index.hpp>

namespace shoal {

/// What an image may cost to open. A small hostile DAG can stand for a huge file by linking one node many
/// times.
struct image_limits {
  std::size_t leaves = max_image_leaves;
  std::size_t depth = max_file_depth;  ///< nodes between the root and a leaf
};

namespace detail {

/// Tells which leaves are all zeroes, without fetching them. Few lengths are asked for: a fixed chunker makes
/// two, and one that follows the content repeats one length where the image is empty.
template <digester Digester>
class zero_leaves {
 public:
  explicit zero_leaves(const Digester& digester) : digester_(digester) {}

  bool is_zero(const cid& id, std::uint64_t length) {
    if (length > max_block_size) return false;
    const std::pair key{length, id.codec()};
    auto known = known_.find(key);
    if (known == known_.end()) {
      // after the first few, a length is worth hashing zeroes for when it comes twice in a row
      const bool repeated = std::exchange(last_, key) == key;
      if (known_.size() == max_lengths || (known_.size() >= few_lengths && !repeated)) return false;
      known = known_.emplace(key, zero_id(id, static_cast<std::size_t>(length))).first;
    }
    return known->second == id;
  }

 private:
  static constexpr std::size_t few_lengths = 4;
  static constexpr std::size_t max_lengths = 64;

  std::optional<cid> zero_id(const cid& like, std::size_t length) {
    const std::vector<std::byte> zeroes(length);
    std::vector<std::byte> scratch;
    const unixfs_profile profile{.cid_version = like.version(), .raw_leaves = like.codec() == multicodec::raw};
    const result<file_leaf> leaf = make_leaf(profile, digester_, zeroes, scratch);
    return leaf ? std::optional{leaf->child.id} : std::nullopt;
  }

  const Digester& digester_;
  std::map<std::pair<std::uint64_t, multicodec>, std::optional<cid>> known_;
  std::pair<std::uint64_t, multicodec> last_{};
};

/// True for a part that is a leaf of the kind that Kubo's oldest profile makes. Its total size gives it away:
/// exactly that of an envelope around `length` bytes. A node with links of its own is always larger.
inline bool is_enveloped_leaf(const file_part& part) noexcept {
  if (part.id.codec() != multicodec::dag_pb || part.length > max_block_size) return false;
  const std::uint64_t count = varint_size(part.length);
  const std::uint64_t message = 2 + (1 + count + part.length) + (1 + count);  // type, data, file size
  return part.total_size == 1 + varint_size(message) + message;
}

}  // namespace detail

template <digester Digester>
class index_walk {
 public:
  /// @param digester  used to recognise leaves of zeroes; outlives the walk
  index_walk(const cid& root, const Digester& digester, image_limits limits)
      : limits_(limits), index_(root), zeroes_(digester), wanted_(file_part{.id = root}) {}

  /// The node to supply next, or null when the index is complete.
  [[nodiscard]] const file_part* wanted() const noexcept { return wanted_ ? &*wanted_ : nullptr; }

  /// Gives the block that was wanted, verified.
  ///
  /// errc::malformed when nodes contradict each other, errc::limit_exceeded past the limits, errc::unsupported
  /// for something that is not a file. The walk is of no use after an error.
  /// @pre wanted()
  result<> supply(bytes_view block) {
    const file_part part = *wanted_;
    wanted_.reset();
    // only the root's length is not known beforehand
    result<file_node> node = at_root_ ? read_file_node(part.id, block) : read_file_node(part, block);
    if (!node) return node.error();
    at_root_ = false;
    if (!node->data.empty()) {
      if (const result<> added = add_leaf(part.id, node->data.size()); !added) return added;
    }
    if (!node->parts.empty()) {
      if (path_.size() == limits_.depth) return errc::limit_exceeded;
      path_.push_back({std::move(node->parts), 0});
    }
    return advance();
  }

  /// @pre !wanted()
  [[nodiscard]] image_index finish() && { return std::move(index_).finish(); }

 private:
  struct level {
    std::vector<file_part> parts;
    std::size_t next = 0;
  };

  result<> add_leaf(const cid& id, std::uint64_t length) {
    if (index_.leaf_count() == limits_.leaves) return errc::limit_exceeded;
    return index_.append(id, length, zeroes_.is_zero(id, length));
  }

  /// Notes leaves up to the next node. Every part has bytes, so that the limit on leaves bounds the nodes too.
  result<> advance() {
    while (!path_.empty()) {
      level& here = path_.back();
      if (here.next == here.parts.size()) {
        path_.pop_back();
        continue;
      }
      const file_part& part = here.parts[here.next++];
      if (part.id.codec() != multicodec::raw && !detail::is_enveloped_leaf(part)) {
        wanted_ = part;
        return {};
      }
      if (const result<> added = add_leaf(part.id, part.length); !added) return added;
    }
    return {};
  }

  image_limits limits_;
  image_index_builder index_;
  detail::zero_leaves<Digester> zeroes_;
  std::optional<file_part> wanted_;
  bool at_root_ = true;
  std::vector<level> path_;  // from the root down to the node whose parts are being looked at
};

}  // namespace shoal
