// SPDX-License-Identifier: BSL-1.0
#include <shoal/net/client_stream.hpp>  // first: shows that the header stands alone

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

namespace client_stream_test {

using shoal::net::client_stream;
using shoal::net::output_queue;
using arrival = client_stream::arrival;

struct fixture {
  fixture() {
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0);
    stream.emplace(shoal::net::stream_socket{context, asio::generic::stream_protocol{AF_UNIX, 0}, ends[0]},
                   memory);
  }
  ~fixture() { hang_up(); }
  void send(std::string_view text) const {
    REQUIRE(::send(ends[1], text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
  }
  void hang_up() {
    if (ends[1] >= 0) ::close(ends[1]);
    ends[1] = -1;
  }
  void run(asio::awaitable<void> work) {
    asio::co_spawn(context, std::move(work), asio::detached);
    context.restart();
    context.run();
  }
  std::string_view received() const { return shoal::as_text(stream->received()); }

  asio::io_context context;
  output_queue::memory memory;
  std::array<int, 2> ends{};
  std::optional<client_stream> stream;
};

TEST_CASE("what arrives is kept until it is consumed") {
  fixture f;
  CHECK(f.stream->receive_now() == arrival::none);
  f.send("abc");
  CHECK(f.stream->receive_now() == arrival::some);
  f.stream->consume(1);
  CHECK(f.received() == "bc");
}

TEST_CASE("a rest survives the wait for more, in which no buffer is held") {
  fixture f;
  f.send("half a requ");
  CHECK(f.stream->receive_now() == arrival::some);
  f.stream->consume(7);
  CHECK(f.stream->receive_now() == arrival::none);
  f.send("est");
  f.run(f.stream->wait_readable());
  CHECK(f.received().empty());  // it is put aside
  CHECK(f.stream->receive_now() == arrival::some);
  CHECK(f.received() == "request");
}

TEST_CASE("more than a buffer arrives in portions and in order") {
  fixture f;
  std::string sent;
  std::string got;
  std::size_t next = 0;
  for (int i = 0; i < 30'000; ++i) sent += std::to_string(i) + " ";
  while (got.size() < sent.size()) {
    const std::string part = sent.substr(next, 50'000);
    next += part.size();
    f.send(part);
    f.run(f.stream->wait_readable());
    REQUIRE(f.stream->receive_now() == arrival::some);
    const std::size_t n = next == sent.size() ? f.received().size() : f.received().size() * 2 / 3;
    got += f.received().substr(0, n);
    f.stream->consume(n);
  }
  CHECK(got == sent);
}

TEST_CASE("the end is told apart from silence") {
  fixture f;
  f.send("x");
  f.hang_up();
  CHECK(f.stream->receive_now() == arrival::some);
  f.run(f.stream->wait_readable());
  CHECK(f.stream->receive_now() == arrival::ended);
}

asio::awaitable<void> wait_for(client_stream& stream, bool& ended) {
  co_await stream.wait_readable();
  ended = true;
}

TEST_CASE("an interrupted wait ends") {
  fixture f;
  bool ended = false;
  asio::co_spawn(f.context, wait_for(*f.stream, ended), asio::detached);
  f.context.poll();
  CHECK_FALSE(ended);
  f.stream->interrupt();
  f.context.run();
  CHECK(ended);
}

}  // namespace client_stream_test
