// SPDX-License-Identifier: BSL-1.0
//
// body_length: where the body of a message ends, told by its head (RFC 9112, section 6).
//
//     result<body_length> length = body_length::of(fields, minor_version);
//
// Whoever reads this differently from its neighbour lets requests be smuggled: what is ambiguous is refused.
#pragma once

#include <cstddef>
#include <cstdint>

#include <shoal/base/result.hpp>
#include <shoal/http/field_list.hpp>
#include <shoal/http/syntax.hpp>

namespace shoal::http {

struct body_length {
  enum class kind : std::uint8_t {
    unsaid,   ///< no field says so: a request has no body, a response's ends with the connection
    sized,    ///< `bytes` long
    chunked,  ///< in pieces with their sizes before them
  };
  kind how = kind::unsaid;
  std::uint64_t bytes = 0;  ///< of a sized body
  friend bool operator==(const body_length&, const body_length&) = default;

  /// errc::malformed for two lengths or a length beside a coding, errc::unsupported for a coding other than
  /// "chunked", errc::limit_exceeded for a length past 2^63 - 1.
  [[nodiscard]] static result<body_length> of(const field_list& fields, unsigned minor_version) noexcept {
    const std::size_t lengths = fields.count("Content-Length");
    const std::size_t codings = fields.count("Transfer-Encoding");
    if (lengths + codings > 1) return errc::malformed;
    if (codings == 1) {
      if (minor_version == 0) return errc::malformed;
      if (!equal_ignoring_case(*fields.find("Transfer-Encoding"), "chunked")) return errc::unsupported;
      return body_length{kind::chunked, 0};
    }
    if (lengths == 0) return body_length{};
    const result<std::uint64_t> bytes = parse_decimal(*fields.find("Content-Length"));
    if (!bytes) return bytes.error();
    return body_length{kind::sized, *bytes};
  }
};

}  // namespace shoal::http
