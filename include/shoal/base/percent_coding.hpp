// SPDX-License-Identifier: BSL-1.0
//
// Percent-encoding (RFC 3986, section 2.1): bytes in a part of a URI or of a multiaddr.
//
//     std::string path = "/";
//     append_percent_encoded(path, "root disk");              // "/root%20disk"
//     result<std::string> name = percent_decode("root%20disk");
//
// A plus sign is a plus sign: only HTML forms write a space that way.
#pragma once

#include <charconv>
#include <string>
#include <string_view>

#include <shoal/base/result.hpp>

namespace shoal {

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

/// Leaves alone what means nothing in any part of a URI (RFC 3986, section 2.3), and what is in `also`.
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

}  // namespace shoal
