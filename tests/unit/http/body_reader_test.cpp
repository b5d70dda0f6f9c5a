// SPDX-License-Identifier: BSL-1.0
#include <shoal/http/body_reader.hpp>  // first: shows that the header stands alone

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>

#include <doctest/doctest.h>

namespace {

using shoal::as_bytes;
using shoal::as_text;
using shoal::bytes_view;
using shoal::errc;
using shoal::http::body_length;
using shoal::http::body_reader;
using kind = body_length::kind;

struct outcome {
  std::string body;
  std::string rest;
  bool ended = false;
  std::error_code error;
};

/// Reads the stream in pieces of `stride` bytes.
outcome read(const body_length& length, std::string_view stream, std::size_t stride) {
  body_reader body{length};
  outcome out;
  std::size_t given = 0;
  bytes_view in;
  while (!body.ended()) {
    const auto part = body.next(in);
    if (!part) {
      out.error = part.error();
      return out;
    }
    out.body += as_text(*part);
    if (!part->empty() || body.ended()) continue;
    if (given == stream.size()) break;
    in = as_bytes(stream.substr(given, stride));
    given = std::min(given + stride, stream.size());
  }
  out.rest = std::string{as_text(in)}.append(stream.substr(given));
  out.error = body.end_of_stream().error();
  out.ended = body.ended();
  return out;
}

TEST_CASE("a body ends where its head says, wherever the stream is cut") {
  for (std::size_t stride = 1; stride < 40; ++stride) {
    const outcome sized = read({kind::sized, 5}, "hellonext", stride);
    CHECK(sized.body == "hello");
    CHECK(sized.rest == "next");
    const outcome chunked =
        read({kind::chunked, 0},
             "5\r\nhello\r\n00a;x=\"y\"\r\n and world\r\n0\r\nTrailer: a\r\nB: c\r\n\r\nnext", stride);
    CHECK(chunked.body == "hello and world");
    CHECK(chunked.rest == "next");
    CHECK(chunked.ended);
    const outcome rest = read({kind::unsaid, 0}, "all of it", stride);
    CHECK(rest.body == "all of it");
    CHECK(rest.ended);
  }
  CHECK(read({kind::sized, 0}, "next", 4).rest == "next");
}

TEST_CASE("a stream that ends too early is noticed") {
  CHECK(read({kind::sized, 5}, "hell", 9).error == errc::truncated);
  for (const std::string_view cut : {"", "5", "5\r\n", "5\r\nhell", "5\r\nhello", "5\r\nhello\r\n",
                                     "5\r\nhello\r\n0\r\n", "5\r\nhello\r\n0\r\n\r"}) {
    CHECK(read({kind::chunked, 0}, cut, 99).error == errc::truncated);
  }
}

TEST_CASE("what is no chunk is refused, and stays refused") {
  for (const std::string_view wrong :
       {"\r\n", "x\r\n", "5 \nhello", "5\nhello", "5\r\nhello!", "5\r\nhello\n", "-1\r\n", "5\rx", "0\r\n\n",
        "0\r\nA\n", "0x5\r\n", "0\r\n\rx", ";a\r\n"}) {
    CAPTURE(wrong);
    body_reader body{{kind::chunked, 0}};
    bytes_view in = as_bytes(wrong);
    std::error_code error;
    while (!error && !in.empty()) error = body.next(in).error();
    CHECK(error == errc::malformed);
    bytes_view more = as_bytes("0\r\n\r\n");
    CHECK(body.next(more).error() == errc::malformed);
  }
}

TEST_CASE("sizes, extensions and trailers have limits") {
  CHECK(read({kind::chunked, 0}, "100000000000000\r\n", 99).error == errc::truncated);
  CHECK(read({kind::chunked, 0}, "10000000000000000\r\n", 99).error == errc::limit_exceeded);
  const std::string much(body_reader::max_skipped + 1, 'x');
  CHECK(read({kind::chunked, 0}, "5;" + much, 99).error == errc::limit_exceeded);
  CHECK(read({kind::chunked, 0}, "0\r\n" + much, 99).error == errc::limit_exceeded);
}

}  // namespace
