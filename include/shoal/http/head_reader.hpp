// SPDX-License-Identifier: BSL-1.0
//
// head_reader: finds the end of a message's head in a stream that comes in pieces of any size
// (RFC 9112, section 2.1).
//
//     head_reader reader;
//     result<bool> whole = reader.next(in);                  // `in` shrinks; what follows the head stays in it
//     if (whole && *whole) result<request_head> head = request_head::parse(reader.take());
//
// Lines end with CR LF: either of them alone is refused, so nobody reads the head as something else.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>

namespace shoal::http {

/// Longest head, in bytes, with the empty line at its end.
inline constexpr std::size_t max_head_size = 16u << 10;

/// Memory grows with what has arrived.
class head_reader {
 public:
  /// True when the head is whole. Empty lines in front of it are skipped, as RFC 9112, section 2.2 asks for,
  /// and count.
  ///
  /// errc::malformed for a CR or LF that is not part of a line's end, errc::limit_exceeded past max_head_size;
  /// after that every call gives the same.
  [[nodiscard]] result<bool> next(bytes_view& in) {
    if (error_) return error_;
    const std::string_view text = as_text(in);
    std::size_t at = 0;
    while (at < text.size() && !whole_) {
      if (taken_ == max_head_size) return error_ = make_error_code(errc::limit_exceeded);
      const char c = text[at];
      if ((c == '\n') != after_cr_) return error_ = make_error_code(errc::malformed);
      after_cr_ = c == '\r';
      ++at;
      ++taken_;
      if (c == '\n') {
        whole_ = line_size_ == 0 && !head_.empty();
        if (!whole_ && line_size_ != 0) head_.insert(head_.end(), {'\r', '\n'});
        line_size_ = 0;
      } else if (c != '\r') {
        const std::size_t end = std::min(text.find_first_of("\r\n", at), text.size());
        const std::size_t size = std::min(end - (at - 1), max_head_size - taken_ + 1);
        head_.insert(head_.end(), text.begin() + static_cast<std::ptrdiff_t>(at - 1),
                     text.begin() + static_cast<std::ptrdiff_t>(at - 1 + size));
        line_size_ += size;
        at += size - 1;
        taken_ += size - 1;
      }
    }
    in = in.subspan(at);
    return whole_;
  }

  /// True before the first byte of a head: the one place where a stream may end.
  [[nodiscard]] bool idle() const noexcept { return taken_ == 0; }

  /// The head: lines with their ends, without the empty one. Starts over. @pre next() said true
  [[nodiscard]] std::vector<char> take() {
    std::vector<char> head = std::move(head_);
    *this = {};
    return head;
  }

 private:
  std::vector<char> head_;
  std::size_t taken_ = 0;      // bytes, those that are not kept included
  std::size_t line_size_ = 0;  // of the line that is being read
  bool after_cr_ = false;
  bool whole_ = false;
  std::error_code error_;
};

}  // namespace shoal::http
