// SPDX-License-Identifier: BSL-1.0
//
// descriptor_socket: a Unix stream socket over which file descriptors travel beside the bytes.
//
//     descriptor_socket socket{executor, posix::unique_fd{fd}};
//     std::vector<posix::unique_fd> files;
//     const bool whole = co_await socket.receive(header, files);
//
// For vhost-user. Belongs to one strand; one receive and one send at a time.
#pragma once

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/posix/descriptor_base.hpp>
#include <asio/posix/stream_descriptor.hpp>

#include <shoal/base/bytes.hpp>
#include <shoal/detail/asio.hpp>
#include <shoal/os/posix/unique_fd.hpp>

namespace shoal::linux_os {

class descriptor_socket {
 public:
  /// Descriptors that one receive() may bring; a sender that sends more at once is cut off.
  static constexpr std::size_t max_files = 8;

  /// @throws std::system_error when the executor cannot watch it
  descriptor_socket(const asio::any_io_executor& executor, posix::unique_fd fd)
      : socket_(executor, fd.release()) {
    const int flags = ::fcntl(socket_.native_handle(), F_GETFL);
    (void)::fcntl(socket_.native_handle(), F_SETFL, flags | O_NONBLOCK);
  }

  [[nodiscard]] asio::any_io_executor get_executor() { return socket_.get_executor(); }

  /// Fills `out`, and adds the descriptors that came with its bytes. False when the other side has gone or
  /// breaks the rules, or after close().
  asio::awaitable<bool> receive(bytes_span out, std::vector<posix::unique_fd>& files) {
    while (!out.empty()) {
      const ssize_t n = receive_now(out, files);
      if (n > 0) {
        out = out.subspan(static_cast<std::size_t>(n));
      } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        co_return false;
      } else if (errno == EAGAIN) {
        const auto [error] =
            co_await socket_.async_wait(asio::posix::descriptor_base::wait_read, shoal::detail::no_throw);
        if (error) co_return false;
      }
    }
    co_return true;
  }

  /// Sends all of `in`. False when the other side has gone, or after close().
  asio::awaitable<bool> send(bytes_view in) {
    while (!in.empty()) {
      const ssize_t n = ::send(socket_.native_handle(), in.data(), in.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (n > 0) {
        in = in.subspan(static_cast<std::size_t>(n));
      } else if (errno == EAGAIN) {
        const auto [error] =
            co_await socket_.async_wait(asio::posix::descriptor_base::wait_write, shoal::detail::no_throw);
        if (error) co_return false;
      } else if (errno != EINTR) {
        co_return false;
      }
    }
    co_return true;
  }

  /// Hangs up: whoever waits goes on.
  void close() noexcept {
    std::error_code ignored;
    (void)socket_.close(ignored);
  }

 private:
  ssize_t receive_now(bytes_span out, std::vector<posix::unique_fd>& files) {
    iovec piece{out.data(), out.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(max_files * sizeof(int))> control{};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t n = ::recvmsg(socket_.native_handle(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n <= 0) return n;
    for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
      if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
      const std::size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (std::size_t i = 0; i < count; ++i) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof fd);
        files.emplace_back(fd);
      }
    }
    return (message.msg_flags & MSG_CTRUNC) != 0 || files.size() > max_files ? 0 : n;
  }

  asio::posix::stream_descriptor socket_;
};

}  // namespace shoal::linux_os
