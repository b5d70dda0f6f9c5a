// SPDX-License-Identifier: BSL-1.0
//
// Does a client have this version already? Entity tags and If-None-Match (RFC 9110, sections 8.8.3 and 13.1.2).
//
//     if (any_etag_matches(*fields.find("If-None-Match"), "\"bafy.raw\"")) answer(304);
#pragma once

#include <string_view>

#include <shoal/http/syntax.hpp>

namespace shoal::http {

/// Compares as If-None-Match asks for: a weak tag ("W/...") is as good as the strong one.
/// @param list  the field's value: tags, or "*", which matches whatever there is
[[nodiscard]] inline bool any_etag_matches(std::string_view list, std::string_view etag) noexcept {
  const auto strong = [](std::string_view tag) { return tag.starts_with("W/") ? tag.substr(2) : tag; };
  while (!list.empty()) {
    const std::string_view tag = take_member(list, ',');
    if (tag == "*" || (!tag.empty() && strong(tag) == strong(etag))) return true;
  }
  return false;
}

}  // namespace shoal::http
