// SPDX-License-Identifier: BSL-1.0
//
// split("a,b", ','): lists as people write them on command lines and in URIs.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace common {

/// The parts between the separators; none of an empty text.
inline std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
  }
  return parts;
}

}  // namespace common
