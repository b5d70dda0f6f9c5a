// SPDX-License-Identifier: BSL-1.0
//
// nbd_link: one connection with an NBD server: moves bytes between a stream and the protocol (nbd/), for any
// number of requests at once. nbd_client makes one, and another when that one is lost.
//
//     result<std::shared_ptr<nbd_link>> link = co_await nbd_link::open(route, wish, times, detail);
//     result<nbd_answer> answer = co_await (*link)->ask(request, payload, content);
//     if (!answer) ...                                  // the connection is lost: nobody knows what the server
//     did
//
// Requests that are made in one turn leave with one write, and what is read goes straight into its place where
// it is long. Nothing runs while no request is outstanding: a context with an idle link runs dry.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/detail/asio.hpp>
#include <shoal/nbd/client_session.hpp>
#include <shoal/nbd/wire.hpp>
#include <shoal/net/byte_stream.hpp>
#include <shoal/net/nbd_route.hpp>
#include <shoal/task/signal.hpp>
#include <shoal/task/task.hpp>

namespace shoal::net {

/// What a server answered to a request.
struct nbd_answer {
  nbd::error code = nbd::error::ok;
  std::vector<nbd::allocation_run> runs;  ///< of a block status
};

struct nbd_link_times {
  std::chrono::steady_clock::duration connect;   ///< for the connection and the negotiation
  std::chrono::steady_clock::duration patience;  ///< how long a server that was asked something may say nothing
};

/// One strand.
class nbd_link : public std::enable_shared_from_this<nbd_link> {
 public:
  using clock = std::chrono::steady_clock;

  /// Requests that the server has at once; more wait.
  static constexpr std::size_t max_requests = 128;

  /// Use open().
  nbd_link(asio::any_io_executor executor, std::unique_ptr<byte_stream> stream, nbd::export_wish wish,
           nbd_link_times times)
      : executor_(std::move(executor)),
        stream_(std::move(stream)),
        session_(std::move(wish)),
        times_(times),
        watch_(executor_),
        buffer_(buffer_size) {}
  nbd_link(const nbd_link&) = delete;
  nbd_link& operator=(const nbd_link&) = delete;
  ~nbd_link() {
    if (stream_) stream_->close();
  }

  /// Connects, and agrees with the server on an export. As client_handshake::failure(), errc::timed_out, or
  /// what dialling or TLS says.
  /// @param detail  becomes what there is to say about a refusal. It and `route` outlive the task.
  static task<std::shared_ptr<nbd_link>> open(const nbd_route& route, nbd::export_wish wish,
                                              nbd_link_times times, std::string& detail) {
    const asio::any_io_executor executor = co_await asio::this_coro::executor;
    const clock::time_point end = clock::now() + times.connect;
    result<std::unique_ptr<byte_stream>> stream = co_await route.dial(times.connect);
    if (!stream) co_return stream.error();
    auto link = std::make_shared<nbd_link>(executor, std::move(*stream), std::move(wish), times);
    const result<> agreed = co_await link->negotiate(route, end);
    detail = link->session_.detail();
    if (!agreed) co_return agreed.error();
    co_return link;
  }

  [[nodiscard]] const nbd::client_agreement& agreed() const noexcept { return session_.agreed(); }
  [[nodiscard]] bool is_open() const noexcept { return open_; }
  /// Why it is not open any more: errc::closed, errc::timed_out, errc::malformed.
  [[nodiscard]] std::error_code why() const noexcept { return why_; }
  /// How the server broke the protocol, or nothing.
  [[nodiscard]] std::string_view detail() const noexcept { return session_.detail(); }

  /// Asks the server, and waits for its answer. An error means that the link is not open any more, and that
  /// nobody knows whether the server has done it.
  /// @param r        allowed by the export; its cookie does not matter
  /// @param payload  of a write
  /// @param content  of a read: is filled. Both outlive the task.
  task<nbd_answer> ask(nbd::request r, bytes_view payload, bytes_span content) {
    while (open_ && session_.outstanding() >= max_requests) co_await answered_.wait();
    if (!open_) co_return why_;
    const asio::any_io_executor executor = co_await asio::this_coro::executor;
    call mine{*this, executor};
    mine.begin(r, payload, content);
    while (!mine.ended) {
      [[maybe_unused]] const auto woken = co_await mine.sleeper.async_wait(shoal::detail::no_throw);
    }
    if (mine.lost) co_return why_;
    co_return std::move(mine.answer);
  }

  /// Hangs up. What is outstanding fails.
  void close() noexcept { lose(errc::canceled); }

 private:
  using kind = nbd::client_event::kind;

  static constexpr std::size_t buffer_size = 128u << 10;
  static_assert(buffer_size >= nbd::client_session::max_input);
  // Content that is longer is received into its place; what is shorter comes with more behind it.
  static constexpr std::size_t min_direct = 16u << 10;
  // A payload that is longer is sent from where it is.
  static constexpr std::size_t max_copy = 32u << 10;
  static constexpr std::size_t max_batch = 256u << 10;

  /// Who waits for an answer. Lives in the frame of ask().
  struct call {
    call(nbd_link& of, const asio::any_io_executor& executor)
        : link(of), sleeper(executor, clock::time_point::max()) {}
    call(const call&) = delete;
    call& operator=(const call&) = delete;
    ~call() {
      if (!ended) link.abandon(cookie);
    }

    void begin(const nbd::request& r, bytes_view payload, bytes_span content) {
      std::array<std::byte, nbd::request_size> head;
      cookie = link.session_.begin(r, content, head.data());
      link.waiting_.emplace(cookie, this);
      link.send(cookie, head, payload);
    }
    void end() {
      ended = true;
      sleeper.cancel();
    }

    nbd_link& link;
    std::uint64_t cookie = 0;
    bool ended = false;
    bool lost = false;
    nbd_answer answer;
    asio::steady_timer sleeper;
  };

  /// What is sent with one write, and then, perhaps, a payload.
  struct batch {
    std::vector<std::byte> copied;
    bytes_view lent;
    std::uint64_t lender = 0;
  };

  // --- the negotiation

  task<> negotiate(const nbd_route& route, clock::time_point end) {
    watch(end);
    while (true) {
      const nbd::client_event e = session_.next(received());
      begin_ += e.consumed;
      const std::vector<std::byte> output = session_.take_output();
      if (!output.empty()) {
        const bytes_view bytes = output;
        const result<> sent = co_await stream_->write(bytes);
        if (!sent && e.what != kind::broken) co_return late_or(sent.error());
      }
      if (e.what == kind::broken) co_return session_.failure();
      if (e.what == kind::settled) break;
      if (e.what == kind::securing) {
        if (!route.secure) co_return std::make_error_code(std::errc::wrong_protocol_type);
        result<std::unique_ptr<byte_stream>> secured = route.secure(std::move(stream_));
        if (!secured) co_return secured.error();
        stream_ = std::move(*secured);
        session_.secured();
      }
      if (e.what != kind::starved) continue;
      const result<bool> more = co_await receive();
      if (!more) co_return late_or(more.error());
      if (!*more) co_return late_or(session_.end_of_stream());
    }
    watch_.cancel();
    open_ = true;
    co_return result<>{};
  }

  // --- receiving

  [[nodiscard]] bytes_view received() const noexcept {
    return bytes_view{buffer_}.subspan(begin_, end_ - begin_);
  }

  /// Takes more of the stream. False when it has ended.
  task<bool> receive() {
    bytes_span room = session_.room();
    direct_ = begin_ == end_ && room.size() >= min_direct;
    if (!direct_) {
      std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
      room = bytes_span{buffer_}.subspan(end_);
    }
    const result<std::size_t> size = co_await stream_->read(room);
    const bool direct = std::exchange(direct_, false);
    if (!size) co_return size.error();
    if (direct) {
      session_.filled(*size);
    } else {
      end_ += *size;
    }
    co_return *size != 0;
  }

  static asio::awaitable<void> receive_all(std::shared_ptr<nbd_link> self) {
    while (true) {
      self->take_events();
      if (!self->open_ || self->session_.outstanding() == 0) break;
      self->watch(clock::now() + self->times_.patience);
      const result<bool> more = co_await self->receive();
      if (!self->open_) break;
      if (!more || !*more) self->lose(self->late_or(errc::closed));
    }
    self->watch_.cancel();
    self->receiving_ = false;
  }

  void take_events() {
    while (open_) {
      nbd::client_event e = session_.next(received());
      begin_ += e.consumed;
      if (e.what == kind::starved) return;
      if (e.what == kind::broken) return lose(session_.failure());
      if (e.what != kind::finished) continue;
      if (session_.outstanding() == max_requests - 1) answered_.notify();
      const auto found = waiting_.find(e.cookie);
      if (found == waiting_.end()) continue;  // it was abandoned
      call& who = *found->second;
      waiting_.erase(found);
      who.answer = {e.code, std::move(e.runs)};
      who.end();
    }
  }

  // --- sending

  void send(std::uint64_t cookie, bytes_view head, bytes_view payload) {
    if (queue_.empty() || !queue_.back().lent.empty() || queue_.back().copied.size() >= max_batch) {
      queue_.emplace_back();
    }
    batch& last = queue_.back();
    last.copied.insert(last.copied.end(), head.begin(), head.end());
    if (payload.size() <= max_copy) {
      last.copied.insert(last.copied.end(), payload.begin(), payload.end());
    } else {
      last.lent = payload;
      last.lender = cookie;
    }
    // both start when the caller has given way, with all that is asked until then
    if (!std::exchange(sending_, true)) asio::co_spawn(executor_, send_all(shared_from_this()), asio::detached);
    if (!std::exchange(receiving_, true))
      asio::co_spawn(executor_, receive_all(shared_from_this()), asio::detached);
  }

  static asio::awaitable<void> send_all(std::shared_ptr<nbd_link> self) {
    while (self->open_ && !self->queue_.empty()) {
      self->leaving_ = std::move(self->queue_.front());
      self->queue_.pop_front();
      const bytes_view copied = self->leaving_.copied;
      const bytes_view lent = self->leaving_.lent;
      result<> sent = co_await self->stream_->write(copied);
      if (sent && !lent.empty() && self->open_) sent = co_await self->stream_->write(lent);
      self->leaving_.lent = {};
      if (!sent) self->lose(self->late_or(errc::closed));
    }
    self->sending_ = false;
  }

  // --- the end

  /// Nobody waits for the request any more, and its memory goes now.
  void abandon(std::uint64_t cookie) noexcept {
    session_.forget(cookie);
    waiting_.erase(cookie);
    const auto lent_by_it = [cookie](const batch& b) { return !b.lent.empty() && b.lender == cookie; };
    // bytes that are under way from or to that memory can only be stopped with all others
    if (direct_ || lent_by_it(leaving_) || std::ranges::any_of(queue_, lent_by_it)) lose(errc::canceled);
  }

  void lose(std::error_code why) noexcept {
    if (!std::exchange(open_, false)) return;
    why_ = why;
    stream_->close();
    watch_.cancel();
    queue_.clear();
    for (const auto& [cookie, who] : waiting_) {
      who->lost = true;
      who->end();
    }
    waiting_.clear();
    answered_.notify();
  }

  [[nodiscard]] std::error_code late_or(std::error_code why) const noexcept {
    return late_ ? make_error_code(errc::timed_out) : why;
  }
  void watch(clock::time_point end) {
    watch_.expires_at(end);
    watch_.async_wait([weak = weak_from_this()](std::error_code cancelled) {
      const std::shared_ptr<nbd_link> self = weak.lock();
      // it may have been set anew since
      if (cancelled || !self || clock::now() < self->watch_.expiry()) return;
      self->late_ = true;
      if (self->stream_) self->stream_->close();
    });
  }

  asio::any_io_executor executor_;
  std::unique_ptr<byte_stream> stream_;
  nbd::client_session session_;
  nbd_link_times times_;
  asio::steady_timer watch_;
  bool late_ = false;
  bool open_ = false;
  std::error_code why_;

  std::vector<std::byte> buffer_;
  std::size_t begin_ = 0;  // received and not used: [begin_, end_) of buffer_
  std::size_t end_ = 0;
  bool direct_ = false;  // content is being received into its place
  bool receiving_ = false;
  std::unordered_map<std::uint64_t, call*> waiting_;
  signal answered_;

  std::deque<batch> queue_;
  batch leaving_;
  bool sending_ = false;
};

}  // namespace shoal::net
