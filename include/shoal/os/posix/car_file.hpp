// SPDX-License-Identifier: BSL-1.0
//
// car_file: an open CAR file that finds blocks by their hash. It does not verify: car_store and reference_store
// do.
//
//     auto file = posix::car_file::open("image.car");             // shared by the stores of several strands
//     result<lease> bytes = (*file)->read(id.hash());
//
// Headers and index are read where they are mapped; blocks are read into memory of their own.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/car/archive.hpp>
#include <shoal/content/car/index.hpp>
#include <shoal/content/car/section.hpp>
#include <shoal/content/cid.hpp>
#include <shoal/content/multihash.hpp>
#include <shoal/os/posix/file_io.hpp>
#include <shoal/os/posix/mapping.hpp>
#include <shoal/os/posix/read_block.hpp>
#include <shoal/task/lease.hpp>

namespace shoal::posix {

/// Immutable and thread-safe.
class car_file {
 public:
  /// Reads the headers and the index. A file without an index, or with one in an unknown format, is read
  /// through once, to make one in memory. Errors are what open(2) says and what car_archive::parse,
  /// car_archive::scan and car_index::parse find.
  [[nodiscard]] static result<std::shared_ptr<const car_file>> open(const std::filesystem::path& path) {
    result<mapping> file = mapping::open(path);
    if (!file) return file.error();
    result<car_archive> archive = car_archive::parse(file->bytes());
    if (!archive) return archive.error();
    result<car_index> index = car_index::parse(archive->index());
    std::vector<std::byte> scanned;
    if (archive->index().empty() || index.error() == errc::unsupported) {
      result<std::vector<std::byte>> made = archive->scan();
      if (!made) return made.error();
      scanned = std::move(*made);
      index = car_index::parse(scanned);
    }
    if (!index) return index.error();
    return std::shared_ptr<const car_file>{
        new car_file{std::move(*file), std::move(*archive), std::move(scanned), std::move(*index)}};
  }

  [[nodiscard]] const car_archive& archive() const noexcept { return archive_; }
  [[nodiscard]] const car_index& index() const noexcept { return index_; }
  [[nodiscard]] const mapping& file() const noexcept { return file_; }

  /// What the index says. errc::source_changed when the file's size is no longer what it was.
  [[nodiscard]] result<bool> contains(const multihash& hash) const noexcept {
    if (!file_.unchanged()) return errc::source_changed;
    return index_.find(hash).size() != 0;
  }

  [[nodiscard]] const std::vector<cid>& roots() const noexcept { return archive_.roots(); }
  /// How many blocks the index names.
  [[nodiscard]] std::uint64_t block_count() const noexcept { return index_.size(); }

  /// The bytes of the block, not verified; may block. errc::not_found, errc::block_mismatch when the index
  /// points to something else, errc::source_changed when the file's size is no longer what it was, otherwise as
  /// read_car_section_head and read_at.
  [[nodiscard]] result<lease> read(const multihash& hash) const {
    if (!file_.unchanged()) return errc::source_changed;
    const car_index::matches found = index_.find(hash);
    result<lease> bytes = errc::not_found;
    // IndexSorted lists the digests of different functions together; an honest one has few that are equal.
    for (std::size_t i = 0; i < std::min(found.size(), max_attempts) && !bytes; ++i) {
      bytes = read_at_offset(hash, found[i]);
    }
    return bytes;
  }

 private:
  static constexpr std::size_t max_attempts = 4;

  car_file(mapping file, car_archive archive, std::vector<std::byte> scanned, car_index index)
      : file_(std::move(file)),
        archive_(std::move(archive)),
        scanned_(std::move(scanned)),
        index_(std::move(index)) {}

  result<lease> read_at_offset(const multihash& hash, std::uint64_t at) const {
    if (at >= archive_.payload().size()) return errc::malformed;
    const std::uint64_t available = archive_.payload().size() - at;
    std::array<std::byte, max_car_section_head_size> storage;
    const bytes_span start =
        bytes_span{storage}.first(static_cast<std::size_t>(std::min<std::uint64_t>(available, storage.size())));
    const std::uint64_t position = archive_.payload_offset() + at;
    if (const result<> read = read_at(file_.fd(), position, start); !read) return read.error();
    const result<car_section_head> head = read_car_section_head(start, available);
    if (!head) return head.error();
    if (head->id.hash() != hash) return errc::block_mismatch;
    return read_block(file_.fd(), position + head->size, static_cast<std::size_t>(head->block_size));
  }

  mapping file_;
  car_archive archive_;             // a view of file_
  std::vector<std::byte> scanned_;  // the index of a file that has none
  car_index index_;                 // a view of file_ or of scanned_
};

}  // namespace shoal::posix
