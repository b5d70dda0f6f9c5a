// SPDX-License-Identifier: BSL-1.0
//
// head_writer: writes the head of a request or a response (RFC 9112, sections 3 to 5), and chunk_head what
// stands before a chunk of a body.
//
//     head_writer head = head_writer::response(200);
//     head.field("Content-Type", "text/plain");
//     head.field("Content-Length", body.size());
//     send(head.finish());
//
// Which fields a message needs is its maker's affair.
#pragma once

#include <array>
#include <cassert>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <shoal/base/bytes.hpp>
#include <shoal/http/status.hpp>
#include <shoal/http/syntax.hpp>

namespace shoal::http {

class head_writer {
 public:
  /// @pre status has three digits
  [[nodiscard]] static head_writer response(unsigned status) {
    assert(status >= 100 && status <= 999);
    head_writer head;
    head.text_ = "HTTP/1.1 " + std::to_string(status) + " ";
    head.text_ += reason_phrase(status);
    head.text_ += "\r\n";
    return head;
  }

  /// @pre method is a token; target has no spaces and no control characters
  [[nodiscard]] static head_writer request(std::string_view method, std::string_view target) {
    assert(is_token(method) && target.find_first_of(" \r\n") == std::string_view::npos);
    head_writer head;
    head.text_.append(method).append(" ").append(target).append(" HTTP/1.1\r\n");
    return head;
  }

  /// A character that no field may have is written as a space (RFC 9110, section 5.5): a value cannot begin
  /// another field. @pre name is a token
  void field(std::string_view name, std::string_view value) {
    assert(is_token(name));
    text_.append(name).append(": ");
    for (const char c : value) text_.push_back(is_field_character(c) ? c : ' ');
    text_ += "\r\n";
  }
  void field(std::string_view name, std::unsigned_integral auto value) { field(name, std::to_string(value)); }

  /// The head with the empty line at its end.
  [[nodiscard]] std::string finish() && {
    text_ += "\r\n";
    return std::move(text_);
  }

 private:
  std::string text_;
};

/// What stands before the bytes of a chunk. Behind them stands chunk_tail; behind the last chunk, last_chunk.
class chunk_head {
 public:
  /// @param size  of the chunk, in bytes; not 0, which would end the body
  explicit chunk_head(std::uint64_t size) noexcept {
    char* const end = std::to_chars(text_.data(), text_.data() + 16, size, 16).ptr;
    end[0] = '\r';
    end[1] = '\n';
    size_ = static_cast<std::size_t>(end - text_.data()) + 2;
  }
  [[nodiscard]] bytes_view bytes() const noexcept { return as_bytes({text_.data(), size_}); }

 private:
  std::array<char, 18> text_;
  std::size_t size_;
};
inline constexpr std::string_view chunk_tail = "\r\n";
inline constexpr std::string_view last_chunk = "0\r\n\r\n";

}  // namespace shoal::http
