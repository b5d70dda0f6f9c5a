// SPDX-License-Identifier: BSL-1.0
//
// Names as parts of a URI (RFC 3986), and URIs of NBD servers.
#pragma once

#include <string>
#include <string_view>

namespace common {

/// True for nbd+unix: and nbds+unix:.
inline bool is_nbd_unix(std::string_view uri) {
  return uri.starts_with("nbd+unix:") || uri.starts_with("nbds+unix:");
}
/// True for these, nbd: and nbds:.
inline bool is_nbd(std::string_view uri) {
  return uri.starts_with("nbd:") || uri.starts_with("nbds:") || is_nbd_unix(uri);
}

/// `text` with all that a path or a query cannot hold written as %XX; slashes stay. A semicolon ends a
/// parameter for some readers of queries.
inline std::string uri_escape(std::string_view text) {
  static constexpr std::string_view plain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/:@!$'()*,";
  static constexpr std::string_view digits = "0123456789ABCDEF";
  std::string escaped;
  for (const char c : text) {
    if (plain.find(c) != plain.npos) {
      escaped += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      escaped += {'%', digits[byte >> 4], digits[byte & 15]};
    }
  }
  return escaped;
}

}  // namespace common
