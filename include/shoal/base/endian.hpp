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

namespace shoal {

namespace detail {

template <std::unsigned_integral T>
constexpr T load(const std::byte* from, bool big) noexcept {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    const std::size_t shift = 8 * (big ? sizeof(T) - 1 - i : i);
    value = static_cast<T>(value | static_cast<T>(std::to_integer<T>(from[i]) << shift));
  }
  return value;
}

template <std::unsigned_integral T>
constexpr void store(std::byte* to, T value, bool big) noexcept {
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    const std::size_t shift = 8 * (big ? sizeof(T) - 1 - i : i);
    to[i] = static_cast<std::byte>(static_cast<std::uint64_t>(value) >> shift);
  }
}

}  // namespace detail

// Compilers turn each of these into one load or store, with a byte swap where it is needed.

template <std::unsigned_integral T>
[[nodiscard]] constexpr T load_be(const std::byte* from) noexcept {
  return detail::load<T>(from, true);
}
template <std::unsigned_integral T>
[[nodiscard]] constexpr T load_le(const std::byte* from) noexcept {
  return detail::load<T>(from, false);
}
template <std::unsigned_integral T>
constexpr void store_be(std::byte* to, T value) noexcept {
  detail::store<T>(to, value, true);
}
template <std::unsigned_integral T>
constexpr void store_le(std::byte* to, T value) noexcept {
  detail::store<T>(to, value, false);
}

}  // namespace shoal
