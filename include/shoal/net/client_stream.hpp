// SPDX-License-Identifier: BSL-1.0
//
// client_stream: a connected socket with what has been received from it and what is to be sent: recv and
// sendmsg on the non-blocking descriptor, and Asio only to wait.
//
//     if (stream.receive_now() == client_stream::arrival::none) co_await stream.wait_readable();
//     parse(stream.received());
//
// For connections of servers. Holds no buffers while it waits for a client that has nothing outstanding.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include <sys/socket.h>
#include <asio/awaitable.hpp>
#include <asio/generic/stream_protocol.hpp>

#include <shoal/base/bytes.hpp>
#include <shoal/detail/asio.hpp>
#include <shoal/net/free_list.hpp>
#include <shoal/net/output_queue.hpp>

namespace shoal::net {

/// A stream socket of any family: TCP and Unix clients are served by the same code.
using stream_socket = asio::generic::stream_protocol::socket;

/// One strand. `memory` outlives the stream.
class client_stream {
 public:
  enum class arrival {
    some,  ///< received() has grown
    none,  ///< nothing is there
    ended  ///< nothing will come any more
  };

  client_stream(stream_socket socket, output_queue::memory& memory)
      : socket_(std::move(socket)), memory_(memory), out_(memory) {
    std::error_code ignored;
    socket_.native_non_blocking(true, ignored);
  }

  [[nodiscard]] auto get_executor() { return socket_.get_executor(); }
  [[nodiscard]] output_queue& out() noexcept { return out_; }

  /// What has been received and not consumed.
  [[nodiscard]] bytes_view received() const noexcept {
    return in_ ? bytes_view{*in_}.subspan(begin_, end_ - begin_) : bytes_view{};
  }
  void consume(std::size_t n) noexcept { begin_ += n; }

  /// Takes what the kernel has, without waiting.
  arrival receive_now() {
    // the last call took all there was: asking again would only be told to wait
    if (std::exchange(drained_, false)) return arrival::none;
    make_room();
    while (true) {
      const bytes_span room = bytes_span{*in_}.subspan(end_);
      const ssize_t n = ::recv(socket_.native_handle(), room.data(), room.size(), MSG_DONTWAIT);
      if (n > 0) {
        end_ += static_cast<std::size_t>(n);
        drained_ = static_cast<std::size_t>(n) < room.size();
        return arrival::some;
      }
      if (n < 0 && errno == EINTR) continue;
      return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? arrival::none : arrival::ended;
    }
  }

  /// Sends what the kernel takes now.
  output_queue::progress send_now() noexcept { return out_.flush(socket_.native_handle()); }

  /// Returns when there may be something to receive, or after interrupt() or close().
  asio::awaitable<void> wait_readable() {
    put_aside();
    [[maybe_unused]] const auto woken =
        co_await socket_.async_wait(stream_socket::wait_read, shoal::detail::no_throw);
    drained_ = false;
  }
  /// Returns when the kernel may take more, or after interrupt() or close().
  asio::awaitable<void> wait_writable() {
    [[maybe_unused]] const auto woken =
        co_await socket_.async_wait(stream_socket::wait_write, shoal::detail::no_throw);
  }

  /// Wakes whoever waits.
  void interrupt() noexcept {
    std::error_code ignored;
    socket_.cancel(ignored);
  }
  /// Tells the client that nothing more will be sent.
  void end_output() noexcept { ::shutdown(socket_.native_handle(), SHUT_WR); }
  /// Forgets what has been received.
  void discard() noexcept { begin_ = end_; }
  void close() noexcept {
    std::error_code ignored;
    socket_.close(ignored);
  }

 private:
  // A wait with less than this left over keeps just that much; with more, the whole buffer.
  static constexpr std::size_t max_aside = 16u << 10;
  // Bytes are moved to the front of the buffer when there is less room than this behind them.
  static constexpr std::size_t min_room = 64u << 10;

  void make_room() {
    if (!in_) {
      in_ = memory_.scratch.take();
      begin_ = 0;
      end_ = aside_.size();
      std::ranges::copy(aside_, in_->begin());
      aside_ = {};
    }
    if (begin_ == end_) {
      begin_ = end_ = 0;
    } else if (in_->size() - end_ < min_room) {
      std::memmove(in_->data(), in_->data() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
  }

  void put_aside() {
    const bytes_view left = received();
    if (!in_ || left.size() > max_aside) return;
    aside_.assign(left.begin(), left.end());
    in_.reset();
  }

  stream_socket socket_;
  output_queue::memory& memory_;
  free_list<scratch_buffer>::item in_;
  std::size_t begin_ = 0;  // received and not consumed: [begin_, end_) of in_
  std::size_t end_ = 0;
  std::vector<std::byte> aside_;  // the same, while there is no in_
  bool drained_ = false;
  output_queue out_;
};

}  // namespace shoal::net
