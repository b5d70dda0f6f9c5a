// SPDX-License-Identifier: BSL-1.0
//
// place: where a server listens, as people write it: HOST:PORT, [::1]:PORT, or a PORT alone.
//
//     const place where = parse_place("--http", "127.0.0.1:8080");
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <system_error>

#include "message.hpp"

namespace common {

struct place {
  std::string host;  ///< a name or an address, without brackets; empty where none was written
  std::uint16_t port = 0;
};

/// @param option  that gave it, for messages  @throws failure
inline place parse_place(const std::string& option, const std::string& text) {
  const std::size_t colon = text.rfind(':');
  const std::string port = colon == text.npos ? text : text.substr(colon + 1);
  place out;
  if (colon != text.npos) out.host = text.substr(0, colon);
  if (out.host.starts_with('[') && out.host.ends_with(']')) out.host = out.host.substr(1, out.host.size() - 2);
  const auto [end, wrong] = std::from_chars(port.data(), port.data() + port.size(), out.port);
  if (wrong != std::errc{} || end != port.data() + port.size()) {
    throw failure{option + ": '" + text + "' is no address",
                  "write HOST:PORT, [::1]:PORT, or a PORT alone; 0 is any free one", exit_usage};
  }
  return out;
}

}  // namespace common
