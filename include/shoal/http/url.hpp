// SPDX-License-Identifier: BSL-1.0
//
// url: where a server is, as people and redirects write it (RFC 9110, section 4.2).
//
//     result<url> where = url::parse("https://gateway.example:8443/base");
//     where->secure; where->host; where->port; where->target;
//     result<url> next = where->resolve("/elsewhere");        // a Location field
//
// Leaves out user names, which are refused, and fragments, which are dropped.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

#include <shoal/base/result.hpp>
#include <shoal/http/syntax.hpp>

namespace shoal::http {

struct url {
  static constexpr std::size_t max_size = 8u << 10;

  bool secure = false;       ///< https
  std::string host;          ///< a name or an address, IPv6 without brackets
  std::uint16_t port = 80;   ///< 80 or 443 when none is written
  std::string target = "/";  ///< path and query, encoded; starts with "/"
  friend bool operator==(const url&, const url&) = default;

  /// errc::malformed, errc::unsupported for schemes other than http and https, errc::limit_exceeded past
  /// max_size.
  [[nodiscard]] static result<url> parse(std::string_view text) {
    if (text.size() > max_size) return errc::limit_exceeded;
    const std::size_t colon = text.find("://");
    if (colon == std::string_view::npos) return errc::malformed;
    url out;
    out.secure = equal_ignoring_case(text.substr(0, colon), "https");
    if (!out.secure && !equal_ignoring_case(text.substr(0, colon), "http")) return errc::unsupported;
    text = text.substr(colon + 3, text.find('#', colon) - colon - 3);
    const std::size_t path = std::min(text.find_first_of("/?"), text.size());
    if (!out.read_authority(text.substr(0, path))) return errc::malformed;
    text.remove_prefix(path);
    out.target = text.starts_with('/') ? std::string{text} : std::string{"/"}.append(text);
    if (!std::ranges::all_of(out.target, [](char c) { return c > ' ' && c < '\x7f'; })) return errc::malformed;
    return out;
  }

  /// The place that a Location field of this one's answer names: a URL, or a path on the same server.
  /// errc::unsupported for paths that are relative to this one's.
  [[nodiscard]] result<url> resolve(std::string_view location) const {
    if (location.find("://") != std::string_view::npos) return parse(location);
    const std::string_view scheme = secure ? "https:" : "http:";
    if (location.starts_with("//")) return parse(std::string{scheme}.append(location));
    if (!location.starts_with('/')) return errc::unsupported;
    return parse(std::string{scheme}.append("//").append(authority()).append(location));
  }

  /// What the Host field says: the port only where it is not the scheme's own.
  [[nodiscard]] std::string authority() const {
    std::string out = host.find(':') == std::string::npos ? host : "[" + host + "]";
    if (port != (secure ? 443 : 80)) out.append(":").append(std::to_string(port));
    return out;
  }

 private:
  bool read_authority(std::string_view text) {
    port = secure ? 443 : 80;
    const std::size_t bracket = text.rfind(']');
    const std::size_t colon = text.rfind(':');
    std::string_view name = text;
    if (colon != std::string_view::npos && (bracket == std::string_view::npos || bracket < colon)) {
      name = text.substr(0, colon);
      const std::string_view digits = text.substr(colon + 1);
      const auto [stop, wrong] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
      if (wrong != std::errc{} || stop != digits.data() + digits.size() || port == 0) return false;
    }
    if (name.starts_with('[')) {
      if (!name.ends_with(']')) return false;
      name = name.substr(1, name.size() - 2);
      if (name.find_first_not_of("0123456789abcdefABCDEF:.") != std::string_view::npos) return false;
    } else if (!std::ranges::all_of(name, [](char c) {
                 const char lower = to_lower(c);
                 return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
                        c == '_';
               })) {
      return false;
    }
    host = name;
    return !host.empty();
  }
};

}  // namespace shoal::http
