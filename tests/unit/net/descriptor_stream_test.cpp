// SPDX-License-Identifier: BSL-1.0
#include <shoal/net/descriptor_stream.hpp>  // first: shows that the header stands alone

#include <array>
#include <cstddef>
#include <exception>
#include <string>

#include <doctest/doctest.h>
#include <unistd.h>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

namespace descriptor_stream_test {
namespace {

using shoal::as_bytes;
using shoal::as_text;
using shoal::bytes_span;
using shoal::bytes_view;
using shoal::errc;
using shoal::net::descriptor_stream;
using shoal::posix::unique_fd;

/// Says something into one end of a pipe, and reads until its end at the other.
asio::awaitable<void> say_and_hear(descriptor_stream& in, descriptor_stream& out, std::string& heard) {
  const bytes_view words = as_bytes("some words");
  const shoal::result<> said = co_await in.write(words);
  CHECK(said.has_value());
  in.close();
  std::array<std::byte, 4> buffer{};
  const bytes_span room{buffer};
  while (true) {
    const shoal::result<std::size_t> size = co_await out.read(room);
    REQUIRE(size.has_value());
    if (*size == 0) break;
    heard += as_text(bytes_view{buffer}.first(*size));
  }
  out.close();
  const shoal::result<std::size_t> closed = co_await out.read(room);
  CHECK(closed.error() == errc::closed);
  const shoal::result<> refused = co_await in.write(words);
  CHECK(refused.error() == errc::closed);
}

TEST_CASE("what goes into one end of a pipe comes out of the other, and then its end") {
  int ends[2] = {-1, -1};
  REQUIRE(::pipe(ends) == 0);
  asio::io_context context;
  descriptor_stream out{context.get_executor(), unique_fd{ends[0]}};
  descriptor_stream in{context.get_executor(), unique_fd{ends[1]}};
  std::string heard;
  asio::co_spawn(context, say_and_hear(in, out, heard),
                 [](const std::exception_ptr& failed) { CHECK(!failed); });
  context.run();
  CHECK(heard == "some words");
}

}  // namespace
}  // namespace descriptor_stream_test
