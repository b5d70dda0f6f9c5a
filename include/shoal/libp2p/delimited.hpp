// SPDX-License-Identifier: BSL-1.0
//
// delimited_reader: messages with their length before them as a varint, out of a stream that comes in pieces of
// any size. How identify, Kademlia and Bitswap frame their protobufs, and multistream its lines.
//
//     delimited_reader reader{max_message};
//     while (true) {
//       const result<std::optional<bytes_view>> message = reader.next(in);   // `in` shrinks
//       if (!message || !*message) break;
//       use(**message);                                                      // or keep(reader.take())
//     }
//
// A message that is whole in its input is not copied. Memory grows with what has arrived, not with what was
// announced.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/varint.hpp>

namespace shoal::libp2p {

class delimited_reader {
 public:
  /// @param max_message  longest message, in bytes, without its length
  explicit delimited_reader(std::size_t max_message) noexcept : max_message_(max_message) {}

  /// The next message, or nothing when all of `in` was taken and the message goes on. Takes from the front of
  /// `in`: what follows the message stays. The view lives until the next call, or as long as what `in` sees.
  ///
  /// errc::malformed for a length that is no varint, errc::limit_exceeded for one past the limit; after that
  /// every call gives the same.
  [[nodiscard]] result<std::optional<bytes_view>> next(bytes_view& in) {
    if (error_) return error_;
    if (delivered_) {
      buffer_.clear();
      delivered_ = false;
    }
    if (!length_known_ && !take_length(in)) {
      if (error_) return error_;
      return std::optional<bytes_view>{};
    }
    if (buffer_.empty() && in.size() >= length_) {
      message_ = in.first(length_);
      in = in.subspan(length_);
    } else {
      if (buffer_.empty()) buffer_.reserve(std::min(length_, max_early_reserve));
      const std::size_t taken = std::min(length_ - buffer_.size(), in.size());
      buffer_.insert(buffer_.end(), in.begin(), in.begin() + static_cast<std::ptrdiff_t>(taken));
      in = in.subspan(taken);
      if (buffer_.size() < length_) return std::optional<bytes_view>{};
      message_ = buffer_;
    }
    length_known_ = false;
    delivered_ = true;
    return std::optional{message_};
  }

  /// The message that next() gave last, to keep: moved where it was gathered from pieces, copied otherwise.
  /// @pre the last next() gave a message, and the view of it is still valid
  [[nodiscard]] std::vector<std::byte> take() {
    if (buffer_.empty()) return {message_.begin(), message_.end()};
    return std::exchange(buffer_, {});
  }

  /// True between messages: the one place where a stream may end.
  [[nodiscard]] bool idle() const noexcept { return !length_known_ && head_size_ == 0; }

  /// Bytes of an unfinished message that are held.
  [[nodiscard]] std::size_t held() const noexcept { return delivered_ ? 0 : buffer_.size(); }

 private:
  /// Room is made at once for a message of at most this many bytes; a longer one earns it by arriving.
  static constexpr std::size_t max_early_reserve = 512u << 10;

  /// False when the input ends inside the length, or with error_ set.
  bool take_length(bytes_view& in) noexcept {
    while (!in.empty()) {
      const std::byte byte = in.front();
      in = in.subspan(1);
      head_[head_size_++] = byte;
      if ((byte & std::byte{0x80}) != std::byte{0} && head_size_ < max_varint_size) continue;
      bytes_view head = bytes_view{head_}.first(std::exchange(head_size_, 0));
      const result<std::uint64_t> length = take_varint(head);
      if (!length) {
        error_ = make_error_code(errc::malformed);
      } else if (*length > max_message_) {
        error_ = make_error_code(errc::limit_exceeded);
      } else {
        length_ = static_cast<std::size_t>(*length);
        length_known_ = true;
      }
      return length_known_;
    }
    return false;
  }

  std::size_t max_message_;
  std::error_code error_;
  std::array<std::byte, max_varint_size> head_{};  // of a length that has not arrived whole
  std::size_t head_size_ = 0;
  bool length_known_ = false;
  std::size_t length_ = 0;
  std::vector<std::byte> buffer_;  // of a message that did not come in one piece
  bool delivered_ = false;
  bytes_view message_;
};

/// Appends `message` with its length before it.
inline void append_delimited(std::vector<std::byte>& out, bytes_view message) {
  append_varint(out, message.size());
  out.insert(out.end(), message.begin(), message.end());
}

}  // namespace shoal::libp2p
