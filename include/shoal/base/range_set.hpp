// SPDX-License-Identifier: BSL-1.0
//
// range_set: bytes of a device, as ranges that neither touch nor overlap.
//
//     const range_set kept{{{0, 512}, {1_MiB, 2_MiB}}};            // in any order
//     if (kept.overlaps(offset, length)) ...
//
// A question costs a search among the ranges, and next to nothing when there is none. Leaves out changing a
// set.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace shoal {

/// From `begin` up to `end`, without it.
struct byte_range {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  friend constexpr bool operator==(const byte_range&, const byte_range&) noexcept = default;
};

class range_set {
 public:
  range_set() = default;

  /// Of ranges in any order, which may overlap; those that end before they begin hold nothing.
  explicit range_set(std::vector<byte_range> ranges) : ranges_(std::move(ranges)) {
    std::erase_if(ranges_, [](const byte_range& each) { return each.begin >= each.end; });
    std::ranges::sort(ranges_, {}, &byte_range::begin);
    std::size_t kept = 0;
    for (const byte_range& each : ranges_) {
      if (kept != 0 && each.begin <= ranges_[kept - 1].end) {
        ranges_[kept - 1].end = std::max(ranges_[kept - 1].end, each.end);
      } else {
        ranges_[kept++] = each;
      }
    }
    ranges_.resize(kept);
  }

  /// All bytes that a device can have.
  [[nodiscard]] static range_set everything() {
    return range_set{{{0, std::numeric_limits<std::uint64_t>::max()}}};
  }

  [[nodiscard]] bool empty() const noexcept { return ranges_.empty(); }
  /// Ascending.
  [[nodiscard]] std::span<const byte_range> ranges() const noexcept { return ranges_; }

  /// Whether one of these bytes is in the set. A range past the last offset there is ends there.
  [[nodiscard]] bool overlaps(std::uint64_t offset, std::uint64_t length) const noexcept {
    if (ranges_.empty() || length == 0) return false;
    const byte_range* const next = first_behind(offset);
    return next != nullptr && next->begin < end_of(offset, length);
  }

  /// Whether all of these bytes are in the set; none are.
  [[nodiscard]] bool contains(std::uint64_t offset, std::uint64_t length) const noexcept {
    if (length == 0) return true;
    const byte_range* const next = first_behind(offset);
    return next != nullptr && next->begin <= offset && end_of(offset, length) <= next->end;
  }

  /// How many bytes from `offset` on are not in the set, at most `length`.
  [[nodiscard]] std::uint64_t free_run(std::uint64_t offset, std::uint64_t length) const noexcept {
    const byte_range* const next = first_behind(offset);
    if (next == nullptr) return length;
    return next->begin <= offset ? 0 : std::min(length, next->begin - offset);
  }

 private:
  static std::uint64_t end_of(std::uint64_t offset, std::uint64_t length) noexcept {
    return length > std::numeric_limits<std::uint64_t>::max() - offset
               ? std::numeric_limits<std::uint64_t>::max()
               : offset + length;
  }
  /// The first range that ends behind this byte, or null.
  [[nodiscard]] const byte_range* first_behind(std::uint64_t offset) const noexcept {
    const auto at = std::ranges::upper_bound(ranges_, offset, {}, &byte_range::end);
    return at == ranges_.end() ? nullptr : &*at;
  }

  std::vector<byte_range> ranges_;
};

}  // namespace shoal
