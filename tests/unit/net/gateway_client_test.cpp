// SPDX-License-Identifier: BSL-1.0
#include <shoal/net/gateway_client.hpp>  // first: shows that the header stands alone

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

#include <shoal/crypto/sha256.hpp>
#include <shoal/net/gateway_server.hpp>
#include <shoal/store/memory_cache.hpp>
#include <shoal/task/run.hpp>

#include "../gateway/dag.hpp"
#include "http_client.hpp"

namespace gateway_client_test {

using shoal::as_bytes;
using shoal::as_text;
using shoal::block;
using shoal::bytes_view;
using shoal::cid;
using shoal::errc;
using shoal::lease;
using shoal::result;
using shoal::task;
using shoal::to_text;
using shoal::http::body_length;
using shoal::net::gateway_client;
using shoal::net::gateway_client_options;
using shoal::net::http_connection;

static_assert(shoal::block_fetcher<gateway_client<shoal::portable_digester>>);

const shoal::portable_digester digester;

cid name_of(std::string_view text) {
  test_dag::dag d;
  return d.add_leaf(text).id;
}

namespace {  // for there is a lambda in its frame

/// Answers by the path in front of "/ipfs/".
task<> misbehave(http_connection& client, std::uint16_t port) {
  const std::string target{client.request().target};
  const std::string rest = target.substr(target.find("/ipfs/"));
  const std::string here = "http://127.0.0.1:" + std::to_string(port);
  const auto is = [&](std::string_view prefix) { return target.starts_with(prefix); };
  std::string location;
  unsigned status = 200;
  if (is("/moved/")) location = "/good" + rest;
  if (is("/far/")) location = here + "/good" + rest;
  if (is("/circle/")) location = target;
  if (is("/nowhere/")) location = "elsewhere";
  if (!location.empty()) status = 302;
  if (is("/404/")) status = 404;
  if (is("/500/")) status = 500;
  if (is("/503/")) status = 503;
  shoal::http::head_writer head = shoal::http::head_writer::response(status);
  if (!location.empty()) head.field("Location", location);
  std::string body = is("/liar/") ? "other content" : "content";
  if (is("/huge/")) body.assign(shoal::max_block_size + 1, 'x');
  const bool sized = !is("/chunked/") && !is("/endless/");
  const body_length length{sized ? body_length::kind::sized : body_length::kind::chunked,
                           is("/short/") ? 99 : body.size()};
  result<> sent = co_await client.begin(head, length);
  const bytes_view bytes = as_bytes(body);
  const lease none;
  do {
    if (sent) sent = co_await client.send(bytes, none);
  } while (sent && is("/endless/"));
  co_return sent;
}

}  // namespace

struct served : served_http {
  explicit served(shoal::net::http_server_options options = {}) : served_http(options) {
    server.add("/", [this](http_connection& client) { return misbehave(client, port()); });
    start();
  }
};

struct asking {
  asio::io_context context;
  gateway_client<shoal::portable_digester> client;
  asking(std::uint16_t port, const std::string& base, gateway_client_options options = {})
      : client(context.get_executor(),
               *shoal::http::url::parse("http://127.0.0.1:" + std::to_string(port) + base), digester, options) {
  }

  result<block> get(const cid& id) { return run(context, client.get(id)); }
};

TEST_CASE("a block comes from a gateway, over a connection that is kept") {
  test_dag::dag d;
  shoal::memory_cache store{1u << 22};
  shoal::net::gateway_server gateway{store};
  served_http s;
  gateway.serve_on(s.server);
  s.start();
  const std::string text(1'000'000, 'x');
  const cid id = d.add_leaf(text).id;
  const auto copy = std::make_shared<const std::vector<std::byte>>(d.blocks.at(id));
  s.on_strand([&] { store.insert({id, lease{copy, *copy}}); });

  asking a{s.port(), "/"};
  for (int i = 0; i < 3; ++i) {
    const result<block> found = a.get(id);
    REQUIRE(found.has_value());
    CHECK(found->id == id);
    CHECK(as_text(found->data.bytes()) == text);
    CHECK(a.client.idle_count() == 1);
    CHECK(s.on_strand([&] { return s.server.client_count(); }) == 1);
  }
  CHECK(a.get(name_of("nobody has it")).error() == errc::not_found);
  CHECK(a.client.idle_count() == 1);
  CHECK(a.get(*cid::parse("bafkqaaa")).has_value());
}

TEST_CASE("bytes that are not what the CID names are seen by nobody") {
  served s;
  const cid id = name_of("content");
  CHECK(asking{s.port(), "/good"}.get(id).has_value());
  CHECK(asking{s.port(), "/chunked/"}.get(id).has_value());
  CHECK(asking{s.port(), "/liar"}.get(id).error() == errc::block_mismatch);
  CHECK(asking{s.port(), "/short"}.get(id).error() == errc::truncated);
  CHECK(asking{s.port(), "/huge"}.get(id).error() == errc::limit_exceeded);
  CHECK(asking{s.port(), "/endless"}.get(id).error() == errc::limit_exceeded);
}

TEST_CASE("a refusal says whether to come back") {
  served s;
  const cid id = name_of("content");
  CHECK(asking{s.port(), "/404"}.get(id).error() == errc::not_found);
  CHECK(asking{s.port(), "/503"}.get(id).error() == errc::busy);
  CHECK(asking{s.port(), "/500"}.get(id).error() == errc::failed);
}

TEST_CASE("a few redirects are followed") {
  served s;
  const cid id = name_of("content");
  CHECK(asking{s.port(), "/moved"}.get(id).has_value());
  CHECK(asking{s.port(), "/far"}.get(id).has_value());
  CHECK(asking{s.port(), "/circle"}.get(id).error() == errc::limit_exceeded);
  CHECK(asking{s.port(), "/nowhere"}.get(id).error() == errc::unsupported);
}

TEST_CASE("a connection that the gateway has closed meanwhile is replaced") {
  served s{{.idle_time = std::chrono::milliseconds{10}}};
  asking a{s.port(), "/good"};
  const cid id = name_of("content");
  for (int i = 0; i < 3; ++i) {
    CHECK(a.get(id).has_value());
    while (s.on_strand([&] { return s.server.client_count(); }) != 0) std::this_thread::yield();
  }
}

task<> hang(http_connection&, shoal::signal& never) {
  co_await never.wait();
  co_return errc::canceled;
}

TEST_CASE("a gateway that says nothing is given up") {
  shoal::signal never;
  served_http s;
  s.server.add("/", [&](http_connection& client) { return hang(client, never); });
  s.start();
  asking a{s.port(), "", {.patience = std::chrono::milliseconds{30}}};
  CHECK(a.get(name_of("content")).error() == errc::timed_out);
  s.on_strand([&] { never.notify(); });
}

TEST_CASE("a gateway that is not there, or speaks what we do not, is an error") {
  std::uint16_t free_port = 0;
  {
    served_http s;
    s.start();
    free_port = s.port();
  }
  CHECK(asking{free_port, ""}.get(name_of("content")).error() == std::errc::connection_refused);
  asio::io_context context;
  gateway_client secure{context.get_executor(), *shoal::http::url::parse("https://127.0.0.1"), digester};
  const cid id = name_of("content");
  CHECK(run(context, secure.get(id)).error() == errc::unsupported);
}

asio::awaitable<void> get_one(gateway_client<shoal::portable_digester>& client, cid id, int& right) {
  const result<block> found = co_await client.get(id);
  if (found) ++right;
}

TEST_CASE("many blocks are fetched over few connections") {
  served s;
  asking a{s.port(), "/good", {.max_connections = 3}};
  int right = 0;
  for (int i = 0; i < 50; ++i) {
    asio::co_spawn(a.context, get_one(a.client, name_of("content"), right), asio::detached);
  }
  a.context.run();
  CHECK(right == 50);
  CHECK(a.client.idle_count() == 3);
  CHECK(s.on_strand([&] { return s.server.client_count(); }) == 3);
}

}  // namespace gateway_client_test
