// SPDX-License-Identifier: BSL-1.0
//
// byte_text: bytes for people: two digits each, hexadecimal.
//
//     byte_text(bytes, " ");  // "29 00"
//
// Leaves out encodings that are read again: content/multibase.hpp.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <shoal/base/bytes.hpp>

namespace shoal {

/// @param between  what stands between two bytes
[[nodiscard]] inline std::string byte_text(bytes_view bytes, std::string_view between = {}) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (const std::byte each : bytes) {
    if (!out.empty()) out += between;
    out += digits[std::to_integer<std::size_t>(each >> 4)];
    out += digits[std::to_integer<std::size_t>(each & std::byte{15})];
  }
  return out;
}

}  // namespace shoal
