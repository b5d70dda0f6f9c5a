// SPDX-License-Identifier: BSL-1.0
//
// fastcdc_chunker: FastCDC as of 2020 (Xia et al., IEEE TPDS 31/9), cut for cut as fastcdc-rs does it: gear
// hash, minimum skipped, normalisation level 1. Smaller average sizes than buzhash has, and more even ones than
// rabin's.
//
//     fastcdc_chunker chunker{{.minimum = 16 << 10, .average = 64 << 10, .maximum = 256 << 10}};
//     const std::size_t cut = chunker.next_cut(window, at_end);
//
// Leaves out the other levels of normalisation: each would be one more way to store the same file twice.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <stdexcept>

#include <shoal/base/bytes.hpp>
#include <shoal/content/chunker/concepts.hpp>
#include <shoal/content/chunker/gear_table.hpp>
#include <shoal/content/chunker/rolling.hpp>

namespace shoal {

namespace detail {

/// Gear hash of up to 64 bytes: older ones have been shifted out.
struct gear_hash {
  using state = std::uint64_t;
  static constexpr std::size_t window = 64;

  const std::uint64_t* table;
  std::uint64_t mask;

  state add(state s, std::byte in) const noexcept { return (s << 1) + table[std::to_integer<std::size_t>(in)]; }
  state roll(state s, const std::byte* at) const noexcept { return add(s, *at); }
  bool hit(state s) const noexcept { return (s & mask) == 0; }
};
static_assert(rolling_hash<gear_hash>);

/// Masks of 7 to 23 bits, spread as in the reference implementation: constants of the format.
inline constexpr std::array<std::uint64_t, 17> fastcdc_masks{
    0x0000000018035100, 0x0000001800035300, 0x0000019000353000, 0x0000590003530000, 0x0000d90003530000,
    0x0000d90103530000, 0x0000d90303530000, 0x0000d90313530000, 0x0000d90f03530000, 0x0000d90303537000,
    0x0000d90703537000, 0x0000d90707537000, 0x0000d91707537000, 0x0000d91747537000, 0x0000d91767537000,
    0x0000d93767537000, 0x0000d93777537000};
inline constexpr int fastcdc_first_mask = 7;

}  // namespace detail

/// FastCDC 2020.
class fastcdc_chunker {
 public:
  static constexpr std::size_t least_minimum = 64;          ///< bytes
  static constexpr std::size_t least_average = 256;         ///< bytes
  static constexpr std::size_t greatest_average = 4 << 20;  ///< bytes

  /// @param seed  changes where the cuts are, for who must not show by them what is stored; 0 is the published
  /// table
  /// @throws std::invalid_argument unless least_minimum <= minimum <= average <= maximum and the average is in
  /// its
  ///         bounds
  explicit constexpr fastcdc_chunker(chunk_sizes sizes, std::uint64_t seed = 0)
      : sizes_(sizes), gear_(gear_table) {
    if (sizes.minimum < least_minimum || sizes.minimum > sizes.average || sizes.average > sizes.maximum ||
        sizes.average < least_average || sizes.average > greatest_average) {
      throw std::invalid_argument("fastcdc_chunker: sizes out of bounds or out of order");
    }
    for (std::uint64_t& gear : gear_) gear ^= seed;
    // log2 of the average, to the nearest whole number
    const std::uint64_t average = sizes.average;
    const int down = static_cast<int>(std::bit_width(average)) - 1;
    const int bits = average * average > std::uint64_t{2} << 2 * down ? down + 1 : down;
    mask_before_ = mask(bits + 1);
    mask_after_ = mask(bits - 1);
  }

  [[nodiscard]] constexpr chunk_sizes sizes() const noexcept { return sizes_; }
  [[nodiscard]] constexpr std::size_t max_size() const noexcept { return sizes_.maximum; }

  [[nodiscard]] std::size_t next_cut(bytes_view window, bool at_end) const noexcept {
    const std::size_t end = std::min(window.size(), sizes_.maximum);
    if (const std::size_t cut = find(window.first(end)); cut != 0) return cut;
    return end == sizes_.maximum || at_end ? end : 0;
  }

  /// The hash at the end of the chunk that next_cut found at `cut` in `window`, as fastcdc-rs reports it; 0 if
  /// the chunk is no longer than the minimum.
  [[nodiscard]] std::uint64_t fingerprint(bytes_view window, std::size_t cut) const noexcept {
    const std::size_t end = std::min(window.size(), sizes_.maximum);
    if (end <= sizes_.minimum) return 0;
    // a chunk that ends at a hit leaves the byte that made it to the next chunk
    const std::size_t hashed = cut < end ? cut + 1 : even(end);
    const std::uint64_t hash =
        detail::state_at(detail::gear_hash{gear_.data(), 0}, window.data(), even(sizes_.minimum), hashed);
    return cut < end && cut % 2 == 0 ? hash << 1 : hash;
  }

 private:
  // The algorithm takes two bytes at a time, so its limits are even numbers, and in the middle of a pair its
  // hash is shifted one bit further.
  static constexpr std::size_t even(std::size_t size) noexcept { return size & ~std::size_t{1}; }

  static constexpr std::uint64_t mask(int bits) noexcept {
    return detail::fastcdc_masks[static_cast<std::size_t>(bits - detail::fastcdc_first_mask)];
  }

  /// The first cut inside `bytes`, or 0.
  std::size_t find(bytes_view bytes) const noexcept {
    const std::size_t begin = even(sizes_.minimum);
    const std::size_t end = even(bytes.size());
    const std::size_t middle = std::min(even(sizes_.average), end);
    if (bytes.size() <= sizes_.minimum || end == begin) return 0;
    std::size_t hit = 0;
    if (begin < middle) hit = first_hit(before(), bytes.data(), begin, begin + 1, middle);
    if (hit == 0 && middle < end) hit = first_hit(after(), bytes.data(), begin, middle + 1, end);
    return hit == 0 ? 0 : hit - 1;
  }

  detail::gear_hash before() const noexcept { return {gear_.data(), mask_before_}; }
  detail::gear_hash after() const noexcept { return {gear_.data(), mask_after_}; }

  chunk_sizes sizes_;
  std::uint64_t mask_before_ = 0;  // up to the average: one bit more, so cuts are rarer
  std::uint64_t mask_after_ = 0;   // from there on: one bit less
  std::array<std::uint64_t, 256> gear_;
};
static_assert(chunker<fastcdc_chunker>);

}  // namespace shoal
