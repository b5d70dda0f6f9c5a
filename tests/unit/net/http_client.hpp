// SPDX-License-Identifier: BSL-1.0
//
// An HTTP server on a thread of its own and clients that talk to it over TCP, in plain blocking code.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <future>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <asio/io_context.hpp>
#include <asio/post.hpp>

#include <shoal/http/body_reader.hpp>
#include <shoal/http/head_reader.hpp>
#include <shoal/http/response_head.hpp>
#include <shoal/net/http_server.hpp>
#include <shoal/net/listener.hpp>

/// An http_server that listens on a port of the loopback interface.
class served_http {
 public:
  explicit served_http(shoal::net::http_server_options options = {})
      : server(context.get_executor(), options) {}
  ~served_http() {
    if (thread_.joinable()) stop();
  }
  void start() {
    auto sockets = shoal::net::listen_tcp(context.get_executor(), "127.0.0.1", 0);
    if (!sockets) throw std::system_error(sockets.error());
    port_ = sockets->front().port;
    for (auto& socket : *sockets) server.serve(std::move(socket));
    thread_ = std::thread{[this] { context.run(); }};
  }
  /// Drains, and returns when the context has run dry.
  void stop() {
    asio::post(context, [this] { server.stop(); });
    thread_.join();
  }
  template <class F>
  auto on_strand(F work) {
    std::packaged_task<decltype(work())()> task{std::move(work)};
    auto result = task.get_future();
    asio::post(context, [&] { task(); });
    return result.get();
  }
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

  asio::io_context context;
  shoal::net::http_server server;

 private:
  std::thread thread_;
  std::uint16_t port_ = 0;
};

struct http_reply {
  unsigned status = 0;
  std::string head;  ///< its fields, one a line
  std::string body;
  bool whole = false;  ///< the body ended where its head said
  bool keep_alive = false;

  [[nodiscard]] bool has(std::string_view line) const {
    return head.find("\r\n" + std::string{line} + "\r\n") != std::string::npos;
  }
};

/// A blocking client.
class http_client {
 public:
  explicit http_client(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      throw std::runtime_error("cannot connect");
    }
  }
  http_client(const http_client&) = delete;
  http_client& operator=(const http_client&) = delete;
  ~http_client() { ::close(fd_); }

  void send(std::string_view text) {
    while (!text.empty()) {
      const ssize_t n = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (n <= 0) return;  // the server has hung up: the test sees what it said before
      text.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  void end_output() { ::shutdown(fd_, SHUT_WR); }

  /// Sends a request and reads its answer.
  http_reply get(const std::string& target, const std::string& fields = {}, const std::string& method = "GET") {
    send(method + " " + target + " HTTP/1.1\r\nHost: test\r\n" + fields + "\r\n");
    return receive(method);
  }

  /// The next answer; status 0 when the server has hung up instead.
  http_reply receive(const std::string& method = "GET") {
    http_reply reply;
    shoal::http::head_reader heads;
    while (true) {
      shoal::bytes_view in = shoal::as_bytes(buffer_);
      const auto whole = heads.next(in);
      buffer_.erase(0, buffer_.size() - in.size());
      if (!whole) throw std::runtime_error("no answer: " + whole.error().message());
      if (*whole) break;
      if (!receive_more()) return reply;
    }
    const std::vector<char> text = heads.take();
    reply.head.assign(text.begin(), text.end());
    const auto head = shoal::http::response_head::parse(text, method);
    if (!head) throw std::runtime_error("no answer: " + reply.head);
    reply.status = head->status;
    reply.keep_alive = head->keep_alive;
    shoal::http::body_reader body{head->body};
    while (!body.ended()) {
      shoal::bytes_view in = shoal::as_bytes(buffer_);
      const auto part = body.next(in);
      if (!part) throw std::runtime_error("no body: " + part.error().message());
      reply.body += shoal::as_text(*part);
      buffer_.erase(0, buffer_.size() - in.size());
      if (part->empty() && !body.ended() && !receive_more()) break;
    }
    reply.whole = body.end_of_stream().has_value();
    return reply;
  }

  /// True when the server has hung up and said nothing more.
  bool hung_up() { return buffer_.empty() && !receive_more(); }

 private:
  bool receive_more() {
    std::array<char, 65536> part;
    const ssize_t n = ::recv(fd_, part.data(), part.size(), 0);
    if (n <= 0) return false;
    buffer_.append(part.data(), static_cast<std::size_t>(n));
    return true;
  }

  int fd_;
  std::string buffer_;
};
