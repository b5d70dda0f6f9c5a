// SPDX-License-Identifier: BSL-1.0
//
// reference_file: an open reference to a disk image (content/car/reference.hpp): an index file with the inner
// nodes and, in the image itself, the leaves. It does not verify: reference_store does.
//
//     auto file = posix::reference_file::open("disk.ref");        // shared by the stores of several strands
//     result<lease> bytes = (*file)->read(id.hash());
//
// Opening reads some pages, however large the image is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <utility>
#include <vector>

#include <fcntl.h>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/car/index.hpp>
#include <shoal/content/car/reference.hpp>
#include <shoal/content/multihash.hpp>
#include <shoal/content/unixfs_file.hpp>
#include <shoal/os/posix/car_file.hpp>
#include <shoal/os/posix/file_source.hpp>
#include <shoal/os/posix/read_block.hpp>
#include <shoal/task/lease.hpp>

namespace shoal::posix {

/// Immutable and thread-safe.
class reference_file {
 public:
  /// Opens the index file and the image that it names. Errors as car_file::open, car_reference::decode and
  /// file_source::open; errc::source_changed when the image's size is not what it was.
  [[nodiscard]] static result<std::shared_ptr<const reference_file>> open(const std::filesystem::path& path) {
    result<std::shared_ptr<const car_file>> nodes = car_file::open(path);
    if (!nodes) return nodes.error();
    const bytes_view whole = (*nodes)->file().bytes();
    result<car_reference> reference = car_reference::decode(whole);
    if (!reference) return reference.error();
    result<car_index> leaves = car_index::parse(whole.subspan(static_cast<std::size_t>(reference->leaf_table)));
    if (!leaves) return leaves.error();
    if (leaves->kind() != car_index_kind::multihash_sorted) return errc::malformed;
    result<file_source> source = file_source::open(path.parent_path() / reference->source_path);
    if (!source) return source.error();
    if (source->size() != reference->source_size) return errc::source_changed;
    // from now on leaves are read in any order
    (void)::posix_fadvise(source->fd(), 0, 0, POSIX_FADV_NORMAL);
    return std::shared_ptr<const reference_file>{
        new reference_file{std::move(*nodes), std::move(*reference), std::move(*leaves), std::move(*source)}};
  }

  [[nodiscard]] const std::vector<cid>& roots() const noexcept { return nodes_->roots(); }
  [[nodiscard]] const car_reference& reference() const noexcept { return reference_; }
  /// How many blocks there are: nodes and leaves.
  [[nodiscard]] std::uint64_t block_count() const noexcept { return nodes_->block_count() + leaves_.size(); }

  /// What the tables say. errc::source_changed when the index file's size is no longer what it was.
  [[nodiscard]] result<bool> contains(const multihash& hash) const noexcept {
    const result<bool> is_node = nodes_->contains(hash);
    if (!is_node || *is_node) return is_node;
    return leaves_.find(hash).size() != 0;
  }

  /// The bytes of the block, not verified; may block. errc::not_found, errc::source_changed when a file is not
  /// as long as it was, otherwise as car_file::read.
  [[nodiscard]] result<lease> read(const multihash& hash) const {
    if (!nodes_->file().unchanged()) return errc::source_changed;
    const car_index::matches found = leaves_.find(hash);
    if (found.size() == 0) return nodes_->read(hash);
    const leaf_location at = leaf_location::unpack(found[0]);
    if (at.length > max_block_size) return errc::malformed;
    if (!shoal::contains(reference_.source_size, at.offset, at.length)) return errc::malformed;
    result<lease> content = read_block(source_.fd(), at.offset, static_cast<std::size_t>(at.length));
    if (!content || reference_.leaves == leaf_kind::raw) return content;
    auto envelope = std::make_shared<std::vector<std::byte>>();
    append_unixfs_leaf(*envelope, content->bytes());
    const bytes_view bytes{*envelope};
    return lease{std::move(envelope), bytes};
  }

 private:
  reference_file(std::shared_ptr<const car_file> nodes, car_reference reference, car_index leaves,
                 file_source source)
      : nodes_(std::move(nodes)),
        reference_(std::move(reference)),
        leaves_(std::move(leaves)),
        source_(std::move(source)) {}

  std::shared_ptr<const car_file> nodes_;
  car_reference reference_;
  car_index leaves_;  // a view of the index file
  file_source source_;
};

}  // namespace shoal::posix
