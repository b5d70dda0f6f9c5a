// SPDX-License-Identifier: BSL-1.0
//
// nbd_connection: serves one NBD client: moves bytes between a socket, the protocol (nbd/) and a device
// (block/). nbd_server makes one for each client.
//
// Requests that are queued are read at once and answered with one gathered write. What a device lends, or reads
// and writes without waiting, costs no coroutine and no allocation; the rest runs as tasks of their own, and
// replies leave in the order in which they are ready. Memory follows the bytes received: buffers are borrowed
// while there is work, and at most max_task_bytes are held by requests that wait for the device.
#pragma once

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <sys/socket.h>
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/generic/stream_protocol.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/block/any_device.hpp>
#include <shoal/detail/asio.hpp>
#include <shoal/nbd/errors.hpp>
#include <shoal/nbd/export_info.hpp>
#include <shoal/nbd/handshake.hpp>
#include <shoal/nbd/wire.hpp>
#include <shoal/net/buffer_pool.hpp>
#include <shoal/net/output_queue.hpp>
#include <shoal/task/task.hpp>

namespace shoal::net {

/// A stream socket of any family: TCP and Unix clients are served by the same code.
using stream_socket = asio::generic::stream_protocol::socket;

/// What a connection needs of its server. Outlives the connection.
struct nbd_exports {
  std::vector<nbd::export_info> infos;
  std::vector<std::function<any_device()>> open;  ///< a device for one client; as many as there are infos
};

class nbd_connection : public std::enable_shared_from_this<nbd_connection> {
 public:
  nbd_connection(stream_socket socket, const nbd_exports& exports, buffer_pool& pool,
                 std::chrono::steady_clock::duration handshake_time)
      : socket_(std::move(socket)),
        exports_(exports),
        pool_(pool),
        handshake_time_(handshake_time),
        out_(pool),
        changed_(socket_.get_executor()) {
    changed_.expires_at(std::chrono::steady_clock::time_point::max());
  }

  /// Serves the client until it leaves, misbehaves, or drain() has let it finish.
  asio::awaitable<void> run() {
    const std::shared_ptr<nbd_connection> self = shared_from_this();
    std::error_code ignored;
    socket_.native_non_blocking(true, ignored);
    const bool agreed = co_await negotiate();
    if (agreed) {
      device_ = exports_.open[agreed_.export_index]();
      co_await serve();
      while (tasks_ != 0) co_await wait_for_change();
      co_await send_all();
    }
    close();
  }

  /// Lets the client's outstanding requests finish, refuses new ones with ESHUTDOWN, and then closes.
  void drain() noexcept {
    draining_ = true;
    if (!device_) return close();
    changed_.cancel();
    std::error_code ignored;
    // wakes the reader if it waits for a request; what has been received is still answered
    ::shutdown(socket_.native_handle(), SHUT_RD);
  }

  /// Closes at once. What is outstanding is not answered.
  void close() noexcept {
    std::error_code ignored;
    socket_.close(ignored);
    changed_.cancel();
  }

 private:
  /// Replies gathered before they are sent.
  static constexpr std::size_t batch_bytes = 1u << 20;
  /// Requests that may wait for the device at once, and bytes that they may hold.
  static constexpr unsigned max_tasks = 64;
  static constexpr std::size_t max_task_bytes = 8u << 20;
  /// A task reads no more than this at a time; longer replies are sent in pieces.
  static constexpr std::size_t piece_bytes = 1u << 20;
  /// A payload that is still arriving is written in pieces no smaller than this.
  static constexpr std::size_t write_piece = 64u << 10;

  /// Bytes handled before other connections get a turn.
  static constexpr std::size_t turn_bytes = 1u << 20;

  /// A request that a task works on, and what it holds of the connection's budget meanwhile.
  class holding {
   public:
    holding(std::shared_ptr<nbd_connection> self, std::size_t bytes) noexcept
        : self_(std::move(self)), bytes_(bytes) {
      ++self_->tasks_;
      self_->task_bytes_ += bytes_;
    }
    holding(holding&& other) noexcept = default;
    holding& operator=(holding&&) = delete;
    ~holding() {
      if (!self_) return;
      --self_->tasks_;
      self_->task_bytes_ -= bytes_;
      self_->send_now();
      self_->changed_.cancel();
    }

   private:
    std::shared_ptr<nbd_connection> self_;
    std::size_t bytes_;
  };

  // --- the socket

  asio::awaitable<void> wait_for_change() {
    const auto result = co_await changed_.async_wait(shoal::detail::no_throw);
    static_cast<void>(result);
  }

  [[nodiscard]] bytes_view received() const noexcept {
    return in_ ? bytes_view{in_.bytes()}.subspan(begin_, end_ - begin_) : bytes_view{};
  }

  /// Reads what has arrived behind received(), waiting if nothing has. False when no more will come.
  asio::awaitable<bool> fill() {
    while (true) {
      if (!in_) in_ = pool_.take();
      if (begin_ != 0) {
        std::memmove(in_.bytes().data(), in_.bytes().data() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
      }
      const bytes_span room = in_.bytes().subspan(end_);
      const ssize_t n = ::recv(socket_.native_handle(), room.data(), room.size(), MSG_DONTWAIT);
      if (n > 0) {
        end_ += static_cast<std::size_t>(n);
        co_return true;
      }
      if (n < 0 && errno == EINTR) continue;
      if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) co_return false;
      if (end_ == 0) in_ = {};
      handled_ = 0;
      const auto [error] = co_await socket_.async_wait(stream_socket::wait_read, shoal::detail::no_throw);
      if (error) co_return false;
    }
  }

  /// Sends what the kernel takes now. The rest goes when it takes more.
  void send_now() {
    if (sending_ || broken_ || out_.empty()) return;
    switch (out_.flush(socket_.native_handle())) {
      case output_queue::progress::done: return;
      case output_queue::progress::broken: return give_up();
      case output_queue::progress::blocked:
        sending_ = true;
        asio::co_spawn(socket_.get_executor(), send_rest(shared_from_this()), asio::detached);
    }
  }

  static asio::awaitable<void> send_rest(std::shared_ptr<nbd_connection> self) {
    while (!self->out_.empty() && !self->broken_) {
      const auto [error] = co_await self->socket_.async_wait(stream_socket::wait_write, shoal::detail::no_throw);
      if (error || self->out_.flush(self->socket_.native_handle()) == output_queue::progress::broken)
        self->give_up();
      self->changed_.cancel();
    }
    self->sending_ = false;
  }

  void give_up() noexcept {
    broken_ = true;
    close();
  }

  /// Sends, and waits until the client has taken all but a batch.
  asio::awaitable<void> send_batch() {
    send_now();
    while (out_.size() >= batch_bytes && !broken_) co_await wait_for_change();
    if (handled_ < turn_bytes) co_return;
    handled_ = 0;
    const auto executor = socket_.get_executor();
    co_await asio::post(executor, asio::use_awaitable);
  }

  asio::awaitable<void> send_all() {
    send_now();
    while (!out_.empty() && !broken_) co_await wait_for_change();
  }

  // --- negotiation

  asio::awaitable<bool> negotiate() {
    asio::steady_timer deadline{socket_.get_executor(), handshake_time_};
    const std::weak_ptr<nbd_connection> weak = weak_from_this();
    deadline.async_wait([weak](std::error_code cancelled) {
      const std::shared_ptr<nbd_connection> self = weak.lock();
      if (self && !cancelled) self->close();
    });
    nbd::handshake talk{exports_.infos};
    const auto greeting = nbd::handshake::greeting();
    std::vector<std::byte> out{greeting.begin(), greeting.end()};
    while (true) {
      if (!out.empty()) {
        const auto owner = std::make_shared<const std::vector<std::byte>>(std::move(out));
        out_.body({owner, bytes_view{*owner}});
        out = {};
        co_await send_all();
      }
      if (talk.state() != nbd::handshake::phase::haggling || broken_) break;
      const std::size_t took = talk.receive(received(), out);
      begin_ += took;
      if (took != 0) continue;
      const bool more = co_await fill();
      if (!more) break;
    }
    if (broken_ || talk.state() != nbd::handshake::phase::transmission) co_return false;
    agreed_ = talk.chosen();
    co_return true;
  }

  [[nodiscard]] const nbd::export_info& info() const noexcept { return exports_.infos[agreed_.export_index]; }

  // --- transmission

  /// Handles requests until the client leaves, breaks the protocol, or is to be drained.
  asio::awaitable<void> serve() {
    while (!broken_) {
      const bool whole = received().size() >= nbd::request_size;
      if (!whole || out_.size() >= batch_bytes || handled_ >= turn_bytes) {
        co_await send_batch();
        if (whole) continue;
        const bool more = co_await fill();
        if (!more) co_return;
        continue;
      }
      const result<nbd::request> parsed = nbd::parse_request(received().first<nbd::request_size>());
      if (!parsed) co_return;
      const nbd::request r = *parsed;
      begin_ += nbd::request_size;
      handled_ += nbd::request_size;
      if (r.type == nbd::command::disc) co_return;

      nbd::error verdict = nbd::check(info(), r, agreed_.structured, agreed_.allocation.has_value());
      if (verdict == nbd::error::ok && draining_) verdict = nbd::error::shutdown;
      if (r.type == nbd::command::write) {
        const bool arrived = co_await receive_write(r, verdict);
        if (!arrived) co_return;
      } else if (verdict != nbd::error::ok) {
        reply_error(r, verdict);
      } else if (r.type != nbd::command::read) {
        spawn(serve_other(shared_from_this(), r), 0);
      } else if (!read_now(r)) {
        co_await read_later(r);
      }
      while (tasks_ >= max_tasks || task_bytes_ >= max_task_bytes) {
        send_now();
        co_await wait_for_change();
      }
    }
  }

  void spawn(asio::awaitable<void> work, std::size_t bytes) {
    asio::co_spawn(socket_.get_executor(), hold(holding{shared_from_this(), bytes}, std::move(work)),
                   asio::detached);
  }

  static asio::awaitable<void> hold(holding held, asio::awaitable<void> work) {
    co_await std::move(work);
    static_cast<void>(held);
  }

  // --- replies

  void reply_simple(const nbd::request& r, nbd::error code) {
    nbd::put_simple_reply(out_.header(nbd::simple_reply_size), r.cookie, code);
  }

  /// Room for the payload of a chunk, behind its header.
  std::byte* chunk(const nbd::request& r, nbd::chunk type, bool done, std::size_t here,
                   std::size_t to_follow = 0) {
    std::byte* const head = out_.header(nbd::chunk_header_size + here);
    nbd::put_chunk_header(head, r.cookie, type, done, static_cast<std::uint32_t>(here + to_follow));
    return head + nbd::chunk_header_size;
  }

  void reply_error(const nbd::request& r, nbd::error code) {
    const bool has_payload = r.type == nbd::command::read || r.type == nbd::command::block_status;
    if (!agreed_.structured || !has_payload) return reply_simple(r, code);
    std::byte* const payload = chunk(r, nbd::chunk::error, true, 6);
    store_be(payload, static_cast<std::uint32_t>(code));
    store_be(payload + 4, std::uint16_t{0});  // no message
  }

  void reply_done(const nbd::request& r, const result<>& outcome) {
    if (!outcome) return reply_error(r, nbd::to_nbd_error(outcome.error()));
    reply_simple(r, nbd::error::ok);
  }

  // --- read

  /// Answers from what the device has at hand. False if it would have to wait.
  bool read_now(const nbd::request& r) {
    lent_.clear();
    std::uint32_t found = 0;
    while (found < r.length) {
      lease piece = device_->try_lend(r.offset + found, r.length - found);
      if (!piece) break;
      found += static_cast<std::uint32_t>(piece.size());
      lent_.push_back(std::move(piece));
    }
    handled_ += found;
    if (found == r.length) {
      if (agreed_.structured) {
        reply_chunks(r, lent_);
      } else {
        reply_simple(r, nbd::error::ok);
        for (lease& piece : lent_) out_.body(std::move(piece));
      }
      return true;
    }
    return lent_.empty() && copy_now(r);
  }

  bool copy_now(const nbd::request& r) {
    const std::size_t head = agreed_.structured ? nbd::chunk_header_size + 8 : nbd::simple_reply_size;
    if (r.length > buffer_pool::buffer_size - head) return false;
    const bytes_span room = out_.room(head + r.length);
    if (!device_->try_read(r.offset, room.subspan(head))) return false;
    if (agreed_.structured) {
      nbd::put_chunk_header(room.data(), r.cookie, nbd::chunk::offset_data, true, 8 + r.length);
      store_be(room.data() + nbd::chunk_header_size, r.offset);
    } else {
      nbd::put_simple_reply(room.data(), r.cookie, nbd::error::ok);
    }
    out_.keep(room.size());
    handled_ += r.length;
    return true;
  }

  /// All of a read's content: runs of zeroes as holes, unless the client wants one piece.
  void reply_chunks(const nbd::request& r, std::span<lease> pieces) {
    const bool whole = (r.flags & nbd::command_flag::df) != 0;
    std::uint64_t at = r.offset;
    std::size_t first = 0;
    do {
      const bool hole = !whole && !pieces.empty() && pieces[first].is_zeroes();
      std::size_t length = 0;
      std::size_t last = first;
      while (last < pieces.size() && (whole || pieces[last].is_zeroes() == hole))
        length += pieces[last++].size();
      reply_content(r, at, hole, length, last == pieces.size());
      if (!hole) {
        for (std::size_t i = first; i < last; ++i) out_.body(std::move(pieces[i]));
      }
      at += length;
      first = last;
    } while (first < pieces.size());
  }

  void reply_content(const nbd::request& r, std::uint64_t at, bool hole, std::size_t length, bool done) {
    if (length == 0) {
      static_cast<void>(chunk(r, nbd::chunk::none, done, 0));
    } else if (hole) {
      std::byte* const payload = chunk(r, nbd::chunk::offset_hole, done, 12);
      store_be(payload, at);
      store_be(payload + 8, static_cast<std::uint32_t>(length));
    } else {
      store_be(chunk(r, nbd::chunk::offset_data, done, 8, length), at);
    }
  }

  asio::awaitable<void> read_later(nbd::request r) {
    const bool whole = (r.flags & nbd::command_flag::df) != 0;
    if (whole && r.length > piece_bytes) {
      reply_error(r, nbd::error::overflow);
    } else if (agreed_.structured || r.length <= piece_bytes) {
      spawn(serve_read(shared_from_this(), r), std::min<std::size_t>(r.length, piece_bytes));
    } else {
      co_await stream_read(r);
    }
  }

  task<lease> read_piece(std::uint64_t offset, std::size_t length) {
    const auto memory = std::make_shared_for_overwrite<std::byte[]>(length);
    const bytes_span out{memory.get(), length};
    const result<> done = co_await device_->read(offset, out);
    if (!done) co_return done.error();
    co_return lease{memory, out};
  }

  /// A read that waits for the device, in pieces.
  static asio::awaitable<void> serve_read(std::shared_ptr<nbd_connection> self, nbd::request r) {
    std::uint32_t sent = 0;
    while (sent < r.length && !self->broken_) {
      const std::uint64_t at = r.offset + sent;
      const std::size_t length = std::min<std::size_t>(r.length - sent, piece_bytes);
      result<lease> piece = co_await self->read_piece(at, length);
      if (!piece) {
        self->reply_error(r, nbd::to_nbd_error(piece.error()));
        co_return;
      }
      sent += static_cast<std::uint32_t>(length);
      if (self->agreed_.structured) {
        self->reply_content(r, at, false, length, sent == r.length);
      } else {
        self->reply_simple(r, nbd::error::ok);
      }
      self->out_.body(std::move(*piece));
      while (self->out_.size() >= batch_bytes && !self->broken_) {
        self->send_now();
        if (self->out_.size() >= batch_bytes) co_await self->wait_for_change();
      }
    }
  }

  /// A long read for a client without structured replies, whose reply cannot be interrupted by others: it waits
  /// until it is alone. An error behind the first piece can only be told by closing.
  asio::awaitable<void> stream_read(nbd::request r) {
    while (tasks_ != 0) co_await wait_for_change();
    for (std::uint32_t sent = 0; sent < r.length && !broken_;) {
      const std::size_t length = std::min<std::size_t>(r.length - sent, piece_bytes);
      result<lease> piece = co_await read_piece(r.offset + sent, length);
      if (!piece && sent == 0) co_return reply_error(r, nbd::to_nbd_error(piece.error()));
      if (!piece) co_return give_up();
      if (sent == 0) reply_simple(r, nbd::error::ok);
      out_.body(std::move(*piece));
      sent += static_cast<std::uint32_t>(length);
      co_await send_batch();
    }
  }

  // --- write

  /// Takes the payload of a write off the stream and stores it, unless `verdict` forbids that. False when the
  /// client has gone.
  asio::awaitable<bool> receive_write(nbd::request r, nbd::error verdict) {
    const io_flags flags = (r.flags & nbd::command_flag::fua) != 0 ? io_flags::fua : io_flags::none;
    std::uint32_t done = 0;
    do {
      const std::size_t left = r.length - done;
      while (received().size() < std::min(left, write_piece)) {
        send_now();
        const bool more = co_await fill();
        if (!more) co_return false;
      }
      const bytes_view piece = received().first(std::min(left, received().size()));
      const std::uint64_t at = r.offset + done;
      if (verdict == nbd::error::ok && !device_->try_write(at, piece, flags)) {
        if (piece.size() == r.length) {
          write_later(r, piece, flags);
          begin_ += piece.size();
          co_return true;
        }
        const result<> stored = co_await device_->write(at, piece, flags);
        if (!stored) verdict = nbd::to_nbd_error(stored.error());
      }
      begin_ += piece.size();
      handled_ += piece.size();
      done += static_cast<std::uint32_t>(piece.size());
    } while (done < r.length);
    reply_simple(r, verdict);
    co_return true;
  }

  void write_later(const nbd::request& r, bytes_view payload, io_flags flags) {
    auto copy = std::make_unique_for_overwrite<std::byte[]>(payload.size());
    std::ranges::copy(payload, copy.get());
    spawn(serve_write(shared_from_this(), r, std::move(copy), flags), payload.size());
  }

  static asio::awaitable<void> serve_write(std::shared_ptr<nbd_connection> self, nbd::request r,
                                           std::unique_ptr<std::byte[]> payload, io_flags flags) {
    const bytes_view bytes{payload.get(), r.length};
    const result<> stored = co_await self->device_->write(r.offset, bytes, flags);
    self->reply_done(r, stored);
  }

  // --- everything else

  static asio::awaitable<void> serve_other(std::shared_ptr<nbd_connection> self, nbd::request r) {
    using enum nbd::command;
    io_flags flags = (r.flags & nbd::command_flag::fua) != 0 ? io_flags::fua : io_flags::none;
    if (r.type == block_status) {
      co_await self->serve_status(r);
      co_return;
    }
    result<> outcome;
    if (r.type == flush) {
      outcome = co_await self->device_->flush();
    } else if (r.length == 0) {
      outcome = {};
    } else if (r.type == trim) {
      outcome = co_await self->device_->trim(r.offset, r.length, flags);
    } else if (r.type == cache) {
      outcome = co_await self->device_->cache(r.offset, r.length);
    } else {
      if ((r.flags & nbd::command_flag::no_hole) == 0) flags = flags | io_flags::may_trim;
      if ((r.flags & nbd::command_flag::fast_zero) != 0) flags = flags | io_flags::fast_zero;
      outcome = co_await self->device_->zero(r.offset, r.length, flags);
    }
    self->reply_done(r, outcome);
  }

  asio::awaitable<void> serve_status(nbd::request r) {
    const result<std::vector<extent>> extents = co_await device_->extents(r.offset, r.length);
    if (!extents) co_return reply_error(r, nbd::to_nbd_error(extents.error()));
    const bool one = (r.flags & nbd::command_flag::req_one) != 0;
    const std::size_t room = (buffer_pool::buffer_size - nbd::chunk_header_size - 4) / 8;
    const std::size_t count = std::min(extents->size(), one ? std::size_t{1} : room);
    std::byte* payload = chunk(r, nbd::chunk::block_status, true, 4 + 8 * count);
    store_be(payload, *agreed_.allocation);
    payload += 4;
    for (const extent& e : std::span{*extents}.first(count)) {
      store_be(payload, static_cast<std::uint32_t>(e.length));
      store_be(payload + 4, (e.hole ? nbd::state_hole : 0u) | (e.zero ? nbd::state_zero : 0u));
      payload += 8;
    }
  }

  stream_socket socket_;
  const nbd_exports& exports_;
  buffer_pool& pool_;
  std::chrono::steady_clock::duration handshake_time_;
  nbd::agreement agreed_;
  std::optional<any_device> device_;

  buffer_pool::buffer in_;
  std::size_t begin_ = 0;  // received and not yet handled: [begin_, end_) of in_
  std::size_t end_ = 0;
  std::size_t handled_ = 0;  // bytes since others had a turn
  output_queue out_;
  std::vector<lease> lent_;  // of the read being answered; kept to keep its memory

  unsigned tasks_ = 0;
  std::size_t task_bytes_ = 0;
  bool sending_ = false;  // send_rest() runs
  bool broken_ = false;
  bool draining_ = false;
  asio::steady_timer changed_;  // never expires: cancelled to wake whoever waits for a change
};

}  // namespace shoal::net
