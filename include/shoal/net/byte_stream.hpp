// SPDX-License-Identifier: BSL-1.0
//
// byte_stream: a connection that HTTP or NBD is spoken over, whatever secures it; and how to get one.
//
//     http_dialer dial = dial_plain;                          // "http" alone
//     result<std::unique_ptr<byte_stream>> stream = co_await dial(where, time);
//
// For clients that talk to few servers: a virtual call for each read. What knows TLS is net/secured_stream.hpp.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <system_error>
#include <utility>

#include <asio/buffer.hpp>
#include <asio/error.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/write.hpp>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/detail/asio.hpp>
#include <shoal/http/url.hpp>
#include <shoal/net/client_stream.hpp>
#include <shoal/net/dial_tcp.hpp>
#include <shoal/net/tcp_address.hpp>
#include <shoal/task/task.hpp>

namespace shoal::net {

/// One strand, and at a time one read and one write. It outlives its tasks, and so do the buffers.
class byte_stream {
 public:
  virtual ~byte_stream() = default;
  /// How many bytes were read, at least one unless the other side has ended the stream. errc::closed.
  virtual task<std::size_t> read(bytes_span room) = 0;
  /// Writes all of them. errc::closed.
  virtual task<> write(bytes_view bytes) = 0;
  /// Ends what is under way with errc::closed.
  virtual void close() noexcept = 0;
};

/// Connects to a server within a time. errc::timed_out, errc::unsupported for a scheme that it does not know,
/// or the system's error.
using http_dialer = std::function<task<std::unique_ptr<byte_stream>>(const http::url& where,
                                                                     std::chrono::steady_clock::duration)>;

/// TCP and nothing else. What it writes is sent at once.
class tcp_stream final : public byte_stream {
 public:
  explicit tcp_stream(stream_socket socket) : socket_(std::move(socket)) {
    std::error_code ignored;
    socket_.set_option(asio::ip::tcp::no_delay{true}, ignored);
  }

  task<std::size_t> read(bytes_span room) override {
    const asio::mutable_buffer buffer{room.data(), room.size()};
    const auto [error, size] = co_await socket_.async_read_some(buffer, shoal::detail::no_throw);
    if (error == asio::error::eof) co_return std::size_t{0};
    if (error) co_return errc::closed;
    co_return size;
  }

  task<> write(bytes_view bytes) override {
    const asio::const_buffer buffer{bytes.data(), bytes.size()};
    const auto [error, size] = co_await asio::async_write(socket_, buffer, shoal::detail::no_throw);
    if (error) co_return errc::closed;
    co_return result<>{};
  }

  void close() noexcept override {
    std::error_code ignored;
    socket_.close(ignored);
  }

 private:
  stream_socket socket_;
};

/// An http_dialer without TLS. `where` outlives the task.
inline task<std::unique_ptr<byte_stream>> dial_plain(const http::url& where,
                                                     std::chrono::steady_clock::duration time) {
  if (where.secure) co_return errc::unsupported;
  tcp_address address;
  address.host = where.host;
  address.port = where.port;
  address.numeric = false;
  result<asio::ip::tcp::socket> socket = co_await dial_tcp(address, time);
  if (!socket) co_return socket.error();
  std::unique_ptr<byte_stream> stream = std::make_unique<tcp_stream>(std::move(*socket));
  co_return stream;
}

}  // namespace shoal::net
