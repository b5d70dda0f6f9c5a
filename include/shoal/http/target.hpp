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
// What is encoded stays so: base/percent_coding.hpp decodes it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

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

}  // namespace shoal::http
