// SPDX-License-Identifier: BSL-1.0
//
// dial_tcp: a TCP connection with whoever a multiaddr names, within a time.
//
//     result<tcp_address> where = tcp_address::of(address);
//     result<asio::ip::tcp::socket> socket = co_await dial_tcp(*where, std::chrono::seconds{5});
//
// Leaves out who answers: net/swarm.hpp.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/error.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>

#include <shoal/base/result.hpp>
#include <shoal/detail/asio.hpp>
#include <shoal/net/tcp_address.hpp>
#include <shoal/task/task.hpp>

namespace shoal::net {

namespace detail {

/// Tries the addresses of a name one after the other.
inline asio::awaitable<std::error_code> connect_any(asio::ip::tcp::socket& socket,
                                                    asio::ip::tcp::resolver& resolver,
                                                    const tcp_address& where) {
  using flag = asio::ip::tcp::resolver;
  const std::string port = std::to_string(where.port);
  const auto flags = where.numeric ? flag::numeric_host | flag::numeric_service : flag::numeric_service;
  const auto [unknown, found] =
      co_await resolver.async_resolve(where.host, port, flags, shoal::detail::no_throw);
  if (unknown) co_return unknown;
  std::error_code why = std::make_error_code(std::errc::address_family_not_supported);
  for (const auto& entry : found) {
    const asio::ip::tcp::endpoint endpoint = entry.endpoint();
    const auto family = endpoint.address().is_v4() ? tcp_address::family::v4 : tcp_address::family::v6;
    if (where.kind != tcp_address::family::any && where.kind != family) continue;
    std::error_code ignored;
    socket.close(ignored);
    socket.open(endpoint.protocol(), why);
    if (why) continue;
    const auto [error] = co_await socket.async_connect(endpoint, shoal::detail::no_throw);
    why = {error.value(), std::system_category()};  // Asio's own category compares with nothing
    if (!error || error == asio::error::operation_aborted) break;
  }
  co_return why;
}

}  // namespace detail

/// errc::timed_out, or the error of the last address of a name.
inline task<asio::ip::tcp::socket> dial_tcp(tcp_address where, std::chrono::steady_clock::duration time) {
  struct attempt {
    asio::ip::tcp::socket socket;
    asio::ip::tcp::resolver resolver;
    bool late = false;
  };
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  const auto trying =
      std::make_shared<attempt>(asio::ip::tcp::socket{executor}, asio::ip::tcp::resolver{executor});
  asio::steady_timer deadline{executor, time};
  deadline.async_wait([trying](std::error_code cancelled) {
    if (cancelled) return;
    trying->late = true;
    trying->resolver.cancel();
    std::error_code ignored;
    trying->socket.close(ignored);
  });
  const std::error_code error = co_await detail::connect_any(trying->socket, trying->resolver, where);
  deadline.cancel();
  if (trying->late) co_return errc::timed_out;
  if (error) co_return error;
  co_return std::move(trying->socket);
}

}  // namespace shoal::net
