// SPDX-License-Identifier: BSL-1.0
#include <shoal/http/head_writer.hpp>  // first: shows that the header stands alone

#include <cstdint>
#include <string>
#include <utility>

#include <doctest/doctest.h>

namespace {

using shoal::as_text;
using shoal::http::chunk_head;
using shoal::http::head_writer;

TEST_CASE("heads are written as they are read") {
  head_writer answer = head_writer::response(404);
  answer.field("Content-Length", 12u);
  answer.field("Connection", "close");
  CHECK(std::move(answer).finish() ==
        "HTTP/1.1 404 Not Found\r\nContent-Length: 12\r\nConnection: close\r\n\r\n");
  CHECK(head_writer::response(299).finish() == "HTTP/1.1 299 \r\n\r\n");
  head_writer question = head_writer::request("GET", "/a?b");
  question.field("Host", "c");
  CHECK(std::move(question).finish() == "GET /a?b HTTP/1.1\r\nHost: c\r\n\r\n");
}

TEST_CASE("a value cannot begin another field") {
  head_writer answer = head_writer::response(200);
  answer.field("A", std::string{"b\r\nSet-Cookie: c\0", 17});
  CHECK(std::move(answer).finish() == "HTTP/1.1 200 OK\r\nA: b  Set-Cookie: c \r\n\r\n");
}

TEST_CASE("a chunk's size is written in hexadecimal") {
  CHECK(as_text(chunk_head{1}.bytes()) == "1\r\n");
  CHECK(as_text(chunk_head{0x2000000}.bytes()) == "2000000\r\n");
  CHECK(as_text(chunk_head{UINT64_MAX}.bytes()) == "ffffffffffffffff\r\n");
}

}  // namespace
