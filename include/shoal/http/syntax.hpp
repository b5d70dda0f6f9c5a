// SPDX-License-Identifier: BSL-1.0
//
// The small words of HTTP: tokens, field values, lists and numbers (RFC 9110, section 5.6).
//
//     while (!list.empty()) use(take_member(list, ','));
//     if (equal_ignoring_case(name, "content-length")) ...
//
// Views of the text; nothing is allocated or unescaped.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <system_error>

#include <shoal/base/result.hpp>

namespace shoal::http {

[[nodiscard]] constexpr char to_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// As HTTP compares names of fields, parameters and codings: ASCII letters are the same in both cases.
[[nodiscard]] constexpr bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, {}, to_lower, to_lower);
}

[[nodiscard]] constexpr bool is_token_character(char c) noexcept {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  const char lower = to_lower(c);
  return (c >= '0' && c <= '9') || (lower >= 'a' && lower <= 'z') || marks.find(c) != std::string_view::npos;
}

/// One or more characters that a method, a field name or a parameter may consist of (5.6.2).
[[nodiscard]] constexpr bool is_token(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, is_token_character);
}

/// May this character stand in a field's value (5.5)? Control characters may not, except the tab.
[[nodiscard]] constexpr bool is_field_character(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return c == '\t' || (byte >= 0x20 && byte != 0x7f);
}

/// Without spaces and tabs at its edges (5.6.3).
[[nodiscard]] constexpr std::string_view trim(std::string_view text) noexcept {
  constexpr std::string_view blank = " \t";
  const std::size_t first = text.find_first_not_of(blank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

/// Takes the text in front of the next separator off `list`, trimmed, and the separator. A separator inside
/// quotes does not count (5.6.4).
[[nodiscard]] constexpr std::string_view take_member(std::string_view& list, char separator) noexcept {
  bool quoted = false;
  std::size_t end = 0;
  for (; end < list.size() && (quoted || list[end] != separator); ++end) {
    if (list[end] == '"') quoted = !quoted;
    if (quoted && list[end] == '\\' && end + 1 < list.size()) ++end;
  }
  const std::string_view member = trim(list.substr(0, end));
  list.remove_prefix(end < list.size() ? end + 1 : end);
  return member;
}

/// One or more digits that are the whole text. errc::malformed; errc::limit_exceeded past 2^63 - 1.
[[nodiscard]] inline result<std::uint64_t> parse_decimal(std::string_view text) noexcept {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, wrong] = std::from_chars(text.data(), end, value);
  if (wrong == std::errc::invalid_argument || stop != end) return errc::malformed;
  if (wrong != std::errc{} || value > INT64_MAX) return errc::limit_exceeded;
  return value;
}

}  // namespace shoal::http
