// SPDX-License-Identifier: BSL-1.0
#include <shoal/net/http_server.hpp>  // first: shows that the header stands alone

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>

#include <doctest/doctest.h>

#include <shoal/task/signal.hpp>

#include "http_client.hpp"

namespace http_server_test {

using shoal::result;
using shoal::task;
using shoal::net::http_connection;

TEST_CASE("the longest path that fits answers") {
  served_http s;
  s.server.add_text("/a", "text/plain", [] { return std::string{"a"}; });
  s.server.add_text("/a/", "text/plain", [] { return std::string{"below a"}; });
  s.server.add_text("/a/b/", "application/json", [] { return std::string{"{}"}; });
  s.start();
  http_client client{s.port()};
  CHECK(client.get("/a?x").body == "a");
  CHECK(client.get("/a/").body == "below a");
  CHECK(client.get("/a/b").body == "below a");
  const http_reply json = client.get("/a/b/c");
  CHECK(json.body == "{}");
  CHECK(json.has("Content-Type: application/json"));
  CHECK(json.has("Cache-Control: no-store"));
  CHECK(client.get("/ab").status == 404);
  CHECK(client.get("/").status == 404);
}

TEST_CASE("a path is a path, and is taken once") {
  asio::io_context context;
  shoal::net::http_server server{context.get_executor()};
  server.add_text("/a", "text/plain", [] { return std::string{}; });
  CHECK_THROWS_AS(server.add_text("/a", "text/plain", [] { return std::string{}; }), std::invalid_argument);
  CHECK_THROWS_AS(server.add_text("a", "text/plain", [] { return std::string{}; }), std::invalid_argument);
}

struct gate {
  shoal::signal changed;
  bool entered = false;
  bool open = false;
};

task<> wait_at(gate& g, http_connection& client) {
  g.entered = true;
  g.changed.notify();
  while (!g.open) co_await g.changed.wait();
  co_return co_await client.reply(200, "text/plain", "late");
}

TEST_CASE("an answer that is under way is finished when the server stops, and the connection is closed") {
  gate g;
  served_http s;
  s.server.add("/slow", [&g](http_connection& client) { return wait_at(g, client); });
  s.start();
  http_client idle{s.port()};
  http_client client{s.port()};
  client.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
  while (!s.on_strand([&] { return g.entered; })) std::this_thread::yield();
  s.on_strand([&] { s.server.stop(); });
  CHECK(idle.hung_up());
  s.on_strand([&] {
    g.open = true;
    g.changed.notify();
  });
  const http_reply reply = client.receive();
  CHECK(reply.body == "late");
  CHECK(reply.has("Connection: close"));
  CHECK(client.hung_up());
  CHECK_THROWS(http_client{s.port()});
}

TEST_CASE("an answer that takes too long is given up when the server stops") {
  gate g;
  served_http s{{.drain_time = std::chrono::milliseconds{20}}};
  s.server.add("/slow", [&g](http_connection& client) { return wait_at(g, client); });
  s.start();
  http_client client{s.port()};
  client.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
  while (!s.on_strand([&] { return g.entered; })) std::this_thread::yield();
  s.on_strand([&] { s.server.stop(); });
  CHECK(client.receive().status == 0);
  s.on_strand([&] {
    g.open = true;
    g.changed.notify();
  });
}

TEST_CASE("there are no more connections than allowed, and others wait") {
  served_http s{{.max_connections = 2}};
  s.server.add_text("/a", "text/plain", [] { return std::string{"a"}; });
  s.start();
  auto first = std::make_unique<http_client>(s.port());
  http_client second{s.port()};
  CHECK(first->get("/a").status == 200);
  CHECK(second.get("/a").status == 200);
  http_client third{s.port()};
  third.send("GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(s.on_strand([&] { return s.server.client_count(); }) == 2);
  first.reset();
  CHECK(third.receive().status == 200);
}

}  // namespace http_server_test
