// SPDX-License-Identifier: BSL-1.0
#include <shoal/libp2p/delimited.hpp>  // first: shows that the header stands alone

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "vectors.hpp"

namespace {

using shoal::as_bytes;
using shoal::as_text;
using shoal::bytes_view;
using shoal::errc;
using shoal::libp2p::append_delimited;
using shoal::libp2p::delimited_reader;
using vectors::unhex;

TEST_CASE("messages come out whole however the stream is cut") {
  std::vector<std::string> sent{
      "", "a", std::string(127, 'b'), std::string(128, 'c'), "", std::string(70000, 'd')};
  std::vector<std::byte> stream;
  for (const std::string& message : sent) append_delimited(stream, as_bytes(message));
  for (const std::size_t stride :
       {std::size_t{1}, std::size_t{2}, std::size_t{129}, std::size_t{4096}, stream.size()}) {
    delimited_reader reader{70000};
    std::vector<std::string> got;
    for (std::size_t at = 0; at < stream.size(); at += stride) {
      bytes_view in = bytes_view{stream}.subspan(at, std::min(stride, stream.size() - at));
      while (true) {
        const auto message = reader.next(in);
        REQUIRE(message);
        if (!*message) break;
        got.emplace_back(as_text(**message));
        const auto kept = reader.take();
        CHECK(as_text(kept) == got.back());
      }
      CHECK(in.empty());
    }
    CHECK(got == sent);
    CHECK(reader.idle());
    CHECK(reader.held() == 0);
  }
}

TEST_CASE("a message that arrives in one piece is not copied") {
  const auto stream = unhex(
      "03414243"
      "01");
  bytes_view in{stream};
  delimited_reader reader{10};
  const auto message = reader.next(in);
  REQUIRE(message);
  REQUIRE(*message);
  CHECK((*message)->data() == stream.data() + 1);
  CHECK(in.size() == 1);
  CHECK(reader.idle());
  CHECK_FALSE(*reader.next(in));
  CHECK_FALSE(reader.idle());
}

TEST_CASE("a length past the limit is refused before anything of the message is looked at") {
  delimited_reader reader{127};
  const auto stream = unhex("8001");
  bytes_view in{stream};
  CHECK(reader.next(in).error() == errc::limit_exceeded);
  const auto good = unhex("0141");
  in = good;
  CHECK(reader.next(in).error() == errc::limit_exceeded);
  CHECK(in.size() == 2);
}

TEST_CASE("a length that is no varint is refused") {
  for (const char* text : {"8000", "ffffffffffffffffff01", "808080808080808080808080"}) {
    delimited_reader reader{1000};
    const auto stream = unhex(text);
    bytes_view in{stream};
    CHECK(reader.next(in).error() == errc::malformed);
  }
}

TEST_CASE("an announced message takes no memory before it arrives") {
  delimited_reader reader{std::size_t{1} << 30};
  const auto stream = unhex(
      "80808080"
      "04"
      "00");  // 1 GiB, and one byte of it
  bytes_view in{stream};
  const auto message = reader.next(in);
  REQUIRE(message);
  CHECK_FALSE(*message);
  CHECK(reader.held() == 1);
  CHECK_FALSE(reader.idle());
}

}  // namespace
