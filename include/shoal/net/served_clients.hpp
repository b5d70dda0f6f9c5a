// SPDX-License-Identifier: BSL-1.0
//
// served_clients: the clients of a server, from the socket where they arrive to the last that leaves.
//
//     served_clients<http_connection> clients{executor, 1024, 10s};
//     clients.serve(std::move(socket), [&](stream_socket s) { return std::make_shared<http_connection>(...);
//     }); clients.stop();                                           // the context runs dry when all have left
//
// What a client wants is its connection's affair.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/any_io_executor.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/steady_timer.hpp>

#include <shoal/base/result.hpp>
#include <shoal/net/accept_clients.hpp>
#include <shoal/net/adopt_client.hpp>
#include <shoal/net/client_stream.hpp>
#include <shoal/net/listener.hpp>

namespace shoal::net {

/// One strand. Lives until the context has run dry, or has been stopped for good.
///
/// @tparam Connection  `run()` serves a client to its end, `drain()` makes it the end when outstanding requests
///                     are answered, `close()` at once
template <class Connection>
class served_clients {
 public:
  /// @param most        further clients wait in the kernel's queue
  /// @param drain_time  how long stop() waits for outstanding requests
  served_clients(asio::any_io_executor executor, std::size_t most,
                 std::chrono::steady_clock::duration drain_time)
      : executor_(std::move(executor)), most_(most), drain_time_(drain_time), drained_(executor_) {}
  served_clients(const served_clients&) = delete;
  served_clients& operator=(const served_clients&) = delete;

  /// Accepts clients from a socket until stop(). @param make  a connection of a client's socket
  void serve(listening_socket socket, std::function<std::shared_ptr<Connection>(stream_socket)> make) {
    auto door = std::make_shared<listening_socket>(std::move(socket));
    doors_.push_back(door);
    asio::co_spawn(executor_,
                   accept_clients(
                       door, [this] { return clients_.size() < most_; },
                       [this, make = std::move(make)](int fd) { welcome(fd, make); }),
                   asio::detached);
  }

  /// Stops accepting, lets outstanding requests finish, and closes.
  void stop() {
    if (stopping_) return;
    stopping_ = true;
    for (const auto& door : doors_) door->descriptor.cancel();
    doors_.clear();
    const auto open = clients_;
    for (const auto& client : open) client->drain();
    if (clients_.empty()) return;
    drained_.expires_after(drain_time_);
    drained_.async_wait([this](std::error_code cancelled) {
      if (cancelled) return;
      const auto late = clients_;
      for (const auto& client : late) client->close();
    });
  }

  [[nodiscard]] std::size_t count() const noexcept { return clients_.size(); }

 private:
  void welcome(int fd, const std::function<std::shared_ptr<Connection>(stream_socket)>& make) {
    result<stream_socket> socket = adopt_client(executor_, fd);
    if (!socket) return;
    const std::shared_ptr<Connection> client = make(std::move(*socket));
    clients_.push_back(client);
    asio::co_spawn(executor_, client->run(), [this, client](std::exception_ptr) {
      client->close();
      std::erase(clients_, client);
      if (clients_.empty()) drained_.cancel();
    });
  }

  asio::any_io_executor executor_;
  std::size_t most_;
  std::chrono::steady_clock::duration drain_time_;
  std::vector<std::shared_ptr<listening_socket>> doors_;
  std::vector<std::shared_ptr<Connection>> clients_;
  bool stopping_ = false;
  asio::steady_timer drained_;
};

}  // namespace shoal::net
