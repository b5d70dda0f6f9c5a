// SPDX-License-Identifier: BSL-1.0
//
// rabin_chunker: Kubo's "rabin". Cuts where the Rabin fingerprint of the last 16 bytes ends in enough zero
// bits. For the CIDs it gives; buzhash and fastcdc do the same several times as fast.
//
//     rabin_chunker chunker{rabin_chunker::around(262144)};
//     const std::size_t cut = chunker.next_cut(window, at_end);
//
// Leaves out other polynomials: Kubo has one.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <stdexcept>

#include <shoal/base/bytes.hpp>
#include <shoal/content/chunker/concepts.hpp>
#include <shoal/content/chunker/rolling.hpp>

namespace shoal {

namespace detail {

/// Remainder of the last 16 bytes, as a polynomial over GF(2), by an irreducible one of degree 53.
struct rabin_hash {
  using state = std::uint64_t;
  static constexpr std::size_t window = 16;
  static constexpr std::uint64_t polynomial = 0x3df305dfb2a805;  ///< boxo's IpfsRabinPoly, 17437180132763653
  static constexpr int degree = 53;

  struct tables {
    std::array<std::uint64_t, 256>
        reduce{};                           ///< b x^53 + (b x^53 mod polynomial): XOR takes the high byte down
    std::array<std::uint64_t, 256> drop{};  ///< b x^120 mod polynomial: what the oldest byte contributes
  };
  static const tables table;

  std::uint64_t mask;

  static constexpr state append(const tables& t, state s, std::uint64_t in) noexcept {
    return ((s << 8) | in) ^ t.reduce[static_cast<std::size_t>(s >> (degree - 8))];
  }
  static state add(state s, std::byte in) noexcept {
    return append(table, s, std::to_integer<std::uint64_t>(in));
  }
  static state roll(state s, const std::byte* at) noexcept {
    return add(s ^ table.drop[std::to_integer<std::size_t>(*(at - window))], *at);
  }
  bool hit(state s) const noexcept { return (s & mask) == 0; }

  static consteval tables make_tables() {
    tables made{};
    for (std::size_t b = 0; b < 256; ++b) {
      const std::uint64_t high = std::uint64_t{b} << degree;
      std::uint64_t rest = high;
      for (int bit = degree + 7; bit >= degree; --bit) {
        if ((rest >> bit & 1) != 0) rest ^= polynomial << (bit - degree);
      }
      made.reduce[b] = rest | high;
    }
    for (std::size_t b = 0; b < 256; ++b) {
      made.drop[b] = b;
      for (std::size_t i = 1; i < window; ++i) made.drop[b] = append(made, made.drop[b], 0);
    }
    return made;
  }
};
inline constexpr rabin_hash::tables rabin_hash::table = rabin_hash::make_tables();
static_assert(rolling_hash<rabin_hash>);

}  // namespace detail

/// Kubo's "rabin".
class rabin_chunker {
 public:
  static constexpr std::size_t least_minimum = detail::rabin_hash::window;  ///< bytes
  static constexpr std::size_t default_average = 256 << 10;                 ///< bytes: Kubo's plain "rabin"

  /// @throws std::invalid_argument unless least_minimum <= minimum <= average <= maximum
  explicit constexpr rabin_chunker(chunk_sizes sizes)
      : sizes_(sizes), mask_(std::bit_floor(sizes.average) - 1) {
    if (sizes.minimum < least_minimum || sizes.minimum > sizes.average || sizes.average > sizes.maximum) {
      throw std::invalid_argument("rabin_chunker: sizes out of bounds or out of order");
    }
  }

  /// What Kubo makes of an average alone: a third of it at least, half as much again at most.
  [[nodiscard]] static constexpr chunk_sizes around(std::size_t average) noexcept {
    return {average / 3, average, average + average / 2};
  }

  [[nodiscard]] constexpr chunk_sizes sizes() const noexcept { return sizes_; }
  [[nodiscard]] constexpr std::size_t max_size() const noexcept { return sizes_.maximum; }

  [[nodiscard]] std::size_t next_cut(bytes_view window, bool at_end) const noexcept {
    const std::size_t end = std::min(window.size(), sizes_.maximum);
    if (end >= sizes_.minimum) {
      const std::size_t cut = first_hit(detail::rabin_hash{mask_}, window.data(),
                                        sizes_.minimum - detail::rabin_hash::window, sizes_.minimum, end);
      if (cut != 0) return cut;
    }
    return end == sizes_.maximum || at_end ? end : 0;
  }

 private:
  chunk_sizes sizes_;
  std::uint64_t mask_;
};
static_assert(chunker<rabin_chunker>);

}  // namespace shoal
