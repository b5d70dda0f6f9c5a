// SPDX-License-Identifier: BSL-1.0
//
// car_writer: the block_sink that makes a CAR file, with an index (version 2) or without (version 1).
//
//     result<posix::car_writer> car = posix::car_writer::create("image.car");
//     import_image(source, chunker, digester, *car, options);   // calls leaf, node, finish
//
// Streams: blocks go to the file as they come, and a block that was written before is left out. The file gets
// its name when it is whole (os/posix/atomic_file.hpp).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/car/header.hpp>
#include <shoal/content/car/index_builder.hpp>
#include <shoal/content/car/section.hpp>
#include <shoal/content/cid.hpp>
#include <shoal/os/posix/atomic_file.hpp>
#include <shoal/store/block_sink.hpp>

namespace shoal::posix {

struct car_options {
  unsigned version = 2;  ///< 1 or 2
  car_index_kind index = car_index_kind::multihash_sorted;
  /// Version 1 only: a CID as long as the root will be. The header has to be written before the root is known.
  cid root_shape = sha256_shape();
  /// Version 2 only: bytes to keep free between the fixed header and the payload.
  std::size_t padding = 0;

 private:
  static cid sha256_shape() noexcept {
    const std::array<std::byte, 32> zeroes{};
    return {multicodec::dag_pb, *multihash::make(hash_code::sha2_256, zeroes)};
  }
};

class car_writer {
 public:
  /// Errors as atomic_file::create; errc::invalid_argument for a version other than 1 and 2.
  [[nodiscard]] static result<car_writer> create(std::filesystem::path path, const car_options& options = {}) {
    if (options.version != 1 && options.version != 2) return errc::invalid_argument;
    result<atomic_file> file = atomic_file::create(std::move(path));
    if (!file) return file.error();
    car_writer writer{std::move(*file), options};
    // Zeroes until finish(): a reader takes them for a broken file, should it ever come to see them.
    const std::vector<std::byte> room(writer.first_section_);
    if (const result<> r = writer.file_.append(room); !r) return r.error();
    return writer;
  }

  result<> leaf(const cid& id, bytes_view block, std::uint64_t) { return append(id, block); }
  result<> node(const cid& id, bytes_view block) { return append(id, block); }

  /// errc::invalid_argument for a version 1 file when `root` is not as long as car_options::root_shape.
  result<> finish(const cid& root) {
    if (const result<> r = close(root); !r) return r;
    return file_.commit();
  }

  /// Everything that finish() does but the last step. For formats that put something of their own into the
  /// padding (car_options::padding) or behind the end, and then commit file(). Errors as finish().
  result<> close(const cid& root) {
    const std::vector<std::byte> header = encode_car_header(root);
    if (header.size() > first_section_) return errc::invalid_argument;
    const std::uint64_t payload = first_section_ - header.size();
    if (options_.version == 1) {
      if (payload != 0) return errc::invalid_argument;
    } else {
      const car_v2_header fixed{.fully_indexed = true,
                                .data_offset = payload,
                                .data_size = file_.size() - payload,
                                .index_offset = file_.size()};
      const auto emit = [this](bytes_view part) { return file_.append(part); };
      if (const result<> r = index_.write(options_.index, header.size(), emit); !r) return r;
      if (const result<> r = file_.patch(0, as_bytes(car_v2_pragma)); !r) return r;
      if (const result<> r = file_.patch(car_v2_pragma.size(), fixed.encode()); !r) return r;
    }
    return file_.patch(payload, header);
  }

  [[nodiscard]] atomic_file& file() noexcept { return file_; }

 private:
  // Version 2 says where its payload starts, so its header may be of any length: it ends where the first
  // section starts, and what is left in front of it is padding, which the specification allows.
  static constexpr std::size_t reserved =
      car_v2_pragma.size() + car_v2_header::encoded_size + max_one_root_size;

  car_writer(atomic_file file, const car_options& options)
      : file_(std::move(file)),
        options_(options),
        first_section_(options.version == 1 ? encode_car_header(options.root_shape).size()
                                            : reserved + options.padding) {}

  result<> append(const cid& id, bytes_view block) {
    if (is_inline(id)) return {};  // the CID itself is the content
    if (block.size() > max_block_size) return errc::limit_exceeded;
    if (index_.contains(id.hash())) return {};
    if (const result<> r = index_.add(id.hash(), file_.size() - first_section_); !r) return r;
    return file_.append(car_section_prefix{id, block.size()}.bytes(), block);
  }

  atomic_file file_;
  car_options options_;
  std::size_t first_section_;
  car_index_builder index_;
};
static_assert(block_sink<car_writer>);

}  // namespace shoal::posix
