// SPDX-License-Identifier: BSL-1.0
//
// Views of bytes, the one currency in which every room takes and gives raw data, and the sizes
// that storage is measured in.
//
//     bytes_view name = as_bytes("base:allocation");
//     offset root{device, 1_MiB, 512_MiB};
//
// Freestanding. Owns nothing: lifetime is the caller's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace shoal {

/// Bytes to read. Does not own them.
using bytes_view = std::span<const std::byte>;
/// Bytes to fill. Does not own them.
using bytes_span = std::span<std::byte>;

/// The bytes of a text, without a terminator.
[[nodiscard]] inline bytes_view as_bytes(std::string_view text) noexcept {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

/// Bytes seen as text. Nothing is checked or converted.
[[nodiscard]] inline std::string_view as_text(bytes_view bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// True when [offset, offset + length) lies inside [0, size). Written so that no sum can wrap: a peer
/// chooses offset and length.
[[nodiscard]] constexpr bool contains(std::uint64_t size, std::uint64_t offset, std::uint64_t length) noexcept {
  return offset <= size && length <= size - offset;
}

inline namespace literals {
constexpr std::uint64_t operator""_KiB(unsigned long long n) noexcept {
  return n << 10;
}
constexpr std::uint64_t operator""_MiB(unsigned long long n) noexcept {
  return n << 20;
}
constexpr std::uint64_t operator""_GiB(unsigned long long n) noexcept {
  return n << 30;
}
}  // namespace literals

}  // namespace shoal
