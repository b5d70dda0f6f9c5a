// SPDX-License-Identifier: BSL-1.0
//
// The reason phrases of the status codes that are used here (RFC 9110, section 15).
//
//     reason_phrase(404)      // "Not Found"
#pragma once

#include <string_view>

namespace shoal::http {

/// Empty for a code that is not in use here; a status line may do without.
[[nodiscard]] constexpr std::string_view reason_phrase(unsigned status) noexcept {
  switch (status) {
    case 200: return "OK";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 421: return "Misdirected Request";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    default: return {};
  }
}

}  // namespace shoal::http
