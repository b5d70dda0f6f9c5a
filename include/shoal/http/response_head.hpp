// SPDX-License-Identifier: BSL-1.0
//
// response_head: what a server answers: the status line and the fields (RFC 9112, section 4).
//
//     result<response_head> head = response_head::parse(reader.take(), "GET");
//     if (head->status == 200) body_reader body{*head};
//
// Owns the text that it is made of. For clients.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include <shoal/base/result.hpp>
#include <shoal/http/body_length.hpp>
#include <shoal/http/field_list.hpp>
#include <shoal/http/syntax.hpp>

namespace shoal::http {

/// Moves, and keeps its views; does not copy.
struct response_head {
  unsigned status = 0;  ///< 100 to 599
  unsigned minor_version = 1;
  field_list fields;
  body_length body;         ///< sized and empty where a response has no body, whatever its fields say
  bool keep_alive = false;  ///< another request may follow when the body has been read

  response_head(response_head&&) = default;
  response_head& operator=(response_head&&) = default;

  /// Reads what head_reader gave. A status of 1xx is not the answer yet: read another head.
  ///
  /// @param method  of the request
  /// errc::malformed, errc::unsupported for versions other than 1.0 and 1.1 and codings other than "chunked",
  /// errc::limit_exceeded for too many fields and too long a body.
  [[nodiscard]] static result<response_head> parse(std::vector<char> text, std::string_view method) {
    response_head head{std::move(text)};
    const std::string_view all{head.text_.data(), head.text_.size()};
    const std::size_t end = all.find("\r\n");
    if (end == std::string_view::npos) return errc::malformed;
    const std::string_view line = all.substr(0, end);
    // HTTP/1.1 200 OK: the reason may be empty, and some leave out the space before it
    if (line.size() < 12 || !line.starts_with("HTTP/") || line[6] != '.' || line[8] != ' ')
      return errc::malformed;
    if (line.size() > 12 && line[12] != ' ') return errc::malformed;
    const result<std::uint64_t> status = parse_decimal(line.substr(9, 3));
    if (!status || *status < 100 || *status > 599) return errc::malformed;
    if (line[5] != '1' || (line[7] != '0' && line[7] != '1')) return errc::unsupported;
    head.status = static_cast<unsigned>(*status);
    head.minor_version = line[7] == '1' ? 1 : 0;

    result<field_list> fields = field_list::parse(all.substr(end + 2));
    if (!fields) return fields.error();
    head.fields = std::move(*fields);
    const result<body_length> body = body_length::of(head.fields, head.minor_version);
    if (!body) return body.error();
    const bool bare = method == "HEAD" || head.status < 200 || head.status == 204 || head.status == 304;
    head.body = bare ? body_length{body_length::kind::sized, 0} : *body;
    head.keep_alive = head.minor_version == 1 && !head.fields.lists("Connection", "close") &&
                      head.body.how != body_length::kind::unsaid;
    return head;
  }

 private:
  explicit response_head(std::vector<char> text) noexcept : text_(std::move(text)) {}

  std::vector<char> text_;
};

}  // namespace shoal::http
