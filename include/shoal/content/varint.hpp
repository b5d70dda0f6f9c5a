// SPDX-License-Identifier: BSL-1.0
//
// Unsigned varints (github.com/multiformats/unsigned-varint): seven bits a byte, least significant first, at
// most nine bytes, shortest form only.
//
//     bytes_view rest = input;
//     result<std::uint64_t> length = take_varint(rest);   // rest now starts behind it
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>

namespace shoal {

/// No varint is longer than this many bytes, so values stay below 2^63 (specification, "Practical maximum").
inline constexpr std::size_t max_varint_size = 9;

/// Takes one varint off the front of `input`.
///
/// errc::truncated when the input ends inside it, errc::malformed for a form that is not the shortest or is
/// longer than max_varint_size. `input` is unchanged on error.
[[nodiscard]] inline result<std::uint64_t> take_varint(bytes_view& input) noexcept {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < max_varint_size; ++i) {
    if (i == input.size()) return errc::truncated;
    const auto byte = std::to_integer<std::uint64_t>(input[i]);
    value |= (byte & 0x7f) << (7 * i);
    if (byte < 0x80) {
      if (byte == 0 && i != 0) return errc::malformed;
      input = input.subspan(i + 1);
      return value;
    }
  }
  return errc::malformed;
}

/// How many bytes the varint of `value` takes.
[[nodiscard]] constexpr std::size_t varint_size(std::uint64_t value) noexcept {
  std::size_t size = 1;
  while (value >= 0x80) {
    value >>= 7;
    ++size;
  }
  return size;
}

/// Writes the varint of `value` to `out` and returns its size.
/// @pre value < 2^63 and out has room for varint_size(value) bytes
constexpr std::size_t put_varint(std::byte* out, std::uint64_t value) noexcept {
  std::size_t size = 0;
  while (value >= 0x80) {
    out[size++] = static_cast<std::byte>(value | 0x80);
    value >>= 7;
  }
  out[size++] = static_cast<std::byte>(value);
  return size;
}

/// Appends the varint of `value`. @pre value < 2^63
inline void append_varint(std::vector<std::byte>& out, std::uint64_t value) {
  std::byte bytes[max_varint_size + 1];
  const std::size_t size = put_varint(bytes, value);
  out.insert(out.end(), bytes, bytes + size);
}

}  // namespace shoal
