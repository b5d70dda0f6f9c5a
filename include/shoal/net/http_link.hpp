// SPDX-License-Identifier: BSL-1.0
//
// http_link: a client's connection to an HTTP server, for one request after the other.
//
//     http_link link{executor, std::move(stream), std::chrono::seconds{30}, std::chrono::minutes{2}};
//     result<http::response_head> head = co_await link.ask("GET", request);
//     result<std::vector<std::byte>> body = co_await link.take_body(*head, most);
//     if (link.is_idle()) keep(std::move(link));
//
// Bounded: a head of http::max_head_size, a body of what the caller allows, and times.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/any_io_executor.hpp>
#include <asio/steady_timer.hpp>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/http/body_length.hpp>
#include <shoal/http/body_reader.hpp>
#include <shoal/http/head_reader.hpp>
#include <shoal/http/response_head.hpp>
#include <shoal/net/byte_stream.hpp>
#include <shoal/task/task.hpp>

namespace shoal::net {

/// One strand, one request at a time. It outlives its tasks.
class http_link {
 public:
  using duration = std::chrono::steady_clock::duration;

  /// @param patience  how long the server may say nothing, and take nothing
  /// @param limit     how long one answer may take, from the request to the end of its body
  http_link(const asio::any_io_executor& executor, std::unique_ptr<byte_stream> stream, duration patience,
            duration limit)
      : state_(std::make_shared<state>(state{std::move(stream), false})),
        watch_(executor),
        patience_(patience),
        limit_(limit),
        buffer_(buffer_size) {}
  http_link(const http_link&) = delete;
  http_link& operator=(const http_link&) = delete;
  ~http_link() { state_->stream->close(); }

  /// Sends a request, whole, and reads the head of its answer. The text outlives the task.
  ///
  /// errc::closed when the server hung up, errc::timed_out, otherwise as head_reader and response_head::parse.
  task<http::response_head> ask(std::string_view method, std::string_view request) {
    idle_ = false;
    heard_ = false;
    end_ = std::chrono::steady_clock::now() + limit_;
    watch();
    const bytes_view bytes = as_bytes(request);
    const result<> sent = co_await state_->stream->write(bytes);
    if (!sent) co_return why(sent.error());
    http::head_reader heads;
    while (true) {
      const result<bool> whole = heads.next(in_);
      if (!whole) co_return whole.error();
      if (!*whole) {
        const result<> more = co_await receive();
        if (!more) co_return more.error();
        continue;
      }
      result<http::response_head> head = http::response_head::parse(heads.take(), method);
      if (head && head->status < 200) continue;  // "100 Continue" and its like: the answer follows
      co_return head;
    }
  }

  /// Reads the body of the answer that ask() gave last. errc::limit_exceeded past `most` bytes, errc::truncated
  /// when the server hung up before its end, errc::timed_out, otherwise as body_reader. `head` outlives the
  /// task.
  task<std::vector<std::byte>> take_body(const http::response_head& head, std::size_t most) {
    std::vector<std::byte> out;
    if (head.body.how == http::body_length::kind::sized) {
      if (head.body.bytes > most) co_return errc::limit_exceeded;
      out.reserve(static_cast<std::size_t>(head.body.bytes));
    }
    http::body_reader body{head.body};
    while (!body.ended()) {
      const result<bytes_view> part = body.next(in_);
      if (!part) co_return part.error();
      if (part->size() > most - out.size()) co_return errc::limit_exceeded;
      out.insert(out.end(), part->begin(), part->end());
      if (!part->empty() || body.ended()) continue;
      const result<> more = co_await receive();
      if (more.error() == errc::closed) {
        const result<> ended = body.end_of_stream();
        if (!ended) co_return ended.error();
      } else if (!more) {
        co_return more.error();
      }
    }
    watch_.cancel();
    idle_ = head.keep_alive && in_.empty();
    co_return out;
  }

  /// The last answer has been read to its end, and another request may follow.
  [[nodiscard]] bool is_idle() const noexcept { return idle_; }
  /// The server has said something since the last request. If not, an idle connection had been closed before.
  [[nodiscard]] bool has_heard() const noexcept { return heard_; }

 private:
  static constexpr std::size_t buffer_size = 64u << 10;

  struct state {
    std::unique_ptr<byte_stream> stream;
    bool late = false;
  };

  /// Takes more of the stream into in_, which was used up.
  task<> receive() {
    watch();
    const bytes_span room{buffer_};
    const result<std::size_t> size = co_await state_->stream->read(room);
    if (!size) co_return why(size.error());
    if (*size == 0) co_return errc::closed;
    heard_ = true;
    in_ = bytes_view{buffer_}.first(*size);
    co_return result<>{};
  }

  void watch() {
    watch_.expires_at(std::min(std::chrono::steady_clock::now() + patience_, end_));
    watch_.async_wait([watched = state_](std::error_code cancelled) {
      if (cancelled) return;
      watched->late = true;
      watched->stream->close();
    });
  }
  [[nodiscard]] std::error_code why(std::error_code error) const noexcept {
    return state_->late ? make_error_code(errc::timed_out) : error;
  }

  std::shared_ptr<state> state_;
  asio::steady_timer watch_;
  duration patience_;
  duration limit_;
  std::chrono::steady_clock::time_point end_;  // of the time that the answer may take
  std::vector<std::byte> buffer_;
  bytes_view in_;  // received and not used, a part of buffer_
  bool idle_ = false;
  bool heard_ = false;
};

}  // namespace shoal::net
