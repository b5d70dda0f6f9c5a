// SPDX-License-Identifier: BSL-1.0
//
// ping_sender and ping_echo: the two sides of a stream of ping_protocol (libp2p specs, ping/ping.md). One sends
// 32 bytes that nobody can guess, the other sends them back, as often as the first likes.
//
//     ping_sender ping;
//     send(ping.start(random_bytes, now));
//     result<std::optional<clock::duration>> rtt = ping.next(in, now);    // `in` shrinks
//
//     ping_echo echo;
//     send(echo.next(in));
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>

namespace shoal::libp2p {

inline constexpr std::string_view ping_protocol = "/ipfs/ping/1.0.0";
/// Bytes of a ping and of its answer.
inline constexpr std::size_t ping_size = 32;

/// The side that wants to know how far away the other one is.
class ping_sender {
 public:
  using clock = std::chrono::steady_clock;

  /// Begins a ping; an earlier one has to be over. Gives back what has to be sent, valid until the next
  /// start().
  /// @pre !waiting()
  [[nodiscard]] bytes_view start(std::span<const std::byte, ping_size> random, clock::time_point now) noexcept {
    std::ranges::copy(random, sent_.begin());
    answered_ = 0;
    waiting_ = true;
    started_ = now;
    return sent_;
  }

  /// Takes from the front of `in`; the time from start() to `now` when the answer is whole.
  ///
  /// errc::malformed for an answer that is not what was sent, or one to nothing: the stream has to be reset.
  [[nodiscard]] result<std::optional<clock::duration>> next(bytes_view& in, clock::time_point now) noexcept {
    if (!in.empty() && !waiting_) return errc::malformed;
    const bytes_view expected = bytes_view{sent_}.subspan(answered_);
    const std::size_t n = std::min(expected.size(), in.size());
    if (!std::ranges::equal(expected.first(n), in.first(n))) return errc::malformed;
    in = in.subspan(n);
    answered_ += n;
    if (!waiting_ || answered_ < ping_size) return std::optional<clock::duration>{};
    waiting_ = false;
    return std::optional{now - started_};
  }

  [[nodiscard]] bool waiting() const noexcept { return waiting_; }

 private:
  std::array<std::byte, ping_size> sent_{};
  std::size_t answered_ = 0;  // bytes of the answer that are here
  bool waiting_ = false;
  clock::time_point started_;
};

/// The side that answers.
class ping_echo {
 public:
  /// All of `in` is taken; what has to be sent is whole pings, possibly none. One answer is as long as its
  /// input and what was missing, so a driver that reads no more while an answer waits holds little.
  [[nodiscard]] std::vector<std::byte> next(bytes_view in) {
    std::vector<std::byte> answer;
    const std::size_t whole = (held_ + in.size()) / ping_size * ping_size;
    if (whole != 0) {
      answer.reserve(whole);
      answer.assign(part_.begin(), part_.begin() + static_cast<std::ptrdiff_t>(held_));
      const bytes_view rest = in.first(whole - held_);
      answer.insert(answer.end(), rest.begin(), rest.end());
      in = in.subspan(rest.size());
      held_ = 0;
    }
    std::ranges::copy(in, part_.begin() + static_cast<std::ptrdiff_t>(held_));
    held_ += in.size();
    return answer;
  }

  /// True between pings: the one place where a stream may end.
  [[nodiscard]] bool idle() const noexcept { return held_ == 0; }

 private:
  std::array<std::byte, ping_size> part_{};  // of a ping that has not arrived whole
  std::size_t held_ = 0;
};

}  // namespace shoal::libp2p
