// SPDX-License-Identifier: BSL-1.0
//
// nbd_route: how to get to an NBD server again and again: over TCP or a Unix socket, and under TLS.
//
//     net::nbd_route plain = net::route_to(*nbd::uri::parse("nbd://localhost/disk"));
//     auto open = [trust](const std::string& host) { return trust.connect(host); };     // openssl::tls_trust
//     net::nbd_route safe = net::route_to<openssl::tls_client>(where, open);
//
// Knows no TLS itself, as net/secured_stream.hpp.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include <sys/un.h>
#include <asio/any_io_executor.hpp>
#include <asio/error.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/this_coro.hpp>

#include <shoal/base/result.hpp>
#include <shoal/detail/asio.hpp>
#include <shoal/nbd/uri.hpp>
#include <shoal/net/byte_stream.hpp>
#include <shoal/net/dial_tcp.hpp>
#include <shoal/net/secured_stream.hpp>
#include <shoal/net/tcp_address.hpp>
#include <shoal/task/task.hpp>

namespace shoal::net {

struct nbd_route {
  /// Connects within a time. errc::timed_out, or the system's error.
  std::function<task<std::unique_ptr<byte_stream>>(std::chrono::steady_clock::duration)> dial;
  /// Encrypts a stream; empty when nothing is to be encrypted.
  std::function<result<std::unique_ptr<byte_stream>>(std::unique_ptr<byte_stream>)> secure;
};

namespace detail {

/// Remembers which address of a name it was: names may not be found any more when a program has locked itself
/// in.
inline task<std::unique_ptr<byte_stream>> dial_nbd_tcp(std::shared_ptr<tcp_address> where,
                                                       std::chrono::steady_clock::duration time) {
  result<asio::ip::tcp::socket> socket = co_await dial_tcp(*where, time);
  if (!socket) co_return socket.error();
  std::error_code unknown;
  const asio::ip::tcp::endpoint there = socket->remote_endpoint(unknown);
  if (!unknown) {
    where->host = there.address().to_string();
    where->numeric = true;
  }
  std::unique_ptr<byte_stream> stream = std::make_unique<tcp_stream>(std::move(*socket));
  co_return stream;
}

inline task<std::unique_ptr<byte_stream>> dial_nbd_unix(std::string path) {
  if (path.size() >= sizeof(sockaddr_un::sun_path))
    co_return std::make_error_code(std::errc::filename_too_long);
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  asio::local::stream_protocol::socket socket{executor};
  const asio::local::stream_protocol::endpoint there{path};
  const auto [error] = co_await socket.async_connect(there, shoal::detail::no_throw);
  if (error) co_return std::error_code{error.value(), std::system_category()};
  std::unique_ptr<byte_stream> stream = std::make_unique<tcp_stream>(std::move(socket));
  co_return stream;
}

}  // namespace detail

/// The way to the server of an export, without TLS.
[[nodiscard]] inline nbd_route route_to(const nbd::uri& where) {
  nbd_route route;
  if (!where.socket.empty()) {
    route.dial = [path = where.socket](std::chrono::steady_clock::duration) {
      return detail::dial_nbd_unix(path);
    };
    return route;
  }
  const auto address = std::make_shared<tcp_address>();
  address->host = where.host;
  address->port = where.port;
  address->numeric = false;
  route.dial = [address](std::chrono::steady_clock::duration time) {
    return detail::dial_nbd_tcp(address, time);
  };
  return route;
}

/// The same under TLS, with a session that `open` makes for the name of the server, which is "localhost" behind
/// a Unix socket.
template <secure_session Session>
[[nodiscard]] nbd_route route_to(const nbd::uri& where,
                                 std::function<result<Session>(const std::string& host)> open) {
  nbd_route route = route_to(where);
  route.secure = [open = std::move(open), host = where.host.empty() ? std::string{"localhost"} : where.host](
                     std::unique_ptr<byte_stream> plain) -> result<std::unique_ptr<byte_stream>> {
    result<Session> session = open(host);
    if (!session) return session.error();
    std::unique_ptr<byte_stream> stream =
        std::make_unique<secured_stream<Session>>(std::move(plain), std::move(*session));
    return stream;
  };
  return route;
}

}  // namespace shoal::net
