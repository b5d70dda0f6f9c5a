// SPDX-License-Identifier: BSL-1.0
#include <shoal/http/head_reader.hpp>  // first: shows that the header stands alone

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

namespace {

using shoal::as_bytes;
using shoal::as_text;
using shoal::bytes_view;
using shoal::errc;
using shoal::http::head_reader;
using shoal::http::max_head_size;

TEST_CASE("a head ends with an empty line, wherever the stream is cut") {
  const std::string_view stream = "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\nrest";
  for (std::size_t stride = 1; stride <= stream.size(); ++stride) {
    head_reader reader;
    CHECK(reader.idle());
    bytes_view in;
    std::size_t given = 0;
    while (true) {
      const auto whole = reader.next(in);
      REQUIRE(whole.has_value());
      if (*whole) break;
      CHECK(in.empty());
      REQUIRE(given < stream.size());
      in = as_bytes(stream.substr(given, stride));
      given = std::min(given + stride, stream.size());
    }
    const auto head = reader.take();
    CHECK(std::string_view{head.data(), head.size()} == "GET / HTTP/1.1\r\nHost: a\r\n");
    CHECK(std::string{as_text(in)}.append(stream.substr(given)) == "rest");
    CHECK(reader.idle());
  }
}

TEST_CASE("a CR or a LF alone ends no line") {
  for (const std::string_view wrong :
       {"GET / HTTP/1.1\n", "GET /\rHTTP/1.1", "\n", "\r\r\n", "A\r\n\n", "A\r\n\rB"}) {
    CAPTURE(wrong);
    head_reader reader;
    bytes_view in = as_bytes(wrong);
    CHECK(reader.next(in).error() == errc::malformed);
    bytes_view more = as_bytes("GET / HTTP/1.1\r\n\r\n");
    CHECK(reader.next(more).error() == errc::malformed);
  }
}

TEST_CASE("a head has a longest size, in one line or in many") {
  const std::string just = std::string(max_head_size - 4, 'x') + "\r\n\r\n";
  for (const std::size_t extra : {0u, 1u}) {
    head_reader reader;
    const std::string text = std::string(extra, 'x') + just;
    bytes_view in = as_bytes(text);
    const auto whole = reader.next(in);
    CHECK(whole.has_value() == (extra == 0));
    if (!whole) CHECK(whole.error() == errc::limit_exceeded);
  }
  std::string empty_lines;
  for (std::size_t i = 0; i <= max_head_size / 2; ++i) empty_lines += "\r\n";
  head_reader reader;
  bytes_view in = as_bytes(empty_lines);
  CHECK(reader.next(in).error() == errc::limit_exceeded);
}

}  // namespace
