// SPDX-License-Identifier: BSL-1.0
//
// field_list: the fields of a message that was received (RFC 9112, section 5).
//
//     result<field_list> fields = field_list::parse(lines);       // the text outlives the list
//     if (const auto type = fields->find("Content-Type")) use(*type);
//     if (fields->lists("Connection", "close")) ...
//
// Strict: no folded lines, no space before a colon, no control characters.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include <shoal/base/result.hpp>
#include <shoal/http/syntax.hpp>

namespace shoal::http {

/// A field line. Views of the message's text.
struct field {
  std::string_view name;
  std::string_view value;  ///< without the blanks around it
};

class field_list {
 public:
  static constexpr std::size_t max_fields = 100;

  /// Reads lines that end with CR LF each. errc::malformed, errc::limit_exceeded past max_fields.
  [[nodiscard]] static result<field_list> parse(std::string_view lines) {
    field_list out;
    while (!lines.empty()) {
      const std::size_t end = lines.find("\r\n");
      if (end == std::string_view::npos) return errc::malformed;
      const std::string_view line = lines.substr(0, end);
      lines.remove_prefix(end + 2);
      const std::size_t colon = line.find(':');
      if (colon == std::string_view::npos) return errc::malformed;
      const field found{line.substr(0, colon), trim(line.substr(colon + 1))};
      if (!is_token(found.name) || !std::ranges::all_of(found.value, is_field_character))
        return errc::malformed;
      if (out.fields_.size() == max_fields) return errc::limit_exceeded;
      out.fields_.push_back(found);
    }
    return out;
  }

  /// The value of the first field of that name.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept {
    for (const field& each : fields_) {
      if (equal_ignoring_case(each.name, name)) return each.value;
    }
    return std::nullopt;
  }

  [[nodiscard]] std::size_t count(std::string_view name) const noexcept {
    return static_cast<std::size_t>(std::ranges::count_if(
        fields_, [&](const field& each) { return equal_ignoring_case(each.name, name); }));
  }

  /// Is `member` in one of the comma-separated lists of that name?
  [[nodiscard]] bool lists(std::string_view name, std::string_view member) const noexcept {
    return std::ranges::any_of(fields_, [&](const field& each) {
      if (!equal_ignoring_case(each.name, name)) return false;
      for (std::string_view rest = each.value; !rest.empty();) {
        if (equal_ignoring_case(take_member(rest, ','), member)) return true;
      }
      return false;
    });
  }

  [[nodiscard]] auto begin() const noexcept { return fields_.begin(); }
  [[nodiscard]] auto end() const noexcept { return fields_.end(); }
  [[nodiscard]] std::size_t size() const noexcept { return fields_.size(); }

 private:
  std::vector<field> fields_;
};

}  // namespace shoal::http
