// SPDX-License-Identifier: BSL-1.0
#include <shoal/net/byte_stream.hpp>  // first: shows that the header stands alone

#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include <doctest/doctest.h>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/write.hpp>

#include <shoal/task/run.hpp>

namespace byte_stream_test {

using shoal::errc;
using shoal::task;
using shoal::net::byte_stream;
using shoal::net::dial_plain;

/// Says "hello", and gives what is answered until the other side ends.
task<std::string> talk(const shoal::http::url& where, asio::ip::tcp::acceptor& door) {
  const auto time = std::chrono::seconds{5};
  auto stream = co_await dial_plain(where, time);
  if (!stream) co_return stream.error();
  asio::ip::tcp::socket other = door.accept();
  const shoal::bytes_view hello = shoal::as_bytes("hello");
  const auto sent = co_await (*stream)->write(hello);
  if (!sent) co_return sent.error();
  std::array<char, 5> heard{};
  asio::read(other, asio::buffer(heard));
  asio::write(other, asio::buffer(std::string{heard.data(), heard.size()} + " yourself"));
  other.close();
  std::string text;
  std::array<std::byte, 4> room;
  while (true) {
    const shoal::bytes_span part{room};
    const auto size = co_await (*stream)->read(part);
    if (!size) co_return size.error();
    if (*size == 0) break;
    text += shoal::as_text(shoal::bytes_view{room}.first(*size));
  }
  (*stream)->close();
  const shoal::bytes_span part{room};
  const auto after = co_await (*stream)->read(part);
  CHECK(after.error() == errc::closed);
  co_return text;
}

TEST_CASE("a stream carries bytes both ways until an end is made") {
  asio::io_context context;
  asio::ip::tcp::acceptor door{context, {asio::ip::address_v4::loopback(), 0}};
  shoal::http::url where;
  where.host = "127.0.0.1";
  where.port = door.local_endpoint().port();
  const auto heard = run(context, talk(where, door));
  REQUIRE(heard.has_value());
  CHECK(*heard == "hello yourself");
  where.secure = true;
  CHECK(run(context, dial_plain(where, std::chrono::seconds{5})).error() == errc::unsupported);
}

}  // namespace byte_stream_test
