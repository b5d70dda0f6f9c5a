// SPDX-License-Identifier: BSL-1.0
#include <shoal/http/request_head.hpp>  // first: shows that the header stands alone

#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

namespace {

using shoal::errc;
using shoal::result;
using shoal::http::refusal_status;
using shoal::http::request_head;

result<request_head> parse(std::string_view text) {
  return request_head::parse({text.begin(), text.end()});
}

TEST_CASE("a request says what it wants, and its views survive a move") {
  auto parsed = parse("GET /ipfs/a?b HTTP/1.1\r\nHost: x\r\nAccept: text/plain\r\n");
  REQUIRE(parsed.has_value());
  const request_head head = std::move(*parsed);
  CHECK(head.method == "GET");
  CHECK(head.target == "/ipfs/a?b");
  CHECK(head.minor_version == 1);
  CHECK(head.keep_alive);
  CHECK(head.fields.find("accept") == "text/plain");
  // the shortest request there is fits into what small strings keep in themselves
  auto tiny = parse("G / HTTP/1.0\r\n");
  REQUIRE(tiny.has_value());
  const request_head moved = std::move(*tiny);
  CHECK(moved.method == "G");
}

TEST_CASE("a connection stays in version 1.1 unless the client says otherwise") {
  CHECK_FALSE(parse("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n")->keep_alive);
  CHECK_FALSE(parse("GET / HTTP/1.0\r\n")->keep_alive);
}

TEST_CASE("of a whole URL the path is kept") {
  CHECK(parse("GET http://a:80/b?c HTTP/1.1\r\nHost: a\r\n")->target == "/b?c");
  CHECK(parse("GET http://a HTTP/1.1\r\nHost: a\r\n")->target == "/");
  CHECK(parse("GET http://a?b HTTP/1.1\r\nHost: a\r\n").error() == errc::malformed);
}

TEST_CASE("a request that is no request is refused with a status that says why") {
  for (const std::string_view wrong :
       {"", "GET\r\n", "GET / \r\n", "GET  / HTTP/1.1\r\nHost: a\r\n", " GET / HTTP/1.1\r\nHost: a\r\n",
        "GET / http/1.1\r\nHost: a\r\n", "GET / HTTP/1.1 \r\nHost: a\r\n", "G(T / HTTP/1.1\r\nHost: a\r\n",
        "GET /\x01 HTTP/1.1\r\nHost: a\r\n", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n",
        "GET /a b HTTP/1.1\r\nHost: a\r\n", "GET / HTTP/11\r\nHost: a\r\n"}) {
    CAPTURE(wrong);
    const auto head = parse(wrong);
    CHECK(head.error() == errc::malformed);
    CHECK(refusal_status(head.error()) == 400);
  }
  for (const std::string_view unknown :
       {"GET / HTTP/2.0\r\n", "OPTIONS * HTTP/1.1\r\nHost: a\r\n", "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n",
        "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n"}) {
    CHECK(refusal_status(parse(unknown).error()) == 501);
  }
  CHECK(refusal_status(errc::limit_exceeded) == 431);
}

}  // namespace
