// SPDX-License-Identifier: BSL-1.0
//
// reference_writer: the block_sink that makes a reference to a disk image: it keeps the inner nodes, and of the
// leaves only where they are.
//
//     auto sink = posix::reference_writer::create("disk.ref", "disk.img");
//     import_image(source, chunker, digester, *sink, options);   // of disk.img
//
// 40 bytes a leaf. The file gets its name when it is whole (os/posix/atomic_file.hpp).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include <sys/stat.h>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/car/index_builder.hpp>
#include <shoal/content/car/reference.hpp>
#include <shoal/content/cid.hpp>
#include <shoal/content/file_node.hpp>
#include <shoal/content/unixfs_file.hpp>
#include <shoal/os/posix/car_writer.hpp>
#include <shoal/os/posix/file_source.hpp>
#include <shoal/store/block_sink.hpp>

namespace shoal::posix {

class reference_writer {
 public:
  /// @param path    of the reference, which remembers `source` relative to its own folder: move both together
  /// @param source  the image that is imported; it must not change until finish(), nor afterwards
  /// Errors as atomic_file::create and file_source::open; errc::limit_exceeded for an image of 4 TiB or more,
  /// or a path longer than car_reference::max_path_size; errc::invalid_argument when both are one file.
  [[nodiscard]] static result<reference_writer> create(const std::filesystem::path& path,
                                                       const std::filesystem::path& source) {
    const result<file_source> opened = file_source::open(source);
    if (!opened) return opened.error();
    if (opened->size() >= leaf_location::max_offset) return errc::limit_exceeded;
    std::error_code error;
    if (std::filesystem::equivalent(path, source, error)) return errc::invalid_argument;
    const std::filesystem::path folder = std::filesystem::weakly_canonical(path, error).parent_path();
    if (error) return error;
    const std::filesystem::path image = std::filesystem::canonical(source, error);
    if (error) return error;

    car_reference reference;
    reference.source_path = image.lexically_proximate(folder).string();
    if (reference.source_path.size() > car_reference::max_path_size) return errc::limit_exceeded;
    reference.source_size = opened->size();
    const result<std::int64_t> time = changed_at(image);
    if (!time) return time.error();
    reference.source_time = *time;

    car_options options;
    options.padding = reference.encode().size();
    result<car_writer> nodes = car_writer::create(path, options);
    if (!nodes) return nodes.error();
    return reference_writer{std::move(*nodes), std::move(reference), image};
  }

  /// errc::unsupported for a leaf that cannot be made again from the image's bytes: only raw leaves and those
  /// that Kubo makes without raw leaves can, and all of one image have to be of one kind.
  result<> leaf(const cid& id, bytes_view block, std::uint64_t source_offset) {
    if (is_inline(id) || leaves_.contains(id.hash())) return {};
    const leaf_kind kind = id.codec() == multicodec::raw ? leaf_kind::raw : leaf_kind::unixfs_file;
    bytes_view content = block;
    if (kind == leaf_kind::unixfs_file) {
      const result<file_node> node = read_file_node(id, block);
      if (!node) return errc::unsupported;
      content = node->data;
      scratch_.clear();
      append_unixfs_leaf(scratch_, content);
      if (!std::ranges::equal(scratch_, block)) return errc::unsupported;
    }
    if (leaves_.size() != 0 && kind != reference_.leaves) return errc::unsupported;
    if (block.size() > max_block_size) return errc::limit_exceeded;
    if (!contains(reference_.source_size, source_offset, content.size())) return errc::source_changed;
    reference_.leaves = kind;
    return leaves_.add(id.hash(), leaf_location{source_offset, content.size()}.pack());
  }

  result<> node(const cid& id, bytes_view block) { return nodes_.node(id, block); }

  /// errc::source_changed when the image was written to meanwhile.
  result<> finish(const cid& root) {
    const result<std::int64_t> time = changed_at(source_);
    if (!time) return time.error();
    if (*time != reference_.source_time) return errc::source_changed;
    if (const result<> r = nodes_.close(root); !r) return r;
    atomic_file& file = nodes_.file();
    reference_.leaf_table = file.size();
    const auto emit = [&file](bytes_view part) { return file.append(part); };
    if (const result<> r = leaves_.write(car_index_kind::multihash_sorted, 0, emit); !r) return r;
    if (const result<> r = file.patch(car_reference::position, reference_.encode()); !r) return r;
    return file.commit();
  }

 private:
  reference_writer(car_writer nodes, car_reference reference, std::filesystem::path source)
      : nodes_(std::move(nodes)), reference_(std::move(reference)), source_(std::move(source)) {}

  static result<std::int64_t> changed_at(const std::filesystem::path& path) {
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0) return last_error();
    return std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
  }

  car_writer nodes_;
  car_reference reference_;
  std::filesystem::path source_;
  car_index_builder leaves_;
  std::vector<std::byte> scratch_;
};
static_assert(block_sink<reference_writer>);

}  // namespace shoal::posix
