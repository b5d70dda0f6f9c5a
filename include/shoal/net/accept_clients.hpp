// SPDX-License-Identifier: BSL-1.0
//
// accept_clients: takes clients from a listening socket, one after the other, for as long as its owner keeps
// it.
//
//     std::shared_ptr<listening_socket> door = ...;
//     asio::co_spawn(executor, accept_clients(door, has_room, welcome), asio::detached);
//     door->descriptor.cancel();  door.reset();                 // no more of them
//
// What a client wants is not its affair.
#pragma once

#include <cerrno>
#include <chrono>
#include <functional>
#include <memory>
#include <utility>

#include <sys/socket.h>
#include <asio/awaitable.hpp>
#include <asio/posix/descriptor_base.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>

#include <shoal/detail/asio.hpp>
#include <shoal/net/listener.hpp>

namespace shoal::net {

/// Ends when nobody else keeps `door`.
///
/// @param has_room  false: clients wait in the kernel's queue for a while
/// @param welcome   is given the descriptor of a client, non-blocking, and owns it
inline asio::awaitable<void> accept_clients(std::weak_ptr<listening_socket> door,
                                            std::function<bool()> has_room, std::function<void(int)> welcome) {
  asio::steady_timer pause{co_await asio::this_coro::executor};
  while (const std::shared_ptr<listening_socket> open = door.lock()) {
    const bool room = has_room();
    const int fd =
        room ? ::accept4(open->descriptor.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC) : -1;
    if (fd >= 0) {
      welcome(fd);
      continue;
    }
    if (!room || (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)) {
      // out of places, descriptors or memory: somebody has to leave first
      pause.expires_after(std::chrono::milliseconds{100});
      [[maybe_unused]] const auto waited = co_await pause.async_wait(shoal::detail::no_throw);
      continue;
    }
    const auto [error] =
        co_await open->descriptor.async_wait(asio::posix::descriptor_base::wait_read, shoal::detail::no_throw);
    if (error) co_return;
  }
}

}  // namespace shoal::net
