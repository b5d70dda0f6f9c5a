// SPDX-License-Identifier: BSL-1.0
//
// protected_bytes: what of a disk a rule about files is about. Contents are touched by whoever touches them;
// records, such as inodes and names, share their blocks with those of others, and are touched by what changes
// them.
//
//     rule.target = std::make_shared<const protected_bytes>(std::move(file));
//
// Who reads a file system fills it: fs/ext4.hpp says where files are.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/range_set.hpp>

namespace shoal::monitor {

/// Bytes at a place, as they were.
struct kept_bytes {
  std::uint64_t offset = 0;
  std::vector<std::byte> bytes;
};

struct protected_bytes {
  range_set contents;
  std::vector<kept_bytes> records;
};

/// The part of a write that falls on kept bytes: empty when none does.
struct kept_overlap {
  std::size_t at = 0;          ///< in the kept bytes
  std::size_t written_at = 0;  ///< in what is written
  std::size_t size = 0;

  [[nodiscard]] static kept_overlap of(const kept_bytes& kept, std::uint64_t offset,
                                       std::uint64_t length) noexcept {
    const std::uint64_t end = kept.offset + kept.bytes.size();
    if (length == 0 || offset >= end || (offset < kept.offset && length <= kept.offset - offset)) return {};
    const std::uint64_t begin = std::max(offset, kept.offset);
    const std::uint64_t left = length - (begin - offset);
    return {static_cast<std::size_t>(begin - kept.offset), static_cast<std::size_t>(begin - offset),
            static_cast<std::size_t>(std::min(left, end - begin))};
  }
};

/// Whether a write changes one of them.
/// @param written  all of its bytes; empty when they are not known, or are undone: that is a change
[[nodiscard]] inline bool changes(const std::vector<kept_bytes>& records, std::uint64_t offset,
                                  std::uint64_t length, bytes_view written) noexcept {
  return std::ranges::any_of(records, [&](const kept_bytes& each) {
    const kept_overlap part = kept_overlap::of(each, offset, length);
    return part.size != 0 && (written.size() != length ||
                              std::memcmp(&each.bytes[part.at], &written[part.written_at], part.size) != 0);
  });
}

/// A write has taken place: what it wrote is what is kept from now on.
inline void update(std::vector<kept_bytes>& records, std::uint64_t offset, bytes_view written) noexcept {
  for (kept_bytes& each : records) {
    const kept_overlap part = kept_overlap::of(each, offset, written.size());
    if (part.size != 0) std::memcpy(&each.bytes[part.at], &written[part.written_at], part.size);
  }
}

}  // namespace shoal::monitor
