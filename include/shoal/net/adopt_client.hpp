// SPDX-License-Identifier: BSL-1.0
//
// adopt_client: makes a socket of a descriptor that a server has accepted.
//
//     result<stream_socket> socket = adopt_client(executor, fd);
#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#include <system_error>

#include <asio/any_io_executor.hpp>
#include <asio/generic/stream_protocol.hpp>

#include <shoal/base/result.hpp>
#include <shoal/net/client_stream.hpp>

namespace shoal::net {

/// Owns `fd` from now on, also when it fails. TCP sends at once, and finds out when the client has lost power.
inline result<stream_socket> adopt_client(const asio::any_io_executor& executor, int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  const bool known = ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  const int family = known ? address.ss_family : AF_UNIX;
  if (family != AF_UNIX) {
    const int on = 1;
    (void)::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  }
  stream_socket socket{executor};
  std::error_code failed;
  socket.assign(asio::generic::stream_protocol{family, 0}, fd, failed);
  if (!failed) return socket;
  ::close(fd);
  return failed;
}

}  // namespace shoal::net
