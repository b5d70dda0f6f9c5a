// SPDX-License-Identifier: BSL-1.0
//
// The heads of CBOR (RFC 8949, section 3): the byte to nine bytes that start every data item. Shortest form and
// definite lengths only, so that one value has one encoding.
//
//     const status_or<cbor::head> h = cbor::take_head(rest);
//     if (h && h->type == cbor::major::text) use(rest.first(h->argument));    // after a check of the length
//
// Freestanding. Whole items are read by cbor/reader.hpp and written by cbor/writer.hpp.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/base/status.hpp>

namespace shoal::cbor {

/// The major types (section 3.1).
enum class major : std::uint8_t {
  unsigned_integer = 0,
  negative_integer = 1,
  bytes = 2,
  text = 3,
  array = 4,
  map = 5,
  tag = 6,
  simple = 7,
};

/// No head is longer than this many bytes.
inline constexpr std::size_t max_head_size = 9;

/// A head taken apart.
struct head {
  major type = major::unsigned_integer;
  std::uint8_t width = 0;      ///< bytes of the argument behind the first byte: 0, 1, 2, 4 or 8
  std::uint64_t argument = 0;  ///< a value, a count, a tag number, or the bits of a float of `width` bytes
};

/// Takes one head off the front of `input`, which is unchanged on error.
///
/// truncated when the input ends inside it; malformed for an argument that has a shorter form or for reserved
/// values; unsupported for indefinite lengths and their "break".
[[nodiscard]] constexpr status_or<head> take_head(bytes_view& input) noexcept {
  if (input.empty()) return status::truncated;
  const auto first = std::to_integer<unsigned>(input[0]);
  head out{static_cast<major>(first >> 5), 0, first & 31};
  if (out.argument == 31) return status::unsupported;
  if (out.argument > 27) return status::malformed;
  if (out.argument >= 24) {
    out.width = static_cast<std::uint8_t>(1u << (out.argument - 24));
    if (input.size() - 1 < out.width) return status::truncated;
    out.argument = 0;
    for (std::size_t i = 1; i <= out.width; ++i) {
      out.argument = out.argument << 8 | std::to_integer<std::uint64_t>(input[i]);
    }
    // A float's bits may be small; a simple value of one byte starts at 32; all other arguments are numbers.
    const bool is_float = out.type == major::simple && out.width > 1;
    const std::uint64_t least = out.type == major::simple ? 32
                                : out.width == 1          ? 24
                                                          : std::uint64_t{1} << (4 * out.width);
    if (!is_float && out.argument < least) return status::malformed;
  }
  input = input.subspan(1 + out.width);
  return out;
}

/// Writes the shortest head with this argument and returns its size. @pre out has room for max_head_size bytes
constexpr std::size_t put_head(std::byte* out, major type, std::uint64_t argument) noexcept {
  const auto high = static_cast<unsigned>(type) << 5;
  if (argument < 24) {
    out[0] = static_cast<std::byte>(high | argument);
    return 1;
  }
  const unsigned power = argument <= 0xff ? 0 : argument <= 0xffff ? 1 : argument <= 0xffffffff ? 2 : 3;
  const std::size_t width = std::size_t{1} << power;
  out[0] = static_cast<std::byte>(high | (24 + power));
  for (std::size_t i = 0; i < width; ++i)
    out[1 + i] = static_cast<std::byte>(argument >> (8 * (width - 1 - i)));
  return 1 + width;
}

/// The value of a float's bits. @pre h.type == major::simple and h.width is 2, 4 or 8
[[nodiscard]] constexpr double float_value(const head& h) noexcept {
  if (h.width == 8) return std::bit_cast<double>(h.argument);
  if (h.width == 4) return static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(h.argument)));
  const std::uint64_t sign = h.argument >> 15 << 63;
  const std::uint64_t exponent = h.argument >> 10 & 31;
  const std::uint64_t fraction = h.argument & 0x3ff;
  if (exponent == 0) {
    constexpr double smallest = 1.0 / (1u << 24);
    return (sign != 0 ? -smallest : smallest) * static_cast<double>(fraction);
  }
  const std::uint64_t wide = exponent == 31 ? 0x7ff : exponent - 15 + 1023;
  return std::bit_cast<double>(sign | wide << 52 | fraction << 42);
}

}  // namespace shoal::cbor
