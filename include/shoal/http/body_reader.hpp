// SPDX-License-Identifier: BSL-1.0
//
// body_reader: takes a message's body out of the stream, however its end is told (RFC 9112, sections 6 and 7).
//
//     body_reader body{head.body};
//     while (!body.ended()) {
//       const result<bytes_view> part = body.next(in);           // `in` shrinks; empty: more input is needed
//       if (!part) return part.error();
//       use(*part);
//     }
//
// Copies nothing. Chunk extensions and trailers are skipped, within limits.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <system_error>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/http/body_length.hpp>

namespace shoal::http {

class body_reader {
 public:
  /// Bytes of one chunk's extensions, and of all trailers, that are skipped.
  static constexpr std::size_t max_skipped = 4u << 10;

  /// A body of `unsaid` length is one that ends with the stream.
  explicit body_reader(const body_length& length) noexcept
      : how_(length.how), left_(length.bytes), at_(how_ == kind::chunked ? state::size : state::data) {
    if (how_ == kind::sized && left_ == 0) at_ = state::end;
  }

  /// All of the body has been given. Never true before the stream ends if that is what ends the body.
  [[nodiscard]] bool ended() const noexcept { return at_ == state::end; }

  /// The next bytes of the body, as many as are there in a row; a view of `in`, from whose front they and
  /// framing were taken. Nothing when `in` is used up or the body has ended.
  ///
  /// errc::malformed for what is no chunk, errc::limit_exceeded past max_skipped and for a chunk of 2^60 bytes
  /// or more; after that every call gives the same.
  [[nodiscard]] result<bytes_view> next(bytes_view& in) noexcept {
    while (!in.empty() && at_ != state::end) {
      if (error_) return error_;
      if (at_ == state::data) {
        if (how_ == kind::unsaid) return take(in, in.size());
        const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, in.size()));
        left_ -= size;
        if (left_ == 0) at_ = how_ == kind::sized ? state::end : state::data_cr;
        return take(in, size);
      }
      const char c = as_text(in).front();
      in = in.subspan(1);
      if (const errc wrong = step(c); wrong != errc{}) error_ = wrong;
    }
    if (error_) return error_;
    return bytes_view{};
  }

  /// Says that the stream has ended. errc::truncated when the body has not.
  [[nodiscard]] result<> end_of_stream() noexcept {
    if (error_) return error_;
    if (how_ == kind::unsaid) at_ = state::end;
    if (at_ != state::end) return errc::truncated;
    return {};
  }

 private:
  using kind = body_length::kind;
  enum class state : std::uint8_t {
    size,
    extension,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer,  // at the start of a line
    trailer_text,
    trailer_lf,
    last_lf,
    end
  };

  static bytes_view take(bytes_view& in, std::size_t size) noexcept {
    const bytes_view taken = in.first(size);
    in = in.subspan(size);
    return taken;
  }

  errc skip(char c) noexcept {
    if (c == '\n') return errc::malformed;
    return ++skipped_ > max_skipped ? errc::limit_exceeded : errc{};
  }
  errc expect(char c, char wanted, state then) noexcept {
    at_ = then;
    return c == wanted ? errc{} : errc::malformed;
  }

  /// Takes one character of the framing. errc{}: it was right.
  errc step(char c) noexcept {
    switch (at_) {
      case state::size: return digit(c);
      case state::extension:
        if (c == '\r') at_ = state::size_lf;
        return c == '\r' ? errc{} : skip(c);
      case state::size_lf:
        skipped_ = 0;
        any_digit_ = false;
        return expect(c, '\n', left_ == 0 ? state::trailer : state::data);
      case state::data_cr: return expect(c, '\r', state::data_lf);
      case state::data_lf: return expect(c, '\n', state::size);
      case state::trailer:
      case state::trailer_text:
        if (c == '\r') {
          at_ = at_ == state::trailer ? state::last_lf : state::trailer_lf;
          return errc{};
        }
        at_ = state::trailer_text;
        return skip(c);
      case state::trailer_lf: return expect(c, '\n', state::trailer);
      case state::last_lf: return expect(c, '\n', state::end);
      case state::data:
      case state::end: break;
    }
    return errc::malformed;
  }

  errc digit(char c) noexcept {
    const char lower = static_cast<char>(c | 0x20);
    const bool letter = lower >= 'a' && lower <= 'f';
    if (letter || (c >= '0' && c <= '9')) {
      if (left_ >> 56 != 0) return errc::limit_exceeded;
      left_ = left_ << 4 | static_cast<std::uint64_t>(letter ? lower - 'a' + 10 : c - '0');
      any_digit_ = true;
      return errc{};
    }
    if (!any_digit_) return errc::malformed;
    if (c != '\r' && c != ';' && c != ' ' && c != '\t') return errc::malformed;
    at_ = c == '\r' ? state::size_lf : state::extension;
    return errc{};
  }

  kind how_;
  std::uint64_t left_;  // of the sized body or the chunk, in bytes
  state at_;
  bool any_digit_ = false;
  std::size_t skipped_ = 0;
  std::error_code error_;
};

}  // namespace shoal::http
