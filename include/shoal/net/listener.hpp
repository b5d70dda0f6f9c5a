// SPDX-License-Identifier: BSL-1.0
//
// Where clients come from: TCP ports (IPv4 and IPv6), Unix sockets, and sockets that a service manager has
// opened.
//
//     result<listening_socket> door = listen_unix(executor, "/run/shoal.sock");
//     result<std::vector<listening_socket>> passed = inherited_sockets(executor);
//
// A listening_socket accepts sockets of any family; who serves them is nbd_server's affair.
#pragma once

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <asio/any_io_executor.hpp>
#include <asio/generic/stream_protocol.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/posix/stream_descriptor.hpp>

#include <shoal/base/result.hpp>
#include <shoal/os/posix/unique_fd.hpp>

namespace shoal::net {

/// A socket that accepts. Removes the file of a Unix socket when it goes.
struct listening_socket {
  asio::posix::stream_descriptor descriptor;  ///< non-blocking; wait_read says that a client is there
  std::filesystem::path path;                 ///< of a Unix socket that we made; else empty
  std::string address;                        ///< "127.0.0.1:10809", "[::1]:10809" or a path, for people
  std::uint16_t port = 0;                     ///< of a TCP socket

  listening_socket(asio::posix::stream_descriptor d, std::filesystem::path file, std::string name,
                   std::uint16_t p)
      : descriptor(std::move(d)), path(std::move(file)), address(std::move(name)), port(p) {}
  listening_socket(listening_socket&& other) noexcept
      : descriptor(std::move(other.descriptor)),
        path(std::exchange(other.path, {})),
        address(std::move(other.address)),
        port(other.port) {}
  listening_socket& operator=(listening_socket&&) = delete;
  ~listening_socket() {
    if (!path.empty()) ::unlink(path.c_str());
  }
};

namespace detail {

inline result<listening_socket> start_listening(const asio::any_io_executor& executor, posix::unique_fd fd,
                                                std::filesystem::path path) {
  if (::listen(fd.get(), SOMAXCONN) != 0) return posix::last_error();
  if (::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) | O_NONBLOCK) != 0) return posix::last_error();
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  auto* const address = reinterpret_cast<sockaddr*>(&storage);
  if (::getsockname(fd.get(), address, &size) != 0) return posix::last_error();
  std::string name = path.string();
  std::uint16_t port = 0;
  char host[NI_MAXHOST];
  char service[NI_MAXSERV];
  if (address->sa_family != AF_UNIX && ::getnameinfo(address, size, host, sizeof host, service, sizeof service,
                                                     NI_NUMERICHOST | NI_NUMERICSERV) == 0) {
    name = (address->sa_family == AF_INET6 ? "[" + std::string{host} + "]" : std::string{host}) + ":" + service;
    std::from_chars(service, service + std::char_traits<char>::length(service), port);
  }
  return listening_socket{asio::posix::stream_descriptor{executor, fd.release()}, std::move(path),
                          std::move(name), port};
}

}  // namespace detail

/// Listens on every address of `host` (all addresses when it is empty). Port 0 lets the system choose one, the
/// same for all addresses where it can. The system's error when not one of them can be had;
/// std::errc::host_unreachable for an unknown host.
inline result<std::vector<listening_socket>> listen_tcp(const asio::any_io_executor& executor,
                                                        const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.empty() ? nullptr : host.c_str(), "0", &hints, &found) != 0) {
    return std::make_error_code(std::errc::host_unreachable);
  }
  std::vector<listening_socket> sockets;
  std::error_code why = std::make_error_code(std::errc::host_unreachable);
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    posix::unique_fd fd{::socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (!fd) {
      why = posix::last_error();
      continue;
    }
    const int on = 1;
    (void)::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    // a socket for each family: a system-wide default must not decide whether IPv4 is served
    if (at->ai_family == AF_INET6) (void)::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    const std::uint16_t wanted = htons(sockets.empty() ? port : sockets.front().port);
    if (at->ai_family == AF_INET6) {
      reinterpret_cast<sockaddr_in6*>(at->ai_addr)->sin6_port = wanted;
    } else {
      reinterpret_cast<sockaddr_in*>(at->ai_addr)->sin_port = wanted;
    }
    if (::bind(fd.get(), at->ai_addr, at->ai_addrlen) != 0) {
      why = posix::last_error();
      if (why == std::errc::address_in_use && port != 0) break;  // half a port is no port
      continue;
    }
    result<listening_socket> socket = detail::start_listening(executor, std::move(fd), {});
    if (socket) {
      sockets.push_back(std::move(*socket));
    } else {
      why = socket.error();
    }
  }
  ::freeaddrinfo(found);
  if (sockets.empty() || (why == std::errc::address_in_use && port != 0)) return why;
  return sockets;
}

/// Listens on a Unix socket. A socket file that nobody listens on any more is replaced;
/// std::errc::address_in_use for one that is served, and for a file of another kind.
/// std::errc::filename_too_long past 107 bytes.
inline result<listening_socket> listen_unix(const asio::any_io_executor& executor,
                                            const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string text = path.string();
  if (text.size() >= sizeof address.sun_path) return std::make_error_code(std::errc::filename_too_long);
  text.copy(address.sun_path, text.size());
  const auto* const generic = reinterpret_cast<const sockaddr*>(&address);

  posix::unique_fd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (!fd) return posix::last_error();
  if (::bind(fd.get(), generic, sizeof address) != 0) {
    if (errno != EADDRINUSE) return posix::last_error();
    struct stat status{};
    // non-blocking: a server whose queue is full lets others wait
    const posix::unique_fd probe{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    const bool stale = ::lstat(text.c_str(), &status) == 0 && S_ISSOCK(status.st_mode) &&
                       ::connect(probe.get(), generic, sizeof address) != 0 && errno == ECONNREFUSED;
    if (!stale) return std::make_error_code(std::errc::address_in_use);
    if (::unlink(text.c_str()) != 0 || ::bind(fd.get(), generic, sizeof address) != 0)
      return posix::last_error();
  }
  return detail::start_listening(executor, std::move(fd), path);
}

/// The sockets that a service manager has opened for this process (sd_listen_fds(3): LISTEN_PID, LISTEN_FDS),
/// and none when there is no such thing. Forgets the environment variables, so that children do not take them
/// for theirs.
inline result<std::vector<listening_socket>> inherited_sockets(const asio::any_io_executor& executor) {
  constexpr int first = 3;
  const auto number = [](const char* name) {  // -1: it is none
    const char* const text = std::getenv(name);
    const std::string_view digits{text == nullptr ? "0" : text};
    int value = 0;
    const auto [end, wrong] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return wrong == std::errc{} && end == digits.data() + digits.size() ? value : -1;
  };
  std::vector<listening_socket> sockets;
  const int count = number("LISTEN_PID") == ::getpid() ? number("LISTEN_FDS") : 0;
  ::unsetenv("LISTEN_PID");
  ::unsetenv("LISTEN_FDS");
  if (count < 0) return errc::invalid_argument;
  for (int fd = first; fd < first + count; ++fd) {
    (void)::fcntl(fd, F_SETFD, FD_CLOEXEC);
    result<listening_socket> socket = detail::start_listening(executor, posix::unique_fd{fd}, {});
    if (!socket) return socket.error();
    sockets.push_back(std::move(*socket));
  }
  return sockets;
}

}  // namespace shoal::net
