// SPDX-License-Identifier: BSL-1.0
//
// car_archive: a CAR file of version 1 or 2 that lies in memory, usually mapped: its roots, its payload and its
// index.
//
//     result<car_archive> car = car_archive::parse(file);     // file outlives the archive
//     for (const cid& root : car->roots()) ...
//     result<std::vector<std::byte>> index = car->scan();      // for one that has none
//
// A view: it reads headers and keeps no content. os/posix/car_store.hpp makes a block store of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/car/header.hpp>
#include <shoal/content/car/index.hpp>
#include <shoal/content/car/index_builder.hpp>
#include <shoal/content/car/section.hpp>
#include <shoal/content/cid.hpp>

namespace shoal {

class car_archive {
 public:
  /// Reads the headers. errc::truncated when the file ends before what they announce, errc::malformed,
  /// errc::limit_exceeded, errc::unsupported for versions other than 1 and 2.
  [[nodiscard]] static result<car_archive> parse(bytes_view file) {
    car_archive car;
    if (!as_text(file).starts_with(car_v2_pragma)) {
      car.payload_ = file;
      return with_roots(std::move(car));
    }
    const result<car_v2_header> header = car_v2_header::decode(file.subspan(car_v2_pragma.size()));
    if (!header) return header.error();
    if (!contains(file.size(), header->data_offset, header->data_size)) return errc::truncated;
    if (header->index_offset > file.size()) return errc::truncated;
    car.version_ = 2;
    car.payload_offset_ = header->data_offset;
    car.payload_ = file.subspan(static_cast<std::size_t>(header->data_offset),
                                static_cast<std::size_t>(header->data_size));
    if (header->index_offset != 0) {
      car.fully_indexed_ = header->fully_indexed;
      car.index_ = file.subspan(static_cast<std::size_t>(header->index_offset));
      if (car.index_.empty()) return errc::truncated;
    }
    return with_roots(std::move(car));
  }

  /// 1 or 2.
  [[nodiscard]] unsigned version() const noexcept { return version_; }
  [[nodiscard]] const std::vector<cid>& roots() const noexcept { return roots_; }

  /// The version 1 archive: of a version 1 file all of it, of a version 2 file a part. Section offsets count
  /// from its start.
  [[nodiscard]] bytes_view payload() const noexcept { return payload_; }
  /// Where the payload starts in the file, in bytes.
  [[nodiscard]] std::uint64_t payload_offset() const noexcept { return payload_offset_; }
  /// Where the first section starts in the payload.
  [[nodiscard]] std::uint64_t first_section() const noexcept { return first_section_; }

  /// The index, for car_index::parse. Empty when there is none.
  [[nodiscard]] bytes_view index() const noexcept { return index_; }
  /// The index claims to name every section. One that does not may leave out identity hashes.
  [[nodiscard]] bool fully_indexed() const noexcept { return fully_indexed_; }

  /// Reads the head of every section and gives an index of them, for car_index::parse. Errors as
  /// car_section_at, which means that some section is broken or cut off.
  [[nodiscard]] result<std::vector<std::byte>> scan() const {
    car_index_builder builder;
    for (std::uint64_t at = first_section_; at < payload_.size();) {
      const result<car_section> section = car_section_at(payload_, at);
      if (!section) return section.error();
      if (const result<> r = builder.add(section->id.hash(), at); !r) return r.error();
      at += section->size;
    }
    std::vector<std::byte> index;
    const auto emit = [&index](bytes_view part) -> result<> {
      index.insert(index.end(), part.begin(), part.end());
      return {};
    };
    if (const result<> r = builder.write(car_index_kind::multihash_sorted, 0, emit); !r) return r.error();
    return index;
  }

 private:
  car_archive() = default;

  static result<car_archive> with_roots(car_archive car) {
    bytes_view rest = car.payload_;
    result<car_header> header = take_car_header(rest);
    if (!header) return header.error();
    car.roots_ = std::move(header->roots);
    car.first_section_ = car.payload_.size() - rest.size();
    return car;
  }

  unsigned version_ = 1;
  bool fully_indexed_ = false;
  std::vector<cid> roots_;
  bytes_view payload_;
  std::uint64_t payload_offset_ = 0;
  std::uint64_t first_section_ = 0;
  bytes_view index_;
};

}  // namespace shoal
