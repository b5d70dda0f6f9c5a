// SPDX-License-Identifier: BSL-1.0
//
// Numbers as people write them on command lines and in URIs: parse_number("0x3f200000"), and split("a,b", ',').
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>
#include <vector>

namespace common {

/// Decimal, or hexadecimal behind 0x; nothing else before or behind.
inline std::optional<std::uint64_t> parse_number(std::string_view text) {
  const bool hexadecimal = text.starts_with("0x");
  if (hexadecimal) text.remove_prefix(2);
  std::uint64_t number = 0;
  const auto [end, wrong] =
      std::from_chars(text.data(), text.data() + text.size(), number, hexadecimal ? 16 : 10);
  if (wrong != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// The parts between the separators; none of an empty text.
inline std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
  }
  return parts;
}

}  // namespace common
