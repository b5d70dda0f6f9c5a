// SPDX-License-Identifier: BSL-1.0
//
// http_connection: serves one HTTP client, request after request, and is what handlers answer through.
//
//     task<> answer(http_connection& client) {
//       http::head_writer head = http::head_writer::response(200);
//       head.field("Content-Type", "application/vnd.ipld.car");
//       const http::body_length length{http::body_length::kind::chunked, 0};
//       result<> sent = co_await client.begin(head, length);
//       while (sent && more()) sent = co_await client.send(prefix, block);      // waits for a client that is
//       slow co_return sent;
//     }
//
// Handlers see GET and HEAD alone. Requests with a body are refused; pipelined ones wait for their turn.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/http/body_length.hpp>
#include <shoal/http/date.hpp>
#include <shoal/http/head_reader.hpp>
#include <shoal/http/head_writer.hpp>
#include <shoal/http/request_head.hpp>
#include <shoal/http/target.hpp>
#include <shoal/net/client_stream.hpp>
#include <shoal/net/output_queue.hpp>
#include <shoal/task/lease.hpp>
#include <shoal/task/task.hpp>

namespace shoal::net {

struct http_server_options {
  using duration = std::chrono::steady_clock::duration;
  /// How long a connection may be silent between requests.
  duration idle_time = std::chrono::seconds{60};
  /// How long a client may take to send a head, from its first byte to its last.
  duration head_time = std::chrono::seconds{10};
  /// How long a client may take nothing of an answer.
  duration send_time = std::chrono::seconds{30};
  /// How long stop() waits for answers.
  duration drain_time = std::chrono::seconds{10};
  /// Further clients wait in the kernel's queue.
  std::size_t max_connections = 1000;
};

class http_connection;

/// Answers a request, or says why it could not: then the client gets a 500, or an answer that is visibly cut
/// off if it had begun. The connection outlives the task.
using http_handler = std::function<task<>(http_connection&)>;

/// Handlers by path. One whose path ends with a slash answers for everything below it.
struct http_route {
  std::string path;
  http_handler handler;
};

class http_connection : public std::enable_shared_from_this<http_connection> {
 public:
  /// Bytes that are gathered into one system call.
  static constexpr std::size_t batch_bytes = 256u << 10;
  /// Bytes that are sent before other connections get a turn.
  static constexpr std::size_t turn_bytes = 4u << 20;
  /// How long a client may take to hang up when it is told that nothing more will come.
  static constexpr std::chrono::milliseconds linger_time{250};

  /// `routes` and `options` outlive the connection.
  http_connection(stream_socket socket, const std::vector<http_route>& routes,
                  const http_server_options& options, std::shared_ptr<output_queue::memory> memory)
      : memory_(std::move(memory)),
        stream_(std::move(socket), *memory_),
        routes_(routes),
        options_(options),
        deadline_(stream_.get_executor()) {}

  // --- for handlers

  /// The request that is being answered.
  [[nodiscard]] const http::request_head& request() const noexcept { return *request_; }
  /// False for HEAD: the body is not sent, and need not be made.
  [[nodiscard]] bool wants_body() const noexcept { return request_->method != "HEAD"; }

  /// Begins the answer. Adds the fields of the connection and of the body's length to `head`. A length that is
  /// unsaid is that of an answer that has no body, such as a 304. errc::closed when the client has gone.
  task<> begin(http::head_writer& head, const http::body_length& length) {
    using kind = http::body_length::kind;
    begun_ = true;
    left_ = length.bytes;
    chunked_ = length.how == kind::chunked && request_->minor_version != 0;
    sized_ = length.how == kind::sized;
    keep_ = keep_ && !draining_ && (chunked_ || length.how != kind::chunked);
    if (sized_) head.field("Content-Length", length.bytes);
    if (chunked_) head.field("Transfer-Encoding", "chunked");
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    head.field("Date", http::http_date(std::chrono::duration_cast<std::chrono::seconds>(now).count()));
    if (!keep_) head.field("Connection", "close");
    const std::string text = std::move(head).finish();
    put(as_bytes(text));
    return settle();
  }

  /// Sends the next bytes of the body: `copied`, then `shared`, which is not copied. Both outlive the task.
  /// errc::closed when the client has gone, errc::invalid_argument for more bytes than were announced.
  task<> send(bytes_view copied, const lease& shared) {
    const std::size_t size = copied.size() + shared.size();
    if (size == 0 || !wants_body()) return done();
    if (sized_ && size > left_) return failed(make_error_code(errc::invalid_argument));
    if (sized_) left_ -= size;
    if (chunked_) put(http::chunk_head{size}.bytes());
    put(copied);
    stream_.out().body(shared);
    if (chunked_) put(as_bytes(http::chunk_tail));
    handled_ += size;
    return settle();
  }

  /// Sends what has been gathered: for handlers that are about to wait for something else. errc::closed.
  task<> flush() {
    while (!closed_) {
      const output_queue::progress progress = stream_.send_now();
      if (progress == output_queue::progress::broken) close();
      if (progress == output_queue::progress::done) {
        if (handled_ >= turn_bytes) {
          handled_ = 0;
          const auto executor = stream_.get_executor();
          co_await asio::post(executor, asio::use_awaitable);
        }
        co_return result<>{};
      }
      if (closed_) break;
      close_at(std::chrono::steady_clock::now() + options_.send_time);
      co_await stream_.wait_writable();
      deadline_.cancel();
    }
    co_return errc::closed;
  }

  /// A whole answer with a short text. It and `type` outlive the task.
  task<> reply(unsigned status, std::string_view type, std::string_view text) {
    http::head_writer head = http::head_writer::response(status);
    head.field("Content-Type", type);
    head.field("X-Content-Type-Options", "nosniff");
    if (status == 405) head.field("Allow", "GET, HEAD");
    const http::body_length length{http::body_length::kind::sized, text.size()};
    const result<> begun = co_await begin(head, length);
    if (!begun) co_return begun.error();
    const lease none;
    const bytes_view bytes = as_bytes(text);
    co_return co_await send(bytes, none);
  }

  // --- for the server

  /// Serves the client until it leaves, misbehaves, is silent for too long, or drain() has let it finish.
  asio::awaitable<void> run() {
    const std::shared_ptr<http_connection> self = shared_from_this();
    while (keep_ && !closed_) {
      const bool whole = co_await receive_head();
      if (!whole) break;
      co_await answer();
    }
    co_await linger();
    close();
  }

  /// Lets the answer that is under way finish, and then closes.
  void drain() {
    draining_ = true;
    stream_.interrupt();
  }

  /// Closes at once.
  void close() {
    closed_ = true;
    deadline_.cancel();
    stream_.close();
  }

 private:
  /// True when there is a request. False: there will be none, or it was refused.
  asio::awaitable<bool> receive_head() {
    using clock = std::chrono::steady_clock;
    request_.reset();
    std::optional<clock::time_point> end;  // of the time that a head may take
    while (!closed_) {
      bytes_view in = stream_.received();
      const std::size_t before = in.size();
      const result<bool> whole = heads_.next(in);
      stream_.consume(before - in.size());
      if (!whole || *whole) {
        std::error_code why = whole.error();
        if (whole) why = parse_head();
        if (!why) co_return true;
        co_await refuse(http::refusal_status(why), "this is not a request that can be read\n");
        co_return false;
      }
      if (!stream_.out().empty()) {
        // only now: answers to requests that came together leave together
        const result<> sent = co_await flush();
        if (!sent) co_return false;
      }
      const client_stream::arrival news = stream_.receive_now();
      if (news == client_stream::arrival::ended) co_return false;
      if (news == client_stream::arrival::some) continue;
      if (draining_ && heads_.idle()) co_return false;
      const clock::time_point now = clock::now();
      if (!heads_.idle() && !end) end = now + options_.head_time;
      close_at(end.value_or(now + options_.idle_time));
      co_await stream_.wait_readable();
      deadline_.cancel();
    }
    co_return false;
  }

  std::error_code parse_head() {
    result<http::request_head> head = http::request_head::parse(heads_.take());
    if (!head) return head.error();
    request_.emplace(std::move(*head));
    return {};
  }

  asio::awaitable<void> answer() {
    begun_ = false;
    keep_ = request_->keep_alive;
    if (request_->method != "GET" && request_->method != "HEAD") {
      co_return co_await refuse(405, "only GET and HEAD\n");
    }
    if (request_->body.how == http::body_length::kind::chunked || request_->body.bytes != 0) {
      co_return co_await refuse(413, "a request has no body here\n");
    }
    const http_handler* const handler = find_handler();
    if (handler == nullptr) {
      const result<> told = co_await reply(404, "text/plain", "nothing is here\n");
      co_return finish(told);
    }
    task<> work = (*handler)(*this);
    const result<> outcome = co_await std::move(work);
    if (!begun_ && !closed_) co_return co_await refuse(500, "something went wrong here\n");
    finish(outcome);
  }

  /// Ends an answer so that the client can tell whether it is whole.
  void finish(const result<>& outcome) {
    const bool whole = outcome && (!sized_ || left_ == 0 || !wants_body());
    if (!whole) keep_ = false;  // the connection ends, and the body has not
    if (whole && chunked_ && wants_body()) put(as_bytes(http::last_chunk));
  }

  /// Answers and closes, because what follows cannot be told from this request.
  asio::awaitable<void> refuse(unsigned status, std::string_view why) {
    if (!request_) parse_anything();
    keep_ = false;
    const result<> told = co_await reply(status, "text/plain", why);
    finish(told);
  }
  void parse_anything() {
    constexpr std::string_view any = "GET / HTTP/1.0\r\n";
    request_.emplace(std::move(*http::request_head::parse({any.begin(), any.end()})));
  }

  [[nodiscard]] const http_handler* find_handler() const noexcept {
    const std::string_view path = http::split_target(request_->target).path;
    const http_route* best = nullptr;
    for (const http_route& each : routes_) {
      const bool fits = each.path.ends_with('/') ? path.starts_with(each.path) : path == each.path;
      if (fits && (best == nullptr || each.path.size() > best->path.size())) best = &each;
    }
    return best == nullptr ? nullptr : &best->handler;
  }

  // --- sending

  void put(bytes_view bytes) {
    while (!bytes.empty()) {
      const bytes_view part = bytes.first(std::min(bytes.size(), scratch_size));
      std::ranges::copy(part, stream_.out().header(part.size()));
      bytes = bytes.subspan(part.size());
    }
  }

  /// Sends once there is enough of it.
  task<> settle() {
    if (closed_) return failed(make_error_code(errc::closed));
    if (stream_.out().size() < batch_bytes) return done();
    return flush();
  }

  void close_at(std::chrono::steady_clock::time_point time) {
    deadline_.expires_at(time);
    deadline_.async_wait([weak = weak_from_this()](std::error_code cancelled) {
      const std::shared_ptr<http_connection> self = weak.lock();
      if (self && !cancelled) self->close();
    });
  }

  /// Closing a socket with unread bytes makes the system throw away an answer that is under way: let the client
  /// hang up first.
  asio::awaitable<void> linger() {
    if (closed_) co_return;
    const result<> sent = co_await flush();
    if (!sent) co_return;
    stream_.end_output();
    close_at(std::chrono::steady_clock::now() + linger_time);
    while (!closed_) {
      stream_.discard();
      const client_stream::arrival news = stream_.receive_now();
      if (news == client_stream::arrival::ended) co_return;
      if (news == client_stream::arrival::none) co_await stream_.wait_readable();
    }
  }

  std::shared_ptr<output_queue::memory> memory_;
  client_stream stream_;
  const std::vector<http_route>& routes_;
  const http_server_options& options_;

  http::head_reader heads_;
  std::optional<http::request_head> request_;
  std::uint64_t left_ = 0;   // of a sized body, in bytes
  std::size_t handled_ = 0;  // bytes since others had a turn
  bool begun_ = false;       // the answer's head has been written
  bool chunked_ = false;
  bool sized_ = false;
  bool keep_ = true;  // another request may follow
  bool draining_ = false;
  bool closed_ = false;
  asio::steady_timer deadline_;  // of the client, for what it has to do next
};

}  // namespace shoal::net
