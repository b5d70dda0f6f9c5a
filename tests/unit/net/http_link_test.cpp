// SPDX-License-Identifier: BSL-1.0
#include <shoal/net/http_link.hpp>  // first: shows that the header stands alone

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <doctest/doctest.h>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include <shoal/task/run.hpp>

namespace http_link_test {

using shoal::as_bytes;
using shoal::as_text;
using shoal::bytes_span;
using shoal::bytes_view;
using shoal::errc;
using shoal::task;
using shoal::net::byte_stream;
using shoal::net::http_link;

/// Says what it was told to, in pieces, and then ends.
class script final : public byte_stream {
 public:
  explicit script(std::string_view text) : text_(text) {}
  task<std::size_t> read(bytes_span room) override {
    const std::string_view part = text_.substr(0, std::min<std::size_t>(room.size(), 7));
    std::ranges::copy(as_bytes(part), room.begin());
    text_.remove_prefix(part.size());
    co_return part.size();
  }
  task<> write(bytes_view) override { return shoal::done(); }
  void close() noexcept override {}

 private:
  std::string_view text_;
};

struct told {
  asio::io_context context;
  http_link link;
  explicit told(std::string_view text)
      : link(context.get_executor(), std::make_unique<script>(text), std::chrono::hours{1},
             std::chrono::hours{1}) {}
  auto ask() { return run(context, link.ask("GET", "GET / HTTP/1.1\r\nHost: a\r\n\r\n")); }
  std::string body(const shoal::http::response_head& head) {
    const auto bytes = run(context, link.take_body(head, 100));
    return bytes ? std::string{as_text(*bytes)} : bytes.error().message();
  }
};

TEST_CASE("answers follow one another, and interim ones are skipped") {
  told t{"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"};
  const auto first = t.ask();
  REQUIRE(first.has_value());
  CHECK(first->status == 200);
  CHECK_FALSE(t.link.is_idle());
  CHECK(t.body(*first) == "hello");
  CHECK(t.link.is_idle());
  CHECK(t.ask().error() == errc::closed);
  CHECK_FALSE(t.link.has_heard());
}

TEST_CASE("a connection that says more than it was asked is not used again") {
  told t{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\n"};
  const auto head = t.ask();
  REQUIRE(head.has_value());
  CHECK(t.body(*head) == "hi");
  CHECK_FALSE(t.link.is_idle());
}

TEST_CASE("a body ends with its length, its last chunk or the stream, and has a limit") {
  told chunked{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"};
  const auto pieces = chunked.ask();
  CHECK(chunked.body(*pieces) == "abcde");
  CHECK(chunked.link.is_idle());
  told rest{"HTTP/1.1 200 OK\r\n\r\nall of it"};
  const auto all = rest.ask();
  CHECK(rest.body(*all) == "all of it");
  CHECK_FALSE(rest.link.is_idle());
  told cut{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello"};
  const auto early = cut.ask();
  CHECK(run(cut.context, cut.link.take_body(*early, 100)).error() == errc::truncated);
  const std::string much = "HTTP/1.1 200 OK\r\n\r\n" + std::string(200, 'x');
  told big{much};
  const auto huge = big.ask();
  CHECK(run(big.context, big.link.take_body(*huge, 100)).error() == errc::limit_exceeded);
  told announced{"HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n"};
  const auto claim = announced.ask();
  CHECK(run(announced.context, announced.link.take_body(*claim, 100)).error() == errc::limit_exceeded);
}

/// Says one more byte whenever it is asked, and never ends.
class trickle final : public byte_stream {
 public:
  explicit trickle(asio::io_context& context) : pause_(context) {}
  task<std::size_t> read(bytes_span room) override {
    pause_.expires_after(std::chrono::milliseconds{1});
    [[maybe_unused]] const auto waited = co_await pause_.async_wait(shoal::detail::no_throw);
    if (closed_) co_return errc::closed;
    constexpr std::string_view head = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n";
    room[0] = static_cast<std::byte>(said_ < head.size() ? head[said_] : 'x');
    ++said_;
    co_return std::size_t{1};
  }
  task<> write(bytes_view) override { return shoal::done(); }
  void close() noexcept override { closed_ = true; }

 private:
  asio::steady_timer pause_;
  std::size_t said_ = 0;
  bool closed_ = false;
};

TEST_CASE("an answer that trickles is given up in the end") {
  asio::io_context context;
  http_link link{context.get_executor(), std::make_unique<trickle>(context), std::chrono::hours{1},
                 std::chrono::milliseconds{200}};
  const auto head = run(context, link.ask("GET", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  if (!head) {
    CHECK(head.error() == errc::timed_out);
    return;
  }
  CHECK(run(context, link.take_body(*head, 2'000'000)).error() == errc::timed_out);
}

TEST_CASE("what is no answer is refused") {
  CHECK(told{"SSH-2.0-OpenSSH\r\n\r\n"}.ask().error() == errc::malformed);
  CHECK(told{"HTTP/1.1 200 OK\n\n"}.ask().error() == errc::malformed);
  CHECK(told{""}.ask().error() == errc::closed);
}

}  // namespace http_link_test
