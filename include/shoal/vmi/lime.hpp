// SPDX-License-Identifier: BSL-1.0
//
// LiME dumps: pieces of memory one behind the other, each with a head of 32 bytes that says where it was
// (LiME's "lime" format, version 1).
//
//     result<lime_dump> dump = read_lime(file);
//     if (dump) memory = image_memory<bytes_source>::make(file, dump->regions);
//
// Leaves out LiME's "padded" and "raw" formats, which are raw_regions(), and its compression.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/base/result.hpp>
#include <shoal/vmi/image_memory.hpp>

namespace shoal::vmi {

inline constexpr std::uint32_t lime_magic = 0x4c69'4d45;

struct lime_dump {
  std::vector<ram_region> regions;  ///< in the order of the file
  bool cut = false;                 ///< the file ends inside the last piece, which holds what is there
};

/// Reads the heads. malformed for what is no LiME dump, also behind the first piece; unsupported for another
/// version; truncated when there is no whole head; limit_exceeded past max_regions.
template <image_source Source>
[[nodiscard]] result<lime_dump> read_lime(const Source& source) {
  constexpr std::uint64_t head_size = 32;
  lime_dump dump;
  for (std::uint64_t at = 0; at < source.size() && !dump.cut;) {
    std::array<std::byte, head_size> head{};
    if (source.read(at, head) != status::ok) return errc::truncated;
    if (load_le<std::uint32_t>(head.data()) != lime_magic) return errc::malformed;
    if (load_le<std::uint32_t>(head.data() + 4) != 1) return errc::unsupported;
    const std::uint64_t first = load_le<std::uint64_t>(head.data() + 8);
    const std::uint64_t last = load_le<std::uint64_t>(head.data() + 16);
    if (last < first || last - first == ~std::uint64_t{0}) return errc::malformed;
    if (dump.regions.size() == max_regions) return errc::limit_exceeded;
    at += head_size;
    std::uint64_t size = last - first + 1;
    if (size > source.size() - at) {
      size = source.size() - at;
      dump.cut = true;
    }
    if (size != 0) dump.regions.push_back({physical_address{first}, at, size});
    at += size;
  }
  if (dump.regions.empty()) return errc::truncated;
  return dump;
}

}  // namespace shoal::vmi
