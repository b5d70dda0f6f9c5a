// SPDX-License-Identifier: BSL-1.0
//
// A server on a thread of its own and clients that talk to it over sockets, in plain blocking code.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <future>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <asio/io_context.hpp>
#include <asio/post.hpp>

#include <shoal/net/listener.hpp>
#include <shoal/net/nbd_server.hpp>

#include "../nbd/client_bytes.hpp"
#include "../temporary_folder.hpp"

/// An nbd_server that listens on a Unix socket. Call its members through on_strand() once start() has returned.
class served {
 public:
  explicit served(shoal::net::nbd_server_options options = {}) : server(context.get_executor(), options) {}
  ~served() {
    if (thread_.joinable()) stop();
  }

  void start() {
    auto socket = shoal::net::listen_unix(context.get_executor(), path());
    if (!socket) throw std::system_error(socket.error());
    server.serve(std::move(*socket));
    thread_ = std::thread{[this] { context.run(); }};
  }
  /// Drains, and returns when the context has run dry.
  void stop() {
    asio::post(context, [this] { server.stop(); });
    thread_.join();
  }
  /// Stops at once, with everything that is outstanding.
  void abandon() {
    context.stop();
    thread_.join();
  }
  template <class F>
  auto on_strand(F work) {
    std::packaged_task<decltype(work())()> task{std::move(work)};
    auto result = task.get_future();
    asio::post(context, [&] { task(); });
    return result.get();
  }
  [[nodiscard]] std::filesystem::path path() const { return folder_ / "nbd"; }

  asio::io_context context;
  shoal::net::nbd_server server;

 private:
  temporary_folder folder_;
  std::thread thread_;
};

/// A blocking client. Its receive functions throw when the server hangs up.
class nbd_client {
 public:
  explicit nbd_client(const served& server) : fd_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    server.path().string().copy(address.sun_path, sizeof address.sun_path - 1);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      throw std::runtime_error("cannot connect");
    }
  }
  nbd_client(const nbd_client&) = delete;
  nbd_client& operator=(const nbd_client&) = delete;
  ~nbd_client() { ::close(fd_); }

  /// Greets and chooses an export. Returns its transmission flags.
  std::uint16_t go(const std::string& name = "", bool structured = true) {
    structured_ = structured;
    receive(18);
    send(client::flags());
    if (structured) {
      send(client::structured());
      answer();
    }
    send(client::contexts(client::nbd::option::set_meta_context, name));
    while (answer().kind == client::nbd::option_reply::meta_context) {
    }
    send(client::go(name));
    std::uint16_t flags = 0;
    while (true) {
      const client::option_answer a = answer();
      if (a.kind == client::nbd::option_reply::ack) return flags;
      if (a.kind != client::nbd::option_reply::info) throw std::runtime_error("refused");
      if (a.data.size() == 12) flags = shoal::load_be<std::uint16_t>(a.data.data() + 10);
    }
  }

  /// False once the server does not listen any more.
  bool send(const client::bytes& bytes) {
    std::size_t sent = 0;
    while (sent < bytes.size()) {
      const ssize_t n = ::send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (n <= 0) return false;
      sent += static_cast<std::size_t>(n);
    }
    return true;
  }
  client::bytes receive(std::size_t n) {
    client::bytes all(n);
    if (n != 0 && ::recv(fd_, all.data(), n, MSG_WAITALL) != static_cast<ssize_t>(n)) {
      throw std::runtime_error("the server hung up");
    }
    return all;
  }
  /// True when the server hangs up without another byte.
  bool hangs_up() {
    std::byte one{};
    return ::recv(fd_, &one, 1, 0) <= 0;
  }
  void end_output() { ::shutdown(fd_, SHUT_WR); }

  struct reply {
    std::uint64_t cookie = 0;
    client::nbd::error code = client::nbd::error::ok;
    client::bytes content;  ///< of a read: holes as zeroes; of a block status: the payload
  };
  /// The next whole reply.
  /// @param length  that a read was for, if structured replies were not asked for
  reply next_reply(std::size_t length = 0) {
    while (true) {
      const auto magic = integer<std::uint32_t>();
      if (magic == client::nbd::simple_reply_magic) {
        const auto code = client::nbd::error{integer<std::uint32_t>()};
        reply out{integer<std::uint64_t>(), code, {}};
        if (code == client::nbd::error::ok && !structured_) out.content = receive(length);
        return out;
      }
      if (magic != client::nbd::structured_reply_magic) throw std::runtime_error("no reply");
      const bool last = integer<std::uint16_t>() == 1;
      const auto type = client::nbd::chunk{integer<std::uint16_t>()};
      const auto cookie = integer<std::uint64_t>();
      const client::bytes payload = receive(integer<std::uint32_t>());
      reply& whole = partial_[cookie];
      whole.cookie = cookie;
      if (type == client::nbd::chunk::error) {
        whole.code = client::nbd::error{shoal::load_be<std::uint32_t>(payload.data())};
      } else if (type == client::nbd::chunk::offset_hole) {
        whole.content.resize(whole.content.size() + shoal::load_be<std::uint32_t>(payload.data() + 8));
      } else {
        const std::size_t skip = type == client::nbd::chunk::offset_data ? 8 : 0;
        whole.content.insert(whole.content.end(), payload.begin() + static_cast<std::ptrdiff_t>(skip),
                             payload.end());
      }
      if (!last) continue;
      reply out = std::move(whole);
      partial_.erase(cookie);
      return out;
    }
  }

 private:
  template <class T>
  T integer() {
    return shoal::load_be<T>(receive(sizeof(T)).data());
  }
  client::option_answer answer() {
    client::bytes head = receive(20);
    const client::bytes data = receive(shoal::load_be<std::uint32_t>(head.data() + 16));
    head.insert(head.end(), data.begin(), data.end());
    return client::server_bytes{head}.answer();
  }

  int fd_;
  bool structured_ = true;
  std::map<std::uint64_t, reply> partial_;
};
