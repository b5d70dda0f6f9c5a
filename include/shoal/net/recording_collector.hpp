// SPDX-License-Identifier: BSL-1.0
//
// recording_collector: receives recordings from any number of senders, over TCP or what secures it, and keeps
// each in a file.
//
//     posix::recording_folder folder{"recordings"};
//     net::recording_collector collector{executor, folder};
//     auto sockets = net::listen_tcp(executor, "", 7411);
//     for (auto& socket : *sockets) collector.serve(std::move(socket));
//
// A sender that says what none says is cut off; what it said before is kept. Leaves out who may send: give
// `secure` a session of TLS, and the port to those who should reach it.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/any_io_executor.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/steady_timer.hpp>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/monitor/collect_protocol.hpp>
#include <shoal/net/accept_clients.hpp>
#include <shoal/net/adopt_client.hpp>
#include <shoal/net/byte_stream.hpp>
#include <shoal/net/client_stream.hpp>
#include <shoal/net/listener.hpp>
#include <shoal/os/posix/recording_folder.hpp>
#include <shoal/task/task.hpp>

namespace shoal::net {

struct recording_collector_options {
  std::size_t max_connections = 256;
  std::chrono::steady_clock::duration hello_time = std::chrono::seconds{10};  ///< for a sender to say who it is
  /// Puts a session of encryption around a connection; empty: plain TCP.
  std::function<result<std::unique_ptr<byte_stream>>(std::unique_ptr<byte_stream>)> secure;
  /// Told when a connection has ended, and why: errc::closed is the usual end.
  std::function<void(const std::filesystem::path& file, std::uint64_t records, std::error_code why)> ended;
};

/// One strand. Folder and collector outlive the context's run.
class recording_collector {
 public:
  recording_collector(asio::any_io_executor executor, posix::recording_folder& folder,
                      recording_collector_options options = {})
      : executor_(std::move(executor)), folder_(folder), options_(std::move(options)) {}
  recording_collector(const recording_collector&) = delete;
  recording_collector& operator=(const recording_collector&) = delete;

  /// Accepts senders from a socket until stop().
  void serve(listening_socket socket) {
    auto door = std::make_shared<listening_socket>(std::move(socket));
    doors_.push_back(door);
    asio::co_spawn(executor_,
                   accept_clients(
                       door, [this] { return senders_.size() < options_.max_connections; },
                       [this](int fd) { welcome(fd); }),
                   asio::detached);
  }

  /// Ends all connections: senders will go on where they were, with this collector or the next.
  void stop() {
    for (const auto& door : doors_) door->descriptor.cancel();
    doors_.clear();
    for (const auto& each : senders_) each->stream->close();
  }

  [[nodiscard]] std::size_t sender_count() const noexcept { return senders_.size(); }

 private:
  struct sender {
    explicit sender(posix::recording_folder& folder, const asio::any_io_executor& executor)
        : place(folder), deadline(executor) {}
    std::unique_ptr<byte_stream> stream;
    monitor::collect_receiver machine;
    posix::recording_folder::place place;
    asio::steady_timer deadline;
    std::array<std::byte, 64u << 10> buffer{};
  };

  void welcome(int fd) {
    result<stream_socket> socket = adopt_client(executor_, fd);
    if (!socket) return;
    auto mine = std::make_shared<sender>(folder_, executor_);
    mine->stream = std::make_unique<tcp_stream>(std::move(*socket));
    if (options_.secure) {
      result<std::unique_ptr<byte_stream>> secured = options_.secure(std::move(mine->stream));
      if (!secured) return;
      mine->stream = std::move(*secured);
    }
    mine->deadline.expires_after(options_.hello_time);
    mine->deadline.async_wait([weak = std::weak_ptr{mine}](std::error_code cancelled) {
      const auto late = weak.lock();
      if (!cancelled && late) late->stream->close();
    });
    senders_.push_back(mine);
    asio::co_spawn(executor_, attend(mine), [this, mine](std::exception_ptr, result<> why) {
      mine->stream->close();
      mine->deadline.cancel();
      std::erase(senders_, mine);
      if (options_.ended) options_.ended(mine->place.path(), mine->machine.kept(), why.error());
    });
  }

  static task<> attend(std::shared_ptr<sender> mine) {
    while (true) {
      const bytes_span room{mine->buffer};
      const result<std::size_t> size = co_await mine->stream->read(room);
      if (!size) co_return size.error();
      if (*size == 0) co_return errc::closed;
      const result<> understood = mine->machine.receive(bytes_view{mine->buffer}.first(*size), mine->place);
      const std::vector<std::byte> answer = mine->machine.take_output();
      if (!answer.empty()) {
        mine->deadline.cancel();
        const bytes_view bytes = answer;
        const result<> told = co_await mine->stream->write(bytes);
        if (!told) co_return told.error();
      }
      if (!understood) co_return understood.error();
    }
  }

  asio::any_io_executor executor_;
  posix::recording_folder& folder_;
  recording_collector_options options_;
  std::vector<std::shared_ptr<listening_socket>> doors_;
  std::vector<std::shared_ptr<sender>> senders_;
};

}  // namespace shoal::net
