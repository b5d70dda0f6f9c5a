// SPDX-License-Identifier: BSL-1.0
//
// request_head: what a client asks for: the request line and the fields (RFC 9112, section 3).
//
//     result<request_head> head = request_head::parse(reader.take());
//     if (!head) refuse(refusal_status(head.error()));
//     head->method; head->target; head->fields.find("Accept");
//
// Owns the text that it is made of. For servers; clients write theirs with http/head_writer.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <shoal/base/result.hpp>
#include <shoal/http/body_length.hpp>
#include <shoal/http/field_list.hpp>
#include <shoal/http/syntax.hpp>

namespace shoal::http {

/// Moves, and keeps its views; does not copy.
struct request_head {
  std::string_view method;  ///< "GET": case matters
  std::string_view target;  ///< path and query as they were sent; starts with "/"
  unsigned minor_version = 1;
  field_list fields;
  body_length body;
  bool keep_alive = false;  ///< the client expects the connection to stay

  request_head(request_head&&) = default;
  request_head& operator=(request_head&&) = default;

  /// Reads what head_reader gave. Of a target in absolute form ("http://host/path") the path is kept.
  ///
  /// errc::malformed (this includes a request of version 1.1 without exactly one Host), errc::unsupported for
  /// versions other than 1.0 and 1.1, for targets without a path (CONNECT, OPTIONS *) and for codings other
  /// than "chunked", errc::limit_exceeded for too many fields and too long a body.
  [[nodiscard]] static result<request_head> parse(std::vector<char> text) {
    request_head head{std::move(text)};
    const std::string_view all{head.text_.data(), head.text_.size()};
    const std::size_t end = all.find("\r\n");
    if (end == std::string_view::npos) return errc::malformed;
    if (const result<> r = head.read_line(all.substr(0, end)); !r) return r.error();
    result<field_list> fields = field_list::parse(all.substr(end + 2));
    if (!fields) return fields.error();
    head.fields = std::move(*fields);
    const std::size_t hosts = head.fields.count("Host");
    if (hosts > 1 || (hosts == 0 && head.minor_version == 1)) return errc::malformed;
    const result<body_length> body = body_length::of(head.fields, head.minor_version);
    if (!body) return body.error();
    head.body = *body;
    head.keep_alive = head.minor_version == 1 && !head.fields.lists("Connection", "close");
    return head;
  }

 private:
  explicit request_head(std::vector<char> text) noexcept : text_(std::move(text)) {}

  result<> read_line(std::string_view line) noexcept {
    const std::size_t first = line.find(' ');
    const std::size_t last = line.rfind(' ');
    if (first == last) return errc::malformed;
    method = line.substr(0, first);
    target = line.substr(first + 1, last - first - 1);
    const std::string_view version = line.substr(last + 1);
    if (!is_token(method) || target.empty()) return errc::malformed;
    if (!std::ranges::all_of(target, [](char c) { return c > ' ' && c < '\x7f'; })) return errc::malformed;
    if (version.size() != 8 || !version.starts_with("HTTP/") || version[6] != '.') return errc::malformed;
    if (version != "HTTP/1.1" && version != "HTTP/1.0") return errc::unsupported;
    minor_version = version.back() == '1' ? 1 : 0;
    if (target.front() == '/') return {};
    const std::size_t scheme = target.find("://");
    if (scheme == std::string_view::npos) return errc::unsupported;
    const std::size_t path = target.find_first_of("/?", scheme + 3);
    target = path == std::string_view::npos ? "/" : target.substr(path);
    return target.front() == '/' ? result<>{} : result<>{errc::malformed};
  }

  std::vector<char> text_;
};

/// The status with which a server answers what it could not read.
[[nodiscard]] inline unsigned refusal_status(std::error_code why) noexcept {
  if (why == errc::limit_exceeded) return 431;
  return why == errc::unsupported ? 501 : 400;
}

}  // namespace shoal::http
