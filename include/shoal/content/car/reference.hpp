// SPDX-License-Identifier: BSL-1.0
//
// car_reference: what makes a CAR version 2 file a reference to a disk image: the image's inner nodes are in
// the archive, its leaves stay in the image, and a table says where.
//
//     pragma | version 2 header | car_reference | padding | payload | index | leaf table
//
// Everybody who reads CAR version 2 can read the nodes: the description lies where the format allows padding,
// and the table behind everything that the header speaks of. The table has the form of a MultihashIndexSorted,
// with a leaf_location in the place of the section's offset. No checksum: each block is verified when it is
// read. Description, little-endian, from byte 51 of the file on:
//
//     0 "shoalref"   8 u32 version, 1   12 u32 kind of leaves   16 u64 image's size in bytes
//     24 i64 its time of change, nanoseconds since 1970   32 u64 where the leaf table starts in the file
//     40 u32 length of the path   44 path of the image, relative to the folder of this file
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/car/header.hpp>
#include <shoal/content/verify.hpp>

namespace shoal {

/// Where a leaf's content is in the image. Stored as 42 bits of offset above 22 bits of length.
struct leaf_location {
  static constexpr unsigned length_bits = 22;
  /// Images from this size on, 4 TiB, do not fit.
  static constexpr std::uint64_t max_offset = std::uint64_t{1} << (64 - length_bits);

  std::uint64_t offset = 0;
  std::uint64_t length = 0;  ///< at most max_block_size

  [[nodiscard]] static constexpr leaf_location unpack(std::uint64_t packed) noexcept {
    return {packed >> length_bits, packed & ((std::uint64_t{1} << length_bits) - 1)};
  }
  /// @pre offset < max_offset and length <= max_block_size
  [[nodiscard]] constexpr std::uint64_t pack() const noexcept { return offset << length_bits | length; }
};
static_assert(max_block_size < std::uint64_t{1} << leaf_location::length_bits);

/// How leaves are made from the image's bytes.
enum class leaf_kind : std::uint32_t {
  raw = 0,          ///< the bytes as they are
  unixfs_file = 1,  ///< in the dag-pb envelope that Kubo gives them without raw leaves
};

struct car_reference {
  static constexpr std::string_view magic = "shoalref";
  static constexpr std::uint32_t version = 1;
  static constexpr std::size_t fixed_size = 44;
  static constexpr std::size_t max_path_size = 4096;
  /// Where it stands in the file.
  static constexpr std::size_t position = car_v2_pragma.size() + car_v2_header::encoded_size;

  leaf_kind leaves = leaf_kind::raw;
  std::uint64_t source_size = 0;
  std::int64_t source_time = 0;  ///< to tell a user what may be wrong; verifying decides
  std::uint64_t leaf_table = 0;
  std::string source_path;

  /// Reads the description in a whole file. errc::unsupported for a file that has none, another version or
  /// another kind of leaves; errc::truncated, errc::malformed, errc::limit_exceeded past max_path_size.
  [[nodiscard]] static result<car_reference> decode(bytes_view file) {
    if (file.size() < position + fixed_size) return errc::truncated;
    const bytes_view at = file.subspan(position);
    if (!as_text(at).starts_with(magic)) return errc::unsupported;
    if (load_le<std::uint32_t>(at.data() + 8) != version) return errc::unsupported;
    car_reference reference;
    reference.leaves = leaf_kind{load_le<std::uint32_t>(at.data() + 12)};
    if (reference.leaves > leaf_kind::unixfs_file) return errc::unsupported;
    reference.source_size = load_le<std::uint64_t>(at.data() + 16);
    reference.source_time = static_cast<std::int64_t>(load_le<std::uint64_t>(at.data() + 24));
    reference.leaf_table = load_le<std::uint64_t>(at.data() + 32);
    if (reference.leaf_table > file.size()) return errc::truncated;
    const std::size_t path_size = load_le<std::uint32_t>(at.data() + 40);
    if (path_size > max_path_size) return errc::limit_exceeded;
    if (path_size > at.size() - fixed_size) return errc::truncated;
    reference.source_path = as_text(at.subspan(fixed_size, path_size));
    if (path_size == 0 || reference.source_path.find('\0') != std::string::npos) return errc::malformed;
    return reference;
  }

  /// @pre source_path is not empty and not longer than max_path_size
  [[nodiscard]] std::vector<std::byte> encode() const {
    std::vector<std::byte> out(fixed_size + source_path.size());
    std::ranges::copy(as_bytes(magic), out.begin());
    store_le(out.data() + 8, version);
    store_le(out.data() + 12, static_cast<std::uint32_t>(leaves));
    store_le(out.data() + 16, source_size);
    store_le(out.data() + 24, static_cast<std::uint64_t>(source_time));
    store_le(out.data() + 32, leaf_table);
    store_le(out.data() + 40, static_cast<std::uint32_t>(source_path.size()));
    std::ranges::copy(as_bytes(source_path), out.begin() + fixed_size);
    return out;
  }
};

}  // namespace shoal
