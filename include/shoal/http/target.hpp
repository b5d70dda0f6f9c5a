// SPDX-License-Identifier: BSL-1.0
//
// What a request's target says: its path, and the parameters of its query (RFC 3986, section 3).
//
//     const target_parts parts = split_target("/ipfs/bafy/a%20b?format=car&dups=y");
//     for (std::string_view rest = parts.query; !rest.empty();) {
//       const query_parameter p = take_parameter(rest);
//       if (p.name == "format") use(percent_decode(p.value));
//     }
//
// A plus sign is a plus sign: only HTML forms write a space that way.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <string>
#include <string_view>

#include <shoal/base/result.hpp>

namespace shoal::http {

/// Views of the target, still encoded.
struct target_parts {
  std::string_view path;
  std::string_view query;  ///< without the "?"
};

[[nodiscard]] constexpr target_parts split_target(std::string_view target) noexcept {
  const std::size_t question = target.find('?');
  if (question == std::string_view::npos) return {target, {}};
  return {target.substr(0, question), target.substr(question + 1)};
}

/// Views of the query, still encoded.
struct query_parameter {
  std::string_view name;
  std::string_view value;  ///< empty when there is none
};

/// Takes a parameter off the front of a query, with the "&" behind it.
[[nodiscard]] constexpr query_parameter take_parameter(std::string_view& query) noexcept {
  const std::string_view pair = query.substr(0, query.find('&'));
  query.remove_prefix(std::min(query.size(), pair.size() + 1));
  const std::size_t equals = pair.find('=');
  if (equals == std::string_view::npos) return {pair, {}};
  return {pair.substr(0, equals), pair.substr(equals + 1)};
}

/// errc::malformed when a % is not followed by two hexadecimal digits.
[[nodiscard]] inline result<std::string> percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    char c = text.front();
    std::size_t taken = 1;
    if (c == '%') {
      unsigned value = 0;
      if (text.size() < 3) return errc::malformed;
      const char* const digits = text.data() + 1;
      if (std::from_chars(digits, digits + 2, value, 16).ptr != digits + 2) return errc::malformed;
      c = static_cast<char>(value);
      taken = 3;
    }
    out.push_back(c);
    text.remove_prefix(taken);
  }
  return out;
}

/// Leaves alone what means nothing in any part of a URL (RFC 3986, section 2.3), and what is in `also`.
inline void append_percent_encoded(std::string& out, std::string_view text, std::string_view also = {}) {
  constexpr std::string_view plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  constexpr std::string_view digits = "0123456789ABCDEF";
  for (const char c : text) {
    if (plain.find(c) != std::string_view::npos || also.find(c) != std::string_view::npos) {
      out.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out.append({'%', digits[byte >> 4], digits[byte & 15]});
    }
  }
}

}  // namespace shoal::http
