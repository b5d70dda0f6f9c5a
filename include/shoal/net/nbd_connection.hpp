// SPDX-License-Identifier: BSL-1.0
//
// nbd_connection: serves one NBD client: moves bytes between a stream, the protocol (nbd/) and a device
// (block/). nbd_server makes one for each client.
//
// Requests that are queued are read at once and answered with one gathered write. What a device lends, or reads
// and writes without waiting, costs no coroutine and no allocation; the rest runs as tasks of their own, and
// replies leave in the order in which they are ready. Memory follows the bytes received: at most max_task_bytes
// are held by requests that wait for the device, and about batch_bytes by replies that wait for the client.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>

#include <shoal/base/bytes.hpp>
#include <shoal/block/any_device.hpp>
#include <shoal/nbd/errors.hpp>
#include <shoal/nbd/export_info.hpp>
#include <shoal/nbd/reply.hpp>
#include <shoal/nbd/server_session.hpp>
#include <shoal/nbd/wire.hpp>
#include <shoal/net/client_stream.hpp>
#include <shoal/net/nbd_calls.hpp>
#include <shoal/net/output_queue.hpp>
#include <shoal/net/read_reply.hpp>
#include <shoal/task/lease.hpp>
#include <shoal/task/signal.hpp>
#include <shoal/task/task.hpp>

namespace shoal::net {

/// What a connection needs of its server. Outlives the connection.
struct nbd_exports {
  std::vector<nbd::export_info> infos;
  std::vector<std::function<any_device()>> open;  ///< a device for one client; as many as there are infos
};

class nbd_connection : public std::enable_shared_from_this<nbd_connection> {
 public:
  /// Replies are gathered up to this size, in bytes; no more wait for a client that does not read.
  static constexpr std::size_t batch_bytes = 1u << 20;
  /// Requests that may wait for the device at once, and bytes that they may hold.
  static constexpr unsigned max_tasks = 64;
  static constexpr std::size_t max_task_bytes = 8u << 20;
  /// A longer read is answered in pieces.
  static constexpr std::size_t piece_bytes = 1u << 20;
  /// Bytes handled before other connections get a turn, and what each request counts beside its own.
  static constexpr std::size_t turn_bytes = 4u << 20;
  static constexpr std::size_t request_cost = 512;
  /// How long a client may take to hang up when it is told that nothing more will come.
  static constexpr std::chrono::milliseconds linger_time{250};

  nbd_connection(stream_socket socket, const nbd_exports& exports, std::shared_ptr<output_queue::memory> memory,
                 std::chrono::steady_clock::duration handshake_time)
      : memory_(std::move(memory)),
        stream_(std::move(socket), *memory_),
        exports_(exports),
        session_(exports.infos),
        handshake_time_(handshake_time),
        deadline_(stream_.get_executor()) {}

  /// Serves the client until it leaves, misbehaves, or drain() has let it finish.
  asio::awaitable<void> run() {
    const std::shared_ptr<nbd_connection> self = shared_from_this();
    close_after(handshake_time_);
    co_await converse();
    while (tasks_ != 0) co_await changed_.wait();
    send_now();
    while (sending_) co_await changed_.wait();
    if (draining_) co_await linger();
    close();
  }

  /// Lets the client's outstanding requests finish, refuses new ones with ESHUTDOWN, and then closes.
  void drain() {
    draining_ = true;
    if (!device_) return close();
    session_.refuse_requests();
    stream_.interrupt();
  }

  /// Closes at once. What is outstanding is not answered.
  void close() {
    closed_ = true;
    deadline_.cancel();
    stream_.close();
    changed_.notify();
  }

 private:
  using kind = nbd::server_event::kind;

  [[nodiscard]] output_queue& out() noexcept { return stream_.out(); }

  asio::awaitable<void> converse() {
    while (!closed_) {
      if (must_give_way()) co_await give_way();
      if (is_waiting()) co_await wait_for_tasks();
      const nbd::server_event e = session_.next(stream_.received());
      if (session_.has_output()) send_output();
      switch (e.what) {
        case kind::haggled: break;
        case kind::settled:
          device_ = exports_.open[session_.chosen().export_index]();
          max_io_ = std::max<std::size_t>(device_->info().max_io, 1);
          deadline_.cancel();
          break;
        case kind::request:
          if (e.request.type == nbd::command::read) {
            if (!read_now(e.request)) co_await read_later(e.request);
          } else {
            spawn(serve_other(*this, e.request), 0);
          }
          break;
        case kind::payload:
          if (!write_now(e)) co_await write_later(e);
          break;
        case kind::refused: reply_failed(e.request, e.code); break;
        case kind::starved: {
          stream_.consume(e.consumed);
          send_now();
          const client_stream::arrival news = stream_.receive_now();
          if (news == client_stream::arrival::ended) co_return;
          if (news == client_stream::arrival::some) continue;
          if (draining_ && !session_.writing()) co_return;
          handled_ = 0;
          co_await stream_.wait_readable();
          continue;
        }
        case kind::left: stream_.consume(e.consumed); co_return;
        case kind::violation: co_return;
      }
      stream_.consume(e.consumed);
      handled_ += e.consumed + request_cost;
    }
  }

  // --- sending

  void send_output() {
    const auto owner = std::make_shared<const std::vector<std::byte>>(session_.take_output());
    out().body({owner, bytes_view{*owner}});
  }

  /// Sends what the kernel takes now. The rest goes when it takes more.
  void send_now() {
    if (sending_ || closed_) return;
    switch (stream_.send_now()) {
      case output_queue::progress::done: return;
      case output_queue::progress::broken: return close();
      case output_queue::progress::blocked:
        sending_ = true;
        asio::co_spawn(stream_.get_executor(), send_rest(shared_from_this()), asio::detached);
    }
  }
  static asio::awaitable<void> send_rest(std::shared_ptr<nbd_connection> self) {
    auto progress = output_queue::progress::blocked;
    while (progress == output_queue::progress::blocked && !self->closed_) {
      co_await self->stream_.wait_writable();
      if (self->closed_) break;
      progress = self->stream_.send_now();
      self->changed_.notify();
    }
    self->sending_ = false;
    if (progress == output_queue::progress::broken) self->close();
    self->changed_.notify();
  }

  /// Enough has been said for now: the client has to take some of it, or others have to get a turn.
  [[nodiscard]] bool must_give_way() noexcept { return out().size() >= batch_bytes || handled_ >= turn_bytes; }
  asio::awaitable<void> give_way() {
    send_now();
    while (out().size() >= batch_bytes && !closed_) co_await changed_.wait();
    if (handled_ < turn_bytes) co_return;
    handled_ = 0;
    const auto executor = stream_.get_executor();
    co_await asio::post(executor, asio::use_awaitable);
  }
  [[nodiscard]] bool is_waiting() const noexcept {
    return tasks_ >= max_tasks || task_bytes_ >= max_task_bytes;
  }
  asio::awaitable<void> wait_for_tasks() {
    send_now();
    while (is_waiting() && !closed_) co_await changed_.wait();
  }

  void close_after(std::chrono::steady_clock::duration time) {
    deadline_.expires_after(time);
    deadline_.async_wait([weak = weak_from_this()](std::error_code cancelled) {
      const std::shared_ptr<nbd_connection> self = weak.lock();
      if (self && !cancelled) self->close();
    });
  }
  /// Closing a socket with unread requests makes the system throw away replies that are under way: let the
  /// client hang up first.
  asio::awaitable<void> linger() {
    if (closed_) co_return;
    stream_.end_output();
    close_after(linger_time);
    while (!closed_) {
      stream_.discard();
      const client_stream::arrival news = stream_.receive_now();
      if (news == client_stream::arrival::ended) co_return;
      if (news == client_stream::arrival::none) co_await stream_.wait_readable();
    }
  }

  // --- tasks

  /// Runs `work` beside the conversation. It counts as outstanding, with `bytes` of memory, until it ends.
  void spawn(asio::awaitable<void> work, std::size_t bytes) {
    ++tasks_;
    task_bytes_ += bytes;
    asio::co_spawn(stream_.get_executor(), std::move(work),
                   [self = shared_from_this(), bytes](std::exception_ptr failed) {
                     --self->tasks_;
                     self->task_bytes_ -= bytes;
                     if (failed) self->close();  // out of memory: there is no reply
                     self->send_now();
                     self->changed_.notify();
                   });
  }

  void reply_failed(const nbd::request& r, nbd::error code) {
    std::byte head[nbd::max_reply_head];
    const std::size_t n = session_.replies().failed(head, r, code);
    std::copy_n(head, n, out().header(n));
  }
  void reply_done(const nbd::request& r, const result<>& outcome) {
    if (!outcome) return reply_failed(r, nbd::to_nbd_error(outcome.error()));
    session_.replies().done(out().header(nbd::simple_reply_size), r);
  }

  // --- read

  bool read_now(const nbd::request& r) {
    if (r.length > piece_bytes) return false;
    read_reply reply{out(), session_.replies(), r, r.offset};
    if (!reply.add_resident(*device_, r.length)) return false;
    reply.finish(true);
    handled_ += r.length;
    return true;
  }

  asio::awaitable<void> read_later(nbd::request r) {
    const bool whole = (r.flags & nbd::command_flag::df) != 0;
    if (whole && r.length > piece_bytes) {
      reply_failed(r, nbd::error::overflow);
    } else if (session_.chosen().structured || r.length <= piece_bytes) {
      spawn(serve_read(*this, r), std::min<std::size_t>(r.length, piece_bytes));
    } else {
      // the reply is one long run of bytes: nothing else may be sent meanwhile
      while (tasks_ != 0) co_await changed_.wait();
      co_await serve_read(*this, r);
    }
  }

  /// A read that is long, or that waits for the device.
  static asio::awaitable<void> serve_read(nbd_connection& self, nbd::request r) {
    const std::size_t most = std::min<std::size_t>(piece_bytes, self.max_io_);
    std::uint32_t done = 0;
    do {
      const auto length = static_cast<std::uint32_t>(std::min<std::size_t>(r.length - done, most));
      const std::uint64_t at = r.offset + done;
      done += length;
      read_reply resident{self.out(), self.session_.replies(), r, at};
      if (r.length > piece_bytes && resident.add_resident(*self.device_, length)) {
        resident.finish(done == r.length);
      } else {
        const result<lease> content = co_await read_copy(*self.device_, at, length, self.memory_);
        if (!content) co_return self.fail_read(r, at, content.error());
        read_reply reply{self.out(), self.session_.replies(), r, at};
        reply.add_read(*content);
        reply.finish(done == r.length);
      }
      self.handled_ += length;
      if (self.must_give_way()) co_await self.give_way();
    } while (done < r.length && !self.closed_);
  }
  void fail_read(const nbd::request& r, std::uint64_t at, std::error_code why) {
    // behind a first piece without structured replies there is no way to say so
    if (at != r.offset && !session_.chosen().structured) return close();
    reply_failed(r, nbd::to_nbd_error(why));
  }

  // --- write

  static bool is_whole(const nbd::server_event& e) noexcept { return e.bytes.size() == e.request.length; }
  static bool is_durable(const nbd::server_event& e) noexcept {
    return (e.request.flags & nbd::command_flag::fua) != 0;
  }

  bool write_now(const nbd::server_event& e) {
    // a long write in pieces is made durable once, at its end
    if (e.last && is_durable(e) && !is_whole(e)) return false;
    const io_flags flags = is_whole(e) ? flags_of(e.request) : io_flags::none;
    if (!e.bytes.empty() && (e.bytes.size() > max_io_ || !device_->try_write(e.offset, e.bytes, flags)))
      return false;
    if (e.last) reply_done(e.request, {});
    return true;
  }

  /// What write_now() could not do: a write that came as a whole runs beside the conversation, a piece of a
  /// longer one holds it up.
  asio::awaitable<void> write_later(nbd::server_event e) {
    if (is_whole(e)) {
      spawn(serve_write(*this, e.request, std::vector<std::byte>{e.bytes.begin(), e.bytes.end()}),
            e.bytes.size());
      co_return;
    }
    result<> stored = co_await write_all(*device_, e.offset, e.bytes, io_flags::none);
    if (stored && e.last && is_durable(e)) stored = co_await device_->flush();
    if (e.last) {
      reply_done(e.request, stored);
    } else if (!stored) {
      session_.fail_write(nbd::to_nbd_error(stored.error()));
    }
  }
  static asio::awaitable<void> serve_write(nbd_connection& self, nbd::request r,
                                           std::vector<std::byte> payload) {
    const bytes_view bytes{payload};
    const io_flags flags = flags_of(r);
    const result<> stored = co_await write_all(*self.device_, r.offset, bytes, flags);
    self.reply_done(r, stored);
  }

  // --- everything else

  static asio::awaitable<void> serve_other(nbd_connection& self, nbd::request r) {
    if (r.type == nbd::command::block_status) {
      const result<std::vector<extent>> found = co_await self.device_->extents(r.offset, r.length);
      if (!found) co_return self.reply_failed(r, nbd::to_nbd_error(found.error()));
      co_return self.reply_status(r, *found);
    }
    const result<> outcome = co_await carry_out(*self.device_, r);
    self.reply_done(r, outcome);
  }

  void reply_status(const nbd::request& r, std::span<const extent> found) {
    constexpr std::size_t room = (scratch_size - nbd::max_reply_head) / nbd::reply_writer::descriptor_size;
    const bool one = (r.flags & nbd::command_flag::req_one) != 0;
    const std::size_t count = std::min(found.size(), one ? std::size_t{1} : room);
    std::byte head[nbd::max_reply_head];
    const std::size_t n = session_.replies().status(head, r, *session_.chosen().allocation, count);
    std::copy_n(head, n, out().header(n));
    for (const extent& e : found.first(count)) {
      nbd::reply_writer::put_descriptor(out().header(nbd::reply_writer::descriptor_size),
                                        static_cast<std::uint32_t>(e.length), e.hole, e.zero);
    }
  }

  std::shared_ptr<output_queue::memory> memory_;
  client_stream stream_;
  const nbd_exports& exports_;
  nbd::server_session session_;
  std::optional<any_device> device_;
  std::size_t max_io_ = 0;

  std::chrono::steady_clock::duration handshake_time_;

  std::size_t handled_ = 0;  // bytes since others had a turn
  unsigned tasks_ = 0;
  std::size_t task_bytes_ = 0;
  bool sending_ = false;  // send_rest() runs
  bool draining_ = false;
  bool closed_ = false;
  signal changed_;               // of the budgets above
  asio::steady_timer deadline_;  // of the negotiation, and of the farewell
};

}  // namespace shoal::net
