// SPDX-License-Identifier: BSL-1.0
#include <shoal/http/response_head.hpp>  // first: shows that the header stands alone

#include <string_view>

#include <doctest/doctest.h>

namespace {

using shoal::errc;
using shoal::result;
using shoal::http::body_length;
using shoal::http::response_head;
using kind = body_length::kind;

result<response_head> answer(std::string_view text, std::string_view method = "GET") {
  return response_head::parse({text.begin(), text.end()}, method);
}

TEST_CASE("an answer has a status and fields, and need not have a reason") {
  for (const std::string_view text :
       {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n", "HTTP/1.1 200 \r\nContent-Length: 3\r\n",
        "HTTP/1.1 200\r\nContent-Length: 3\r\n"}) {
    const auto head = answer(text);
    REQUIRE(head.has_value());
    CHECK(head->status == 200);
    CHECK(head->body == body_length{kind::sized, 3});
    CHECK(head->keep_alive);
  }
}

TEST_CASE("some answers have no body whatever they say of it") {
  const body_length none{kind::sized, 0};
  CHECK(answer("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n", "HEAD")->body == none);
  CHECK(answer("HTTP/1.1 304 x\r\nContent-Length: 3\r\n")->body == none);
  CHECK(answer("HTTP/1.1 204 x\r\nTransfer-Encoding: chunked\r\n")->body == none);
  CHECK(answer("HTTP/1.1 100 Continue\r\n")->body == none);
}

TEST_CASE("a connection cannot stay when only its end ends the body") {
  CHECK_FALSE(answer("HTTP/1.1 200 OK\r\n")->keep_alive);
  CHECK_FALSE(answer("HTTP/1.0 200 OK\r\nContent-Length: 3\r\n")->keep_alive);
  CHECK_FALSE(answer("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n")->keep_alive);
  CHECK(answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n")->keep_alive);
}

TEST_CASE("what is no answer is refused") {
  for (const std::string_view wrong :
       {"", "HTTP/1.1\r\n", "HTTP/1.1 20\r\n", "HTTP/1.1 2000\r\n", "HTTP/1.1 099 x\r\n", "HTTP/1.1 600 x\r\n",
        "HTTP/1.1 -10 x\r\n", "http/1.1 200 OK\r\n", "HTTP/1.1 200 OK", "HTTP/1.1 200 OK\r\nno field\r\n"}) {
    CAPTURE(wrong);
    CHECK(answer(wrong).error() == errc::malformed);
  }
  CHECK(answer("HTTP/2.0 200 OK\r\n").error() == errc::unsupported);
}

}  // namespace
