// SPDX-License-Identifier: BSL-1.0
//
// uri: where an NBD export is, as clients write it (github.com/NetworkBlockDevice/nbd, doc/uri.md).
//
//     nbd::uri where{.host = "localhost", .port = 10809, .export_name = "root disk"};
//     where.text();                                             // nbd://localhost:10809/root%20disk
//     result<nbd::uri> parsed = nbd::uri::parse("nbd+unix:///disk?socket=/run/nbd.sock");
//
// Leaves out vsock, and keeps of a query only the socket and where certificates are.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <shoal/base/error.hpp>
#include <shoal/base/percent_coding.hpp>
#include <shoal/base/result.hpp>

namespace shoal::nbd {

struct uri {
  /// IANA's port for NBD.
  static constexpr std::uint16_t default_port = 10809;

  bool tls = false;
  std::string host;  ///< a name or an address, IPv6 without brackets; empty for a Unix socket
  std::uint16_t port = default_port;
  std::string socket;       ///< path of a Unix socket, or empty
  std::string export_name;  ///< empty is the default export
  /// A folder with ca-cert.pem, which the server's certificate is held against; empty: what the system trusts.
  std::string tls_certificates = {};
  friend bool operator==(const uri&, const uri&) = default;

  /// errc::malformed for what is no NBD URI, errc::unsupported for another scheme.
  static result<uri> parse(std::string_view text);
  /// The shortest text that parse() reads as the same.
  [[nodiscard]] std::string text() const;
};

namespace detail {

/// False when a % is not followed by two hexadecimal digits.
inline bool decode_part(std::string_view text, std::string& out) {
  result<std::string> decoded = percent_decode(text);
  if (decoded) out = std::move(*decoded);
  return decoded.has_value();
}

/// "host", "host:port" or "[v6]:port".
inline bool parse_authority(std::string_view text, uri& out) {
  if (const std::size_t at = text.rfind('@'); at != std::string_view::npos) text.remove_prefix(at + 1);
  std::string_view host = text;
  std::string_view port;
  const std::size_t colon = text.rfind(':');
  const std::size_t bracket = text.rfind(']');
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || bracket < colon)) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
  }
  if (!host.empty() && host.front() == '[') {
    if (host.back() != ']') return false;
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return false;
  }
  if (!port.empty()) {
    const char* const end = port.data() + port.size();
    const auto read = std::from_chars(port.data(), end, out.port);
    if (read.ec != std::errc{} || read.ptr != end) return false;
  }
  return decode_part(host, out.host) && out.host.find_first_of("/?#[]@") == std::string::npos;
}

inline bool parse_query(std::string_view text, uri& out) {
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), pair.size() + 1));
    constexpr std::string_view socket = "socket=";
    constexpr std::string_view certificates = "tls-certificates=";
    if (pair.starts_with(socket) && !decode_part(pair.substr(socket.size()), out.socket)) return false;
    if (pair.starts_with(certificates) &&
        !decode_part(pair.substr(certificates.size()), out.tls_certificates)) {
      return false;
    }
  }
  return true;
}

}  // namespace detail

inline result<uri> uri::parse(std::string_view text) {
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos) return errc::malformed;
  const std::string_view scheme = text.substr(0, colon);
  text.remove_prefix(colon + 3);
  uri out;
  const bool is_unix = scheme == "nbd+unix" || scheme == "nbds+unix";
  out.tls = scheme == "nbds" || scheme == "nbds+unix";
  if (!is_unix && scheme != "nbd" && scheme != "nbds") return errc::unsupported;

  text = text.substr(0, text.find('#'));
  const std::size_t question = text.find('?');
  const std::string_view query = question == std::string_view::npos ? "" : text.substr(question + 1);
  text = text.substr(0, question);
  const std::size_t slash = text.find('/');
  const std::string_view name = slash == std::string_view::npos ? "" : text.substr(slash + 1);
  const std::string_view authority = text.substr(0, slash);
  if (!detail::parse_authority(authority, out) || !detail::parse_query(query, out) ||
      !detail::decode_part(name, out.export_name)) {
    return errc::malformed;
  }
  // the place is one or the other
  if (is_unix ? out.socket.empty() || !out.host.empty() : out.host.empty() || !out.socket.empty()) {
    return errc::malformed;
  }
  return out;
}

inline std::string uri::text() const {
  std::string out = tls ? "nbds" : "nbd";
  if (!socket.empty()) {
    out += "+unix:///";
  } else {
    out += "://";
    if (host.find(':') != std::string::npos) {
      out += "[" + host + "]";
    } else {
      append_percent_encoded(out, host);
    }
    if (port != default_port) out += ":" + std::to_string(port);
    out += "/";
  }
  append_percent_encoded(out, export_name, "/:@");
  char before = '?';
  const auto append_part = [&](std::string_view key, const std::string& value) {
    if (value.empty()) return;
    out += std::exchange(before, '&');
    out += key;
    append_percent_encoded(out, value, "/");
  };
  append_part("socket=", socket);
  append_part("tls-certificates=", tls_certificates);
  return out;
}

}  // namespace shoal::nbd
