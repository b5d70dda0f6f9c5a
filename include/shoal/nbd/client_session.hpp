// SPDX-License-Identifier: BSL-1.0
//
// client_session: what a server says, from its first byte to its last, as a state machine: bytes in, events
// out, and what is read into its place. The driver moves the bytes.
//
//     nbd::client_session session{{.name = "disk"}};
//     const std::uint64_t cookie = session.begin({.type = command::read, .offset = 0, .length = 512}, sector,
//     head); send(head); const nbd::client_event e = session.next(in); in = in.subspan(e.consumed);
//     send(session.take_output());                                 // of the negotiation
//     if (e.what == nbd::client_event::kind::finished && e.cookie == cookie) use(sector);
//
// Any number of requests can be outstanding, and are answered in any order. Whatever a server says, memory is
// bounded by them: a reply to nothing, content twice or outside of a request, and a text that is too long are
// violations, after which nothing is taken any more. Time is the driver's: a server may never answer.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/base/error.hpp>
#include <shoal/nbd/client_handshake.hpp>
#include <shoal/nbd/coverage.hpp>
#include <shoal/nbd/wire.hpp>

namespace shoal::nbd {

/// A part of what base:allocation says.
struct allocation_run {
  std::uint32_t length = 0;  ///< bytes, never 0
  std::uint32_t state = 0;   ///< state_hole, state_zero
  friend bool operator==(const allocation_run&, const allocation_run&) = default;
};

/// What next() found at the front of its input.
struct client_event {
  enum class kind : std::uint8_t {
    starved,   ///< nothing that is whole: call again with more behind it
    advanced,  ///< part of the negotiation or of a reply: send the output, and call again
    securing,  ///< put TLS under the stream, then call secured()
    settled,   ///< the negotiation is over: requests can begin
    finished,  ///< the request `cookie` has been answered, with `code`
    broken     ///< see failure(): send the output, and close. No request is answered any more
  };

  kind what = kind::starved;
  std::size_t consumed = 0;  ///< bytes of the input that are done with
  std::uint64_t cookie = 0;
  error code = error::ok;
  std::vector<allocation_run> runs = {};  ///< of a block_status that succeeded: what begins at its offset
};

class client_session {
 public:
  using kind = client_event::kind;

  /// Input that next() needs at most to get on, in bytes.
  static constexpr std::size_t max_input = client_handshake::max_message;
  /// Of a block status no more is kept; whoever wants to know the rest asks again from there.
  static constexpr std::size_t max_runs = 1024;
  /// Errors of one reply.
  static constexpr unsigned max_errors = 1024;

  /// @pre wish.name.size() <= max_string
  explicit client_session(export_wish wish) : handshake_(std::move(wish)) {}

  /// Looks at the front of `in`: what has been received and not yet consumed, in order.
  client_event next(bytes_view in) {
    if (failure_) return {.what = kind::broken};
    if (!settled_) return haggle(in);
    if (content_left_ != 0) return take_content(in);
    if (runs_left_ != 0) return take_runs(in);
    if (in.size() < sizeof(std::uint32_t)) return {};
    const auto magic = load_be<std::uint32_t>(in.data());
    if (magic == simple_reply_magic) return take_simple(in);
    if (magic == structured_reply_magic && agreed().structured) return take_chunk(in);
    return violation("what should be a reply is none");
  }

  /// What has to be sent to the server before anything else.
  [[nodiscard]] std::vector<std::byte> take_output() noexcept { return std::exchange(output_, {}); }
  /// The stream is encrypted, as kind::securing asked for.
  void secured() { handshake_.secured(output_); }

  [[nodiscard]] bool settled() const noexcept { return settled_; }
  /// @pre settled()
  [[nodiscard]] const client_agreement& agreed() const noexcept { return handshake_.agreed(); }
  /// As client_handshake has it, and errc::malformed for a violation later on.
  [[nodiscard]] std::error_code failure() const noexcept { return failure_; }
  /// The same when the server hangs up now.
  [[nodiscard]] std::error_code end_of_stream() const noexcept {
    return settled_ ? errc::closed : handshake_.end_of_stream();
  }
  /// What there is to say about failure(): how the server broke the protocol, or its own words. May be empty.
  [[nodiscard]] std::string_view detail() const noexcept {
    return broken_rule_.empty() ? std::string_view{handshake_.server_text()} : broken_rule_;
  }

  /// Begins a request that the export allows, and returns its cookie.
  /// @param content  of a read: where it goes. It stays until the request has finished, or forget()
  /// @param head     request_size bytes, to be sent; the payload of a write follows them
  /// @pre settled(), nbd::check(), 0 < length <= max_block for a read, and content.size() is its length
  std::uint64_t begin(request r, bytes_span content, std::byte* head) {
    r.cookie = ++last_cookie_;
    put_request(head, r);
    pending& mine = pending_[r.cookie];
    mine.asked = r;
    mine.content = content.data();
    return r.cookie;
  }
  /// Nobody waits for the request any more, and its memory goes. An answer is expected still.
  void forget(std::uint64_t cookie) noexcept {
    if (const auto found = pending_.find(cookie); found != pending_.end()) found->second.content = nullptr;
  }
  /// Requests that have not been answered.
  [[nodiscard]] std::size_t outstanding() const noexcept { return pending_.size(); }

  /// Where the next bytes from the server belong, when they are known to be content: they can be received into
  /// it instead of being given to next(). Empty when there is no such place.
  [[nodiscard]] bytes_span room() const noexcept {
    if (content_left_ < 2 || current_->content == nullptr) return {};
    // the last byte goes through next(), which tells of the end
    return {current_->content + content_at_, content_left_ - 1};
  }
  /// The first `n` bytes of room() have been received.
  void filled(std::size_t n) noexcept {
    content_at_ += static_cast<std::uint32_t>(n);
    content_left_ -= static_cast<std::uint32_t>(n);
  }

 private:
  struct pending {
    request asked;
    std::byte* content = nullptr;
    bool chunked = false;  // a part of a structured reply has come
    coverage got;
    error code = error::ok;  // the first that was told
    unsigned errors = 0;
    bool has_runs = false;
    std::uint32_t described = 0;  // bytes that runs were told of
    std::vector<allocation_run> runs;
  };

  client_event violation(std::string_view rule) noexcept {
    failure_ = errc::malformed;
    broken_rule_ = rule;
    return {.what = kind::broken};
  }

  client_event haggle(bytes_view in) {
    const std::size_t took = handshake_.receive(in, output_);
    switch (handshake_.state()) {
      case client_handshake::phase::haggling:
        return {.what = took == 0 ? kind::starved : kind::advanced, .consumed = took};
      case client_handshake::phase::securing:
        // what was sent in the clear must not count as if it had been encrypted
        if (took != in.size()) return violation("the server went on before the stream was encrypted");
        return {.what = kind::securing, .consumed = took};
      case client_handshake::phase::transmission:
        settled_ = true;
        return {.what = kind::settled, .consumed = took};
      case client_handshake::phase::failed: break;
    }
    failure_ = handshake_.failure();
    return {.what = kind::broken, .consumed = took};
  }

  pending* find(std::uint64_t cookie) noexcept {
    const auto found = pending_.find(cookie);
    return found == pending_.end() ? nullptr : &found->second;
  }

  client_event take_simple(bytes_view in) {
    if (in.size() < simple_reply_size) return {};
    const error code{load_be<std::uint32_t>(in.data() + 4)};
    pending* const mine = find(load_be<std::uint64_t>(in.data() + 8));
    if (mine == nullptr) return violation("a reply to nothing");
    if (mine->chunked) return violation("a reply of both kinds");
    const command type = mine->asked.type;
    if (type == command::read && agreed().structured) return violation("a read without a structured reply");
    if (type == command::block_status && code == error::ok) return violation("a block status without content");
    mine->code = code;
    if (type == command::read && code == error::ok) {
      return begin_content(*mine, 0, mine->asked.length, true, simple_reply_size);
    }
    return finish(*mine, simple_reply_size);
  }

  client_event take_chunk(bytes_view in) {
    if (in.size() < chunk_header_size) return {};
    const bool last = (load_be<std::uint16_t>(in.data() + 4) & chunk_done) != 0;
    const auto type = load_be<std::uint16_t>(in.data() + 6);
    pending* const mine = find(load_be<std::uint64_t>(in.data() + 8));
    const auto length = load_be<std::uint32_t>(in.data() + 16);
    if (mine == nullptr) return violation("a reply to nothing");
    mine->chunked = true;
    const bytes_view body = in.subspan(chunk_header_size);
    if ((type & chunk_error_bit) != 0) return take_error(*mine, chunk{type}, length, body, last);
    switch (chunk{type}) {
      case chunk::none:
        if (length != 0 || !last) return violation("a chunk of nothing that is something");
        return finish(*mine, chunk_header_size);
      case chunk::offset_data: return take_data(*mine, length, body, last);
      case chunk::offset_hole: return take_hole(*mine, length, body, last);
      case chunk::block_status: return take_status(*mine, length, body, last);
      default: return violation("a chunk of a kind that nobody asked for");
    }
  }

  client_event take_error(pending& mine, chunk type, std::uint32_t length, bytes_view body, bool last) {
    constexpr std::uint32_t fixed = 6;
    const std::uint32_t offset = type == chunk::error_offset ? 8 : 0;
    if (length < fixed + offset || length > fixed + max_string + 8)
      return violation("an error of no such length");
    if (body.size() < length) return {};
    const error code{load_be<std::uint32_t>(body.data())};
    const auto text = load_be<std::uint16_t>(body.data() + 4);
    const bool known = type == chunk::error || type == chunk::error_offset;
    const std::uint32_t used = fixed + text + offset;
    if (code == error::ok) return violation("an error that is none");
    if (known ? used != length : used > length) return violation("an error whose text is of another length");
    if (++mine.errors > max_errors) return violation("more errors than a reply has");
    if (mine.code == error::ok) mine.code = code;
    const std::size_t consumed = chunk_header_size + length;
    return last ? finish(mine, consumed) : client_event{.what = kind::advanced, .consumed = consumed};
  }

  /// Where in the request's content a chunk belongs that begins at `offset`. False when that is nowhere.
  static bool place(pending& mine, std::uint64_t offset, std::uint32_t length, std::uint32_t& at) {
    const request& r = mine.asked;
    if (r.type != command::read || offset < r.offset || !contains(r.length, offset - r.offset, length))
      return false;
    at = static_cast<std::uint32_t>(offset - r.offset);
    return length != 0 && mine.got.add(at, at + length);
  }

  client_event take_data(pending& mine, std::uint32_t length, bytes_view body, bool last) {
    constexpr std::uint32_t head = 8;
    if (length <= head) return violation("a chunk of data without any");
    if (body.size() < head) return {};
    std::uint32_t at = 0;
    if (!place(mine, load_be<std::uint64_t>(body.data()), length - head, at)) {
      return violation("content that was not asked for, or came before");
    }
    return begin_content(mine, at, length - head, last, chunk_header_size + head);
  }

  client_event take_hole(pending& mine, std::uint32_t length, bytes_view body, bool last) {
    constexpr std::uint32_t size = 12;
    if (length != size) return violation("a hole of no such length");
    if (body.size() < size) return {};
    const auto hole = load_be<std::uint32_t>(body.data() + 8);
    std::uint32_t at = 0;
    if (!place(mine, load_be<std::uint64_t>(body.data()), hole, at)) {
      return violation("content that was not asked for, or came before");
    }
    if (mine.content != nullptr) std::memset(mine.content + at, 0, hole);
    const std::size_t consumed = chunk_header_size + size;
    return last ? finish(mine, consumed) : client_event{.what = kind::advanced, .consumed = consumed};
  }

  client_event take_status(pending& mine, std::uint32_t length, bytes_view body, bool last) {
    constexpr std::uint32_t head = 4;
    if (mine.asked.type != command::block_status || mine.has_runs) {
      return violation("a block status that was not asked for, or came before");
    }
    if (length <= head || (length - head) % run_size != 0) return violation("a block status of no such length");
    if (body.size() < head) return {};
    if (load_be<std::uint32_t>(body.data()) != agreed().allocation_id) {
      return violation("a block status of a context that was not selected");
    }
    mine.has_runs = true;
    current_ = &mine;
    runs_left_ = (length - head) / run_size;
    last_ = last;
    return {.what = kind::advanced, .consumed = chunk_header_size + head};
  }

  client_event take_runs(bytes_view in) {
    pending& mine = *current_;
    const std::size_t count = std::min<std::size_t>(in.size() / run_size, runs_left_);
    if (count == 0) return {};
    for (std::size_t i = 0; i < count; ++i) {
      const std::byte* const at = in.data() + i * run_size;
      const std::uint32_t left = mine.asked.length - mine.described;
      const auto length = load_be<std::uint32_t>(at);
      if (length == 0 || left == 0) return violation("a block status of what was not asked for");
      // the last one may tell of more than was asked for
      mine.described += std::min(length, left);
      if (mine.runs.size() < max_runs) {
        mine.runs.push_back({.length = std::min(length, left), .state = load_be<std::uint32_t>(at + 4)});
      }
    }
    runs_left_ -= static_cast<std::uint32_t>(count);
    if (runs_left_ == 0 && last_) return finish(mine, count * run_size);
    return {.what = kind::advanced, .consumed = count * run_size};
  }

  client_event begin_content(pending& mine, std::uint32_t at, std::uint32_t length, bool last,
                             std::size_t consumed) noexcept {
    current_ = &mine;
    content_at_ = at;
    content_left_ = length;
    last_ = last;
    return {.what = kind::advanced, .consumed = consumed};
  }
  client_event take_content(bytes_view in) {
    const std::size_t n = std::min<std::size_t>(in.size(), content_left_);
    if (n == 0) return {};
    if (current_->content != nullptr) std::memcpy(current_->content + content_at_, in.data(), n);
    filled(n);
    if (content_left_ == 0 && last_) return finish(*current_, n);
    return {.what = kind::advanced, .consumed = n};
  }

  client_event finish(pending& mine, std::size_t consumed) {
    const request& r = mine.asked;
    if (mine.code == error::ok && agreed().structured) {
      if (r.type == command::read && !mine.got.is_whole(r.length))
        return violation("a read without all its content");
      if (r.type == command::block_status && !mine.has_runs) return violation("a block status without content");
    }
    client_event e{.what = kind::finished, .consumed = consumed, .cookie = r.cookie, .code = mine.code};
    e.runs = std::move(mine.runs);
    pending_.erase(e.cookie);
    return e;
  }

  static constexpr std::uint32_t run_size = 8;

  client_handshake handshake_;
  std::vector<std::byte> output_;
  bool settled_ = false;
  std::error_code failure_;
  std::string_view broken_rule_;

  std::uint64_t last_cookie_ = 0;
  std::unordered_map<std::uint64_t, pending> pending_;

  pending* current_ = nullptr;      // whose content or runs are arriving
  std::uint32_t content_at_ = 0;    // in its content
  std::uint32_t content_left_ = 0;  // bytes
  std::uint32_t runs_left_ = 0;     // descriptors
  bool last_ = false;               // nothing follows the chunk
};

}  // namespace shoal::nbd
