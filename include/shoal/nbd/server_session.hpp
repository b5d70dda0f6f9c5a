// SPDX-License-Identifier: BSL-1.0
//
// server_session: what a client says, from its first byte to its last, as a state machine: bytes in, events
// out. The driver moves the bytes and carries the requests out.
//
//     nbd::server_session session{exports};
//     while (true) {
//       const nbd::server_event e = session.next(in);
//       in = in.subspan(e.consumed);
//       send(session.take_output());                 // of the negotiation; replies to requests are the
//       driver's if (e.what == nbd::server_event::kind::starved) in = receive_more(in);
//       ...
//     }
//
// Holds no payload and no memory that grows with what a client announces. Every request that comes out is in
// order: allowed by the export, inside it, with known flags. Time is the driver's: it gives the negotiation a
// deadline.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/nbd/export_info.hpp>
#include <shoal/nbd/handshake.hpp>
#include <shoal/nbd/reply.hpp>
#include <shoal/nbd/wire.hpp>

namespace shoal::nbd {

/// What next() found at the front of its input.
struct server_event {
  enum class kind : std::uint8_t {
    starved,   ///< nothing that is whole: call again with more behind it
    haggled,   ///< part of the negotiation: send the output, and call again
    settled,   ///< the negotiation is over: the client uses session.chosen()
    request,   ///< carry out `request`, which is no write, and answer it
    payload,   ///< store `bytes` at `offset`, which belong to the write `request`; answer it when they are the
               ///< last
    refused,   ///< answer `request` with `code`
    left,      ///< the client says goodbye: answer what is outstanding, and close
    violation  ///< the client broke the protocol: close
  };

  kind what = kind::starved;
  std::size_t consumed = 0;  ///< bytes of the input that are done with, once the event has been handled
  nbd::request request = {};
  error code = error::ok;
  bytes_view bytes = {};  ///< of the input
  std::uint64_t offset = 0;
  bool last = false;
};

class server_session {
 public:
  using kind = server_event::kind;

  /// A long payload comes in pieces that end at multiples of this offset in the export, so that the device sees
  /// whole blocks.
  static constexpr std::size_t payload_piece = 64u << 10;
  /// Input that next() needs at most to get on, in bytes.
  static constexpr std::size_t max_input = std::max(handshake::max_message, request_size + payload_piece);
  /// More output of the negotiation than this never waits in here, plus the answer to one option.
  static constexpr std::size_t max_pending_output = handshake::max_pending_output;

  /// @param exports  what is on offer; outlives the session
  explicit server_session(std::span<const export_info> exports) : exports_(exports), handshake_(exports) {
    const auto greeting = handshake::greeting();
    output_.assign(greeting.begin(), greeting.end());
  }

  /// Looks at the front of `in`: what has been received and not yet consumed, in order.
  server_event next(bytes_view in) {
    if (writing_) return next_payload(in, 0);
    if (!settled_) return haggle(in);
    if (in.size() < request_size) return {};
    const result<request> parsed = parse_request(in.first<request_size>());
    if (!parsed) return {.what = kind::violation};
    const request& r = *parsed;
    if (r.type == command::disc) return {.what = kind::left, .consumed = request_size};
    error verdict =
        check(exports_[chosen().export_index], r, chosen().structured, chosen().allocation.has_value());
    if (verdict == error::ok && refusing_) verdict = error::shutdown;
    if (r.type == command::write) {
      write_ = r;
      written_ = 0;
      verdict_ = verdict;
      writing_ = true;
      return next_payload(in.subspan(request_size), request_size);
    }
    if (verdict != error::ok) {
      return {.what = kind::refused, .consumed = request_size, .request = r, .code = verdict};
    }
    return {.what = kind::request, .consumed = request_size, .request = r};
  }

  /// The write whose payload is arriving has failed: the rest is skipped, and then it is refused.
  void fail_write(error code) noexcept { verdict_ = code; }
  /// True while more of a write's payload is to come.
  [[nodiscard]] bool writing() const noexcept { return writing_; }

  /// From now on every new request is refused with ESHUTDOWN.
  void refuse_requests() noexcept { refusing_ = true; }

  /// What has to be sent to the client before anything else.
  [[nodiscard]] std::vector<std::byte> take_output() noexcept { return std::exchange(output_, {}); }
  [[nodiscard]] bool has_output() const noexcept { return !output_.empty(); }

  [[nodiscard]] bool settled() const noexcept { return settled_; }
  /// @pre settled()
  [[nodiscard]] const agreement& chosen() const noexcept { return handshake_.chosen(); }
  /// @pre settled()
  [[nodiscard]] reply_writer replies() const noexcept { return reply_writer{chosen().structured}; }

 private:
  server_event haggle(bytes_view in) {
    const std::size_t took = handshake_.receive(in, output_);
    switch (handshake_.state()) {
      case handshake::phase::haggling:
        return {.what = took == 0 ? kind::starved : kind::haggled, .consumed = took};
      case handshake::phase::transmission: settled_ = true; return {.what = kind::settled, .consumed = took};
      case handshake::phase::closed: break;
    }
    return {.what = kind::left, .consumed = took};
  }

  /// @param head  bytes of the request in front of `in`
  server_event next_payload(bytes_view in, std::size_t head) noexcept {
    const std::size_t left = write_.length - written_;
    std::size_t n = std::min(left, in.size());
    const std::uint64_t at = write_.offset + written_;
    if (verdict_ == error::ok && n < left) {
      const std::uint64_t end = (at + n) & ~std::uint64_t{payload_piece - 1};
      if (end <= at) return {.consumed = head};
      n = static_cast<std::size_t>(end - at);
    }
    written_ += static_cast<std::uint32_t>(n);
    writing_ = n < left;
    if (verdict_ == error::ok) {
      return {.what = kind::payload,
              .consumed = head + n,
              .request = write_,
              .bytes = in.first(n),
              .offset = at,
              .last = !writing_};
    }
    if (writing_) return {.consumed = head + n};
    return {.what = kind::refused, .consumed = head + n, .request = write_, .code = verdict_};
  }

  std::span<const export_info> exports_;
  handshake handshake_;
  std::vector<std::byte> output_;
  bool settled_ = false;
  bool refusing_ = false;

  bool writing_ = false;
  error verdict_ = error::ok;  // on the write whose payload is arriving
  std::uint32_t written_ = 0;  // bytes of it that are done with
  request write_;
};

}  // namespace shoal::nbd
