// SPDX-License-Identifier: BSL-1.0
//
// image_index: which leaf holds which bytes of an image. Made once from the inner nodes of the DAG
// (image/load_index.hpp); afterwards a read finds its leaves without touching a node.
//
//     const std::size_t i = index.leaf_at(offset);
//     index.begin(i) <= offset && offset < index.end(i);  index.id(i);  index.is_hole(i);
//
// Immutable once built, so that threads may share it. About 48 bytes a leaf: equal neighbours, such as the
// zeroes of a sparse image, share their name.
#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/cid.hpp>

namespace shoal {

/// More leaves than this are neither imported nor opened: 1 TiB at 64 KiB each, and about 800 MB of index.
inline constexpr std::size_t max_image_leaves = std::size_t{1} << 24;

class image_index {
 public:
  /// The CID of the whole image.
  [[nodiscard]] const cid& root() const noexcept { return root_; }
  /// Size of the image in bytes.
  [[nodiscard]] std::uint64_t size() const noexcept { return begins_.back(); }
  [[nodiscard]] std::size_t leaf_count() const noexcept { return name_at_.size(); }

  /// The leaf that holds the byte at `offset`, in O(log n). @pre offset < size()
  [[nodiscard]] std::size_t leaf_at(std::uint64_t offset) const noexcept {
    assert(offset < size());
    const auto above = std::upper_bound(begins_.begin(), begins_.end(), offset);
    return static_cast<std::size_t>(above - begins_.begin()) - 1;
  }

  /// First byte of a leaf, and the first one behind it. @pre leaf < leaf_count()
  [[nodiscard]] std::uint64_t begin(std::size_t leaf) const noexcept { return begins_[leaf]; }
  [[nodiscard]] std::uint64_t end(std::size_t leaf) const noexcept { return begins_[leaf + 1]; }

  /// The block that holds a leaf's bytes. @pre leaf < leaf_count()
  [[nodiscard]] cid id(std::size_t leaf) const noexcept {
    bytes_view name = bytes_view{names_}.subspan(name_at_[leaf]);
    const result<cid> id = cid::take(name);
    assert(id);
    return *id;
  }

  /// True when the leaf is known to be all zeroes. @pre leaf < leaf_count()
  [[nodiscard]] bool is_hole(std::size_t leaf) const noexcept { return hole_[leaf]; }

  /// What the index takes, in bytes.
  [[nodiscard]] std::size_t memory() const noexcept {
    return begins_.capacity() * sizeof(std::uint64_t) + name_at_.capacity() * sizeof(std::uint32_t) +
           names_.capacity() + hole_.capacity() / 8;
  }

 private:
  friend class image_index_builder;

  explicit image_index(const cid& root) : root_(root), begins_{0} {}

  cid root_;
  std::vector<std::uint64_t> begins_;   // one more than there are leaves: the last is the size
  std::vector<std::uint32_t> name_at_;  // where the leaf's CID begins in names_
  std::vector<bool> hole_;
  std::vector<std::byte> names_;  // binary CIDs, end to end
};

/// Makes an image_index from its leaves, in the order of the image.
class image_index_builder {
 public:
  explicit image_index_builder(const cid& root) : index_(root) {}

  /// errc::invalid_argument for an empty leaf, errc::limit_exceeded past 2^64 bytes of image or 4 GiB of names.
  result<> append(const cid& id, std::uint64_t length, bool hole) {
    if (length == 0) return errc::invalid_argument;
    if (length > UINT64_MAX - index_.size()) return errc::limit_exceeded;
    if (index_.leaf_count() == 0 || id != last_) {
      last_at_ = index_.names_.size();
      if (last_at_ > UINT32_MAX) return errc::limit_exceeded;
      id.append_to(index_.names_);
      last_ = id;
    }
    index_.begins_.push_back(index_.size() + length);
    index_.name_at_.push_back(static_cast<std::uint32_t>(last_at_));
    index_.hole_.push_back(hole);
    return {};
  }

  [[nodiscard]] std::size_t leaf_count() const noexcept { return index_.leaf_count(); }

  [[nodiscard]] image_index finish() && {
    index_.begins_.shrink_to_fit();
    index_.name_at_.shrink_to_fit();
    index_.names_.shrink_to_fit();
    return std::move(index_);
  }

 private:
  image_index index_;
  cid last_;
  std::size_t last_at_ = 0;
};

}  // namespace shoal
