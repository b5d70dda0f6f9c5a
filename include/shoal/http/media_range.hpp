// SPDX-License-Identifier: BSL-1.0
//
// media_range: a member of an Accept field, or a content type (RFC 9110, sections 12.5.1 and 8.3.1).
//
//     for (std::string_view rest = accept; !rest.empty();) {
//       const media_range range = take_media_range(rest);
//       if (range.is("application/vnd.ipld.car")) use(range.parameter("dups"));
//     }
//
// Views of the field. Escapes in quoted values are left as they are.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include <shoal/http/syntax.hpp>

namespace shoal::http {

struct media_range {
  std::string_view type;        ///< "text/html", "text/*" or "*/*"; whatever stood there
  std::string_view parameters;  ///< what follows the first ";"

  /// The same type, not only a range that it is in.
  [[nodiscard]] bool is(std::string_view name) const noexcept { return equal_ignoring_case(type, name); }

  /// The first parameter of that name, without the quotes around it.
  [[nodiscard]] std::optional<std::string_view> parameter(std::string_view name) const noexcept {
    for (std::string_view rest = parameters; !rest.empty();) {
      const std::string_view pair = take_member(rest, ';');
      const std::size_t equals = pair.find('=');
      if (equals == std::string_view::npos || !equal_ignoring_case(trim(pair.substr(0, equals)), name))
        continue;
      std::string_view value = trim(pair.substr(equals + 1));
      if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
        value = value.substr(1, value.size() - 2);
      return value;
    }
    return std::nullopt;
  }

  /// How much it is wanted, in thousandths: 1000 unless "q" says less. 0 means never; so does what is no
  /// number.
  [[nodiscard]] unsigned quality() const noexcept {
    const std::optional<std::string_view> q = parameter("q");
    if (!q) return 1000;
    if (q->empty() || q->size() > 5 || (q->size() > 1 && (*q)[1] != '.')) return 0;
    unsigned value = 0;
    for (std::size_t i = 0; i < 5; ++i) {
      if (i == 1) continue;
      const char digit = i < q->size() ? (*q)[i] : '0';
      if (digit < '0' || digit > '9') return 0;
      value = value * 10 + static_cast<unsigned>(digit - '0');
    }
    return value > 1000 ? 0 : value;
  }
};

/// Takes the next member off a list of ranges, such as the value of an Accept field. Its type is empty when the
/// member is.
[[nodiscard]] inline media_range take_media_range(std::string_view& list) noexcept {
  std::string_view member = take_member(list, ',');
  const std::string_view type = take_member(member, ';');
  return {type, member};
}

}  // namespace shoal::http
