// SPDX-License-Identifier: BSL-1.0
//
// balanced_builder: puts the leaves of a file, one after the other, under a tree whose leaves are all equally
// deep. The layout that `ipfs add` uses by default.
//
//     balanced_builder builder{unixfs_v1_2025, digester, [&](const cid& id, bytes_view node) { return put(id,
//     node); }}; for (...) if (result<> r = builder.add(leaf.child); !r) return r.error(); const
//     result<file_child> root = builder.finish();
//
// Holds one row of children a level, whatever the size of the file. Leaves out leaves: they are stored by who
// makes them (make_leaf).
#pragma once

#include <concepts>
#include <cstddef>
#include <stdexcept>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/cid.hpp>
#include <shoal/content/unixfs_file.hpp>
#include <shoal/crypto/hasher.hpp>

namespace shoal {

/// Takes one finished node. Its bytes are valid during the call only; an error stops the builder.
template <class Sink>
concept node_sink = requires(Sink& sink, const cid& id, bytes_view node) {
  { sink(id, node) } -> std::same_as<result<>>;
};

template <digester Digester, node_sink Sink>
class balanced_builder {
 public:
  /// @param digester  outlives the builder
  /// @throws std::invalid_argument if the profile allows fewer than 2 links or more than max_dag_pb_links
  balanced_builder(const unixfs_profile& profile, const Digester& digester, Sink sink)
      : profile_(profile), digester_(digester), sink_(std::move(sink)) {
    if (profile.max_links < 2 || profile.max_links > max_dag_pb_links) {
      throw std::invalid_argument("balanced_builder: a node has from 2 to max_dag_pb_links links");
    }
  }

  /// Appends the file's next leaf. Nodes that this completes go to the sink, children before parents. The
  /// sink's error, or make_file_node's; the builder is of no use then.
  result<> add(const file_child& leaf) { return append(0, leaf); }

  /// Closes all open nodes and gives the root: the leaf itself when there was one only, and an empty leaf,
  /// which goes to the sink, when there was none. The builder is empty again. Errors as for add.
  result<file_child> finish() {
    if (levels_.empty()) return empty_file();
    for (std::size_t depth = 0;; ++depth) {
      std::vector<file_child>& row = levels_[depth];
      if (depth + 1 == levels_.size() && row.size() == 1) {
        const file_child root = row.front();
        levels_.clear();
        return root;
      }
      if (row.empty()) continue;
      if (const result<> closed = close(depth); !closed) return closed.error();
    }
  }

 private:
  result<> append(std::size_t depth, const file_child& child) {
    if (depth == levels_.size()) levels_.emplace_back();
    levels_[depth].push_back(child);
    if (levels_[depth].size() < profile_.max_links) return {};
    return close(depth);
  }

  /// Makes a node of the row and hands it up.
  result<> close(std::size_t depth) {
    const result<file_child> node = make_file_node(profile_, digester_, levels_[depth], block_);
    if (!node) return node.error();
    if (const result<> taken = sink_(node->id, bytes_view{block_}); !taken) return taken;
    levels_[depth].clear();
    return append(depth + 1, *node);
  }

  result<file_child> empty_file() {
    const result<file_leaf> leaf = make_leaf(profile_, digester_, {}, block_);
    if (!leaf) return leaf.error();
    if (const result<> taken = sink_(leaf->child.id, leaf->block); !taken) return taken.error();
    return leaf->child;
  }

  unixfs_profile profile_;
  const Digester& digester_;
  Sink sink_;
  std::vector<std::vector<file_child>> levels_;  // open rows, leaves first
  std::vector<std::byte> block_;
};

}  // namespace shoal
