// SPDX-License-Identifier: BSL-1.0
//
// http_server: answers HTTP/1.1 requests by handlers that a program adds.
//
//     net::http_server server{context.get_executor()};
//     server.add_text("/status", "application/json", [&] { return status_as_json(); });
//     server.add("/ipfs/", [&](net::http_connection& client) { return answer(gateway, client); });
//     auto sockets = net::listen_tcp(context.get_executor(), "", 8080);
//     for (auto& socket : *sockets) server.serve(std::move(socket));
//     context.run();                                        // until server.stop()
//
// One strand: run the context on one thread. Leaves out TLS and HTTP/2, which a proxy in front of it speaks.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <asio/any_io_executor.hpp>

#include <shoal/base/result.hpp>
#include <shoal/net/client_stream.hpp>
#include <shoal/net/http_connection.hpp>
#include <shoal/net/listener.hpp>
#include <shoal/net/output_queue.hpp>
#include <shoal/net/served_clients.hpp>
#include <shoal/task/task.hpp>

namespace shoal::net {

/// Lives until the context has run dry, or has been stopped for good.
class http_server {
 public:
  explicit http_server(asio::any_io_executor executor, http_server_options options = {})
      : options_(options), clients_(std::move(executor), options.max_connections, options.drain_time) {}
  http_server(const http_server&) = delete;
  http_server& operator=(const http_server&) = delete;

  /// Gives requests for `path` to a handler, and for everything below it when it ends with a slash. The longest
  /// path that fits wins. Handlers are added before serve().
  /// @param handler  no lambda that is a coroutine itself: its captures would not live as long as the task
  /// @throws std::invalid_argument for a path that is taken or does not start with a slash
  void add(std::string path, http_handler handler) {
    if (!path.starts_with('/')) throw std::invalid_argument("http_server: '" + path + "' is no path");
    for (const http_route& other : routes_) {
      if (other.path == path) throw std::invalid_argument("http_server: two handlers for '" + path + "'");
    }
    routes_.push_back({std::move(path), std::move(handler)});
  }

  /// Answers requests for `path` with a text that is made anew each time, and is never cached.
  void add_text(std::string path, std::string type, std::function<std::string()> make) {
    auto page = std::make_shared<const text_page>(text_page{std::move(type), std::move(make)});
    add(std::move(path), [page = std::move(page)](http_connection& client) { return show(page, client); });
  }

  /// Accepts clients from a socket until stop().
  void serve(listening_socket socket) {
    clients_.serve(std::move(socket), [this](stream_socket client) {
      return std::make_shared<http_connection>(std::move(client), routes_, options_, memory_);
    });
  }

  /// Stops accepting, lets answers that are under way finish, and closes. The context runs dry then.
  void stop() { clients_.stop(); }

  [[nodiscard]] std::size_t client_count() const noexcept { return clients_.count(); }

 private:
  struct text_page {
    std::string type;
    std::function<std::string()> make;
  };

  static task<> show(std::shared_ptr<const text_page> page, http_connection& client) {
    const std::string text = page->make();
    http::head_writer head = http::head_writer::response(200);
    head.field("Content-Type", page->type);
    head.field("Cache-Control", "no-store");
    const http::body_length length{http::body_length::kind::sized, text.size()};
    const result<> begun = co_await client.begin(head, length);
    if (!begun) co_return begun.error();
    const bytes_view body = as_bytes(text);
    const lease none;
    co_return co_await client.send(body, none);
  }

  http_server_options options_;
  std::vector<http_route> routes_;
  // shared: coroutines that never ended are destroyed with the context, after the server
  std::shared_ptr<output_queue::memory> memory_ = std::make_shared<output_queue::memory>();
  served_clients<http_connection> clients_;
};

}  // namespace shoal::net
