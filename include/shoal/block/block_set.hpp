// SPDX-License-Identifier: BSL-1.0
//
// block_set: which blocks of a device have some property, one bit each.
//
//     block_set owned{device_blocks};
//     owned.insert(first, count);
//     const std::uint64_t alike = owned.run(first, limit);   // blocks from `first` on that are all in, or all
//     out
//
// For overlays and caches. Memory comes in pages as bits are set, so that a set for each of many clients costs
// little: 4 KiB for every 32768 blocks that have a member among them.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <tuple>
#include <vector>

namespace shoal {

/// A set of block numbers below a bound. Not thread-safe.
class block_set {
 public:
  /// @param bound  every number is less
  explicit block_set(std::uint64_t bound)
      : pages_(static_cast<std::size_t>((bound + page_bits - 1) / page_bits)) {}

  /// @pre block < bound, as for every argument below
  [[nodiscard]] bool contains(std::uint64_t block) const noexcept {
    const page* in = find(block);
    return in != nullptr && ((*in)[word_of(block)] >> (block % word_bits) & 1) != 0;
  }

  /// How many blocks from `block` on, at most `limit`, are members if it is one, or are none if it is none.
  [[nodiscard]] std::uint64_t run(std::uint64_t block, std::uint64_t limit) const noexcept {
    const bool member = contains(block);
    const std::uint64_t end = block + limit;
    std::uint64_t at = block;
    while (at < end) {
      const page* in = find(at);
      if (in == nullptr) {
        if (member) break;
        at += page_bits - at % page_bits;
        continue;
      }
      const std::uint64_t word = (*in)[word_of(at)];
      const std::uint64_t others = (member ? ~word : word) >> (at % word_bits);
      if (others != 0) {
        at += static_cast<std::uint64_t>(std::countr_zero(others));
        break;
      }
      at += word_bits - at % word_bits;
    }
    return std::min(at, end) - block;
  }

  /// Adds [block, block + count). @throws std::bad_alloc, having added a part
  void insert(std::uint64_t block, std::uint64_t count) {
    while (count != 0) {
      const std::uint64_t bit = block % word_bits;
      const std::uint64_t n = std::min(count, word_bits - bit);
      std::unique_ptr<page>& home = pages_[page_of(block)];
      if (!home) home = std::make_unique<page>();
      (*home)[word_of(block)] |= (~std::uint64_t{0} >> (word_bits - n)) << bit;
      block += n;
      count -= n;
    }
  }

 private:
  static constexpr std::uint64_t word_bits = 64;
  using page = std::array<std::uint64_t, 512>;
  static constexpr std::uint64_t page_bits = word_bits * std::tuple_size_v<page>;

  static std::size_t page_of(std::uint64_t block) noexcept {
    return static_cast<std::size_t>(block / page_bits);
  }
  static std::size_t word_of(std::uint64_t block) noexcept {
    return static_cast<std::size_t>(block % page_bits / word_bits);
  }
  const page* find(std::uint64_t block) const noexcept { return pages_[page_of(block)].get(); }

  std::vector<std::unique_ptr<page>> pages_;
};

}  // namespace shoal
