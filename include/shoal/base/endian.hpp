// SPDX-License-Identifier: BSL-1.0
//
// Integers in memory with a stated byte order and no alignment: what every wire format is made of.
//
//     const auto length = load_be<std::uint32_t>(header.data() + 4);
//     store_le<std::uint64_t>(index.data(), offset);
//
// Freestanding. The caller has checked that sizeof(T) bytes are there.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace shoal {

namespace detail {

template <std::unsigned_integral T>
constexpr T swap_bytes(T value) noexcept {
  if constexpr (sizeof(T) == 2) return __builtin_bswap16(value);
  if constexpr (sizeof(T) == 4) return __builtin_bswap32(value);
  if constexpr (sizeof(T) == 8) return __builtin_bswap64(value);
  return value;
}

// One load or store, with a byte swap where it is needed: of a loop over bytes g++ 12 makes a loop. The
// builtin, because a call of std::memcpy stays one where there is no library.

template <std::endian Order, std::unsigned_integral T>
constexpr T load(const std::byte* from) noexcept {
  T value = 0;
  if (std::is_constant_evaluated()) {
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      const std::size_t shift = 8 * (Order == std::endian::big ? sizeof(T) - 1 - i : i);
      value = static_cast<T>(value | static_cast<T>(std::to_integer<T>(from[i]) << shift));
    }
    return value;
  }
  __builtin_memcpy(&value, from, sizeof value);
  return Order == std::endian::native ? value : swap_bytes(value);
}

template <std::endian Order, std::unsigned_integral T>
constexpr void store(std::byte* to, T value) noexcept {
  if (std::is_constant_evaluated()) {
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      const std::size_t shift = 8 * (Order == std::endian::big ? sizeof(T) - 1 - i : i);
      to[i] = static_cast<std::byte>(static_cast<std::uint64_t>(value) >> shift);
    }
    return;
  }
  const T ordered = Order == std::endian::native ? value : swap_bytes(value);
  __builtin_memcpy(to, &ordered, sizeof ordered);
}

}  // namespace detail

template <std::unsigned_integral T>
[[nodiscard]] constexpr T load_be(const std::byte* from) noexcept {
  return detail::load<std::endian::big, T>(from);
}
template <std::unsigned_integral T>
[[nodiscard]] constexpr T load_le(const std::byte* from) noexcept {
  return detail::load<std::endian::little, T>(from);
}
template <std::unsigned_integral T>
constexpr void store_be(std::byte* to, T value) noexcept {
  detail::store<std::endian::big>(to, value);
}
template <std::unsigned_integral T>
constexpr void store_le(std::byte* to, T value) noexcept {
  detail::store<std::endian::little>(to, value);
}

}  // namespace shoal
