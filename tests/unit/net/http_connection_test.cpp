// SPDX-License-Identifier: BSL-1.0
#include <shoal/net/http_connection.hpp>  // first: shows that the header stands alone

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "http_client.hpp"

namespace http_connection_test {

using shoal::bytes_view;
using shoal::errc;
using shoal::lease;
using shoal::result;
using shoal::task;
using shoal::http::body_length;
using shoal::net::http_connection;
using kind = body_length::kind;

constexpr std::size_t long_size = 3'000'000;

/// "/long" and "/sized": three million bytes in pieces. "/early" and "/late": a failure. "/more": too many
/// bytes.
task<> answer(http_connection& client) {
  const std::string_view target = client.request().target;
  if (target == "/early") co_return errc::failed;
  const bool sized = target != "/long" && target != "/late";
  const body_length length{sized ? kind::sized : kind::chunked, target == "/more" ? 1 : sized ? long_size : 0};
  shoal::http::head_writer head = shoal::http::head_writer::response(200);
  result<> sent = co_await client.begin(head, length);
  const auto piece = std::make_shared<const std::string>(10'000, 'y');
  const lease shared{piece, shoal::as_bytes(*piece)};
  const std::string front(20'000, 'x');
  const bytes_view copied = shoal::as_bytes(front);
  for (std::size_t n = 0; sent && n < long_size; n += 30'000) {
    if (target == "/late" && n > long_size / 2) co_return errc::failed;
    sent = co_await client.send(copied, shared);
  }
  co_return sent;
}

struct served : served_http {
  explicit served(shoal::net::http_server_options options = {}) : served_http(options) {
    server.add("/", [](http_connection& client) { return answer(client); });
    server.add_text("/text", "text/plain", [] { return std::string{"hello"}; });
    start();
  }
};

TEST_CASE("a connection serves one request after the other") {
  served s;
  http_client client{s.port()};
  for (int i = 0; i < 3; ++i) {
    const http_reply reply = client.get("/text");
    CHECK(reply.status == 200);
    CHECK(reply.body == "hello");
    CHECK(reply.has("Content-Length: 5"));
    CHECK(reply.head.find("\r\nDate: ") != std::string::npos);
    CHECK(reply.keep_alive);
  }
}

TEST_CASE("requests that come together are answered in their order") {
  served s;
  http_client client{s.port()};
  client.send("GET /text HTTP/1.1\r\nHost: a\r\n\r\nHEAD /text HTTP/1.1\r\nHost: a\r\n\r\n\r\nGET /nothing");
  CHECK(client.receive().body == "hello");
  const http_reply head = client.receive("HEAD");
  CHECK(head.status == 200);
  CHECK(head.has("Content-Length: 5"));
  client.send(" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  CHECK(client.receive().status == 200);
  CHECK(client.hung_up());
}

TEST_CASE("a long body arrives whole, with a length and without") {
  served s;
  http_client client{s.port()};
  for (const std::string target : {"/sized", "/long"}) {
    const http_reply reply = client.get(target);
    CHECK(reply.whole);
    CHECK(reply.body.size() == long_size);
    CHECK(reply.body.substr(0, 20'000) == std::string(20'000, 'x'));
    CHECK(reply.body.substr(20'000, 10'000) == std::string(10'000, 'y'));
    CHECK(reply.has(target == "/long" ? "Transfer-Encoding: chunked" : "Content-Length: 3000000"));
  }
  CHECK(client.get("/long", {}, "HEAD").status == 200);
  CHECK(client.get("/text").body == "hello");
}

TEST_CASE("an old client gets a body that ends with the connection") {
  served s;
  http_client client{s.port()};
  client.send("GET /long HTTP/1.0\r\n\r\n");
  client.end_output();
  const http_reply reply = client.receive();
  CHECK(reply.body.size() == long_size);
  CHECK(reply.head.find("chunked") == std::string::npos);
  CHECK(reply.has("Connection: close"));
}

TEST_CASE("a failure is an answer, or cuts one off visibly") {
  served s;
  CHECK(http_client{s.port()}.get("/early").status == 500);
  const http_reply late = http_client{s.port()}.get("/late");
  CHECK_FALSE(late.whole);
  const http_reply more = http_client{s.port()}.get("/more");
  CHECK_FALSE(more.whole);
}

TEST_CASE("what is not served is refused, and the connection ends where its meaning does") {
  served s;
  struct trial {
    std::string_view sent;
    unsigned status;
  };
  for (const trial& t :
       {trial{"POST /text HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 405},
        trial{"GET /text HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 413},
        trial{"GET /text HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 413},
        trial{"GET /text HTTP/1.1\n\n", 400}, trial{"nonsense\r\n\r\n", 400},
        trial{"GET /text HTTP/1.1\r\n\r\n", 400}, trial{"GET /text HTTP/2.0\r\n\r\n", 501},
        trial{"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 501}}) {
    CAPTURE(t.sent);
    http_client client{s.port()};
    client.send("HEAD /text HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(client.receive("HEAD").status == 200);
    client.send(t.sent);
    const http_reply reply = client.receive();
    CHECK(reply.status == t.status);
    CHECK_FALSE(reply.body.empty());
    CHECK(reply.has("Connection: close"));
    CHECK(client.hung_up());
  }
  http_client talker{s.port()};
  talker.send("GET / HTTP/1.1\r\nA: " + std::string(20'000, 'a') + "\r\n\r\n");
  CHECK(talker.receive().status == 431);
}

TEST_CASE("a client that is silent, or sends its head too slowly, is dropped") {
  served idle{{.idle_time = std::chrono::milliseconds{30}}};
  http_client silent{idle.port()};
  CHECK(silent.hung_up());
  served slow{{.idle_time = std::chrono::hours{1}, .head_time = std::chrono::milliseconds{30}}};
  http_client drip{slow.port()};
  drip.send("GET /te");
  CHECK(drip.hung_up());
}

TEST_CASE("a client that does not read is dropped, and holds little until then") {
  served s{{.send_time = std::chrono::milliseconds{50}}};
  http_client client{s.port()};
  for (int i = 0; i < 20; ++i) client.send("GET /long HTTP/1.1\r\nHost: a\r\n\r\n");
  while (s.on_strand([&] { return s.server.client_count(); }) != 0) std::this_thread::yield();
}

}  // namespace http_connection_test
