// SPDX-License-Identifier: BSL-1.0
#include <shoal/net/swarm_host.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include <shoal/libp2p/noise_error.hpp>
#include <shoal/openssl/peer_crypto.hpp>
#include <shoal/task/run.hpp>

namespace swarm_host_test {

using namespace shoal;
using libp2p::multiaddr;
using net::peer_link;
using host = net::swarm_host<openssl::peer_crypto>;
using bytes = std::vector<std::byte>;

openssl::ed25519_signer identity(int number) {
  return openssl::ed25519_signer{bytes(32, static_cast<std::byte>(number))};
}

multiaddr anywhere(std::string_view ip = "/ip4/127.0.0.1") {
  return *multiaddr::parse(std::string{ip} + "/tcp/0");
}

/// Sends back what comes, and ends when the peer does.
class echo : public net::stream_user {
 public:
  echo(std::shared_ptr<peer_link> link, libp2p::stream_id stream) : link_(std::move(link)), stream_(stream) {}
  void data(bytes_view in) override { (void)link_->write(stream_, share({in.begin(), in.end()})); }
  void finished() override { link_->finish(stream_); }

 private:
  std::shared_ptr<peer_link> link_;
  libp2p::stream_id stream_;
};

struct listener : net::stream_user {
  void data(bytes_view in) override { heard.insert(heard.end(), in.begin(), in.end()); }
  void finished() override { ended = true; }
  void gone(std::error_code e) override {
    over = true;
    why = e;
  }
  bytes heard;
  bool ended = false;
  bool over = false;
  std::error_code why;
};

struct counter : net::swarm_observer {
  void link_up(const std::shared_ptr<peer_link>&) override { ++up; }
  void link_down(const std::shared_ptr<peer_link>&) override { ++down; }
  int up = 0;
  int down = 0;
};

template <class Condition>
void run_until(asio::io_context& context, Condition met) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  context.restart();
  while (!met() && std::chrono::steady_clock::now() < deadline)
    context.run_one_for(std::chrono::milliseconds{100});
  REQUIRE(met());
}

void handle_echo(host& at) {
  at.handle("/echo", [](const auto& link, auto stream) { return std::make_shared<echo>(link, stream); });
}

TEST_CASE("two hosts meet over TCP and carry a megabyte there and back") {
  for (const std::string_view ip : {"/ip4/127.0.0.1", "/ip6/::1"}) {
    asio::io_context context;
    host a{context.get_executor(), identity(1)};
    host b{context.get_executor(), identity(2)};
    handle_echo(b);
    const auto where = b.listen(anywhere(ip));
    if (!where && ip == "/ip6/::1") {
      MESSAGE("SKIP: no IPv6 here");
      continue;
    }
    REQUIRE(where.has_value());
    std::vector<multiaddr> addresses{net::with_peer(where->front(), b.id())};
    const auto link = run(context, a.connect(addresses));
    REQUIRE(link.has_value());
    CHECK((*link)->peer() == b.id());
    CHECK((*link)->dialed());
    const auto again = run(context, a.connect(addresses));
    REQUIRE(again.has_value());
    CHECK(*again == *link);

    const auto user = std::make_shared<listener>();
    const auto stream = (*link)->open("/echo", user);
    REQUIRE(stream.has_value());
    bytes said(1u << 20);
    for (std::size_t i = 0; i < said.size(); ++i) said[i] = static_cast<std::byte>(i * 7 >> 4);
    REQUIRE((*link)->write(*stream, share(bytes{said})));
    (*link)->finish(*stream);
    run_until(context, [&] { return user->ended; });
    CHECK(user->heard == said);
    CHECK((*link)->round_trip().has_value());
    a.close();
    b.close();
    context.restart();
    context.run_for(std::chrono::seconds{5});
    CHECK(context.stopped());
  }
}

TEST_CASE("streams for unknown protocols are refused") {
  asio::io_context context;
  host a{context.get_executor(), identity(1)};
  host b{context.get_executor(), identity(2)};
  const auto where = b.listen(anywhere());
  const auto link = run(context, a.connect(*where));
  REQUIRE(link.has_value());
  const auto user = std::make_shared<listener>();
  REQUIRE((*link)->open("/unheard-of", user).has_value());
  run_until(context, [&] { return user->over; });
  CHECK(user->why == errc::unsupported);
}

TEST_CASE("who is not who was expected, or not on the list, is not connected with") {
  asio::io_context context;
  host a{context.get_executor(), identity(1)};
  host b{context.get_executor(), identity(2), {.admits = [](const libp2p::peer_id&) { return false; }}};
  host c{context.get_executor(), identity(3)};
  counter seen;
  b.observe(seen);
  const auto at_b = b.listen(anywhere());
  const auto at_c = c.listen(anywhere());
  std::vector<multiaddr> wrong{net::with_peer(at_c->front(), b.id())};
  CHECK(run(context, a.connect(wrong)).error() == libp2p::noise_errc::unwanted_peer);
  const auto link = run(context, a.connect(*at_b));
  // the dialer is done before the listener has seen who it is
  if (link) run_until(context, [&] { return a.link_count() == 0; });
  CHECK(seen.up == 0);
  CHECK(b.link_count() == 0);
}

TEST_CASE("a private network keeps out who has no key or another one") {
  libp2p::swarm_key one;
  one.bytes = secret<32>{bytes(32, std::byte{1})};
  libp2p::swarm_key other;
  other.bytes = secret<32>{bytes(32, std::byte{2})};
  asio::io_context context;
  const net::link_times quick{.upgrade = std::chrono::seconds{1}};
  host a{context.get_executor(), identity(1), {.times = quick, .network = one}};
  host b{context.get_executor(), identity(2), {.times = quick, .network = one}};
  host c{context.get_executor(), identity(3), {.times = quick, .network = other}};
  host d{context.get_executor(), identity(4), {.times = quick}};
  const auto where = b.listen(anywhere());
  CHECK(run(context, a.connect(*where)).has_value());
  CHECK_FALSE(run(context, c.connect(*where)).has_value());
  CHECK_FALSE(run(context, d.connect(*where)).has_value());
  CHECK(b.link_count() == 1);
}

TEST_CASE("an address where nobody answers fails, is left alone for a while, and another one is taken") {
  asio::io_context context;
  host a{context.get_executor(), identity(1)};
  host b{context.get_executor(), identity(2)};
  const auto where = b.listen(anywhere());
  std::vector<multiaddr> dead{*multiaddr::parse("/ip4/127.0.0.1/tcp/1")};
  CHECK(run(context, a.connect(dead)).error() == std::errc::connection_refused);
  CHECK(run(context, a.connect(dead)).error() == errc::busy);
  std::vector<multiaddr> both{dead.front(), *multiaddr::parse("/ip4/127.0.0.1/udp/1/quic-v1"), where->front()};
  CHECK(run(context, a.connect(both)).has_value());
  std::vector<multiaddr> none;
  CHECK(run(context, a.connect(none)).error() == errc::invalid_argument);
  std::vector<multiaddr> strange{*multiaddr::parse("/ip4/127.0.0.1/udp/1/quic-v1")};
  CHECK(run(context, a.connect(strange)).error() == errc::unsupported);
}

TEST_CASE("when a peer goes, everybody who used its streams hears so") {
  asio::io_context context;
  host a{context.get_executor(), identity(1)};
  auto b = std::make_unique<host>(context.get_executor(), identity(2));
  handle_echo(*b);
  counter seen;
  a.observe(seen);
  const auto where = b->listen(anywhere());
  const auto link = run(context, a.connect(*where));
  REQUIRE(link.has_value());
  const auto user = std::make_shared<listener>();
  REQUIRE((*link)->open("/echo", user).has_value());
  b->close();
  run_until(context, [&] { return user->over; });
  CHECK(user->why);
  CHECK(seen.up == 1);
  CHECK(seen.down == 1);
  CHECK_FALSE((*link)->is_open());
  CHECK((*link)->open("/echo", user).error() == errc::closed);
  CHECK(a.link(b->id()) == nullptr);
}

TEST_CASE("strangers who say nothing are bounded in number and in time") {
  asio::io_context context;
  host b{
      context.get_executor(), identity(2), {.max_strangers = 3, .times = {.upgrade = std::chrono::seconds{1}}}};
  const auto where = b.listen(anywhere());
  const auto port = net::tcp_address::of(where->front())->port;
  std::vector<asio::ip::tcp::socket> silent;
  for (int i = 0; i < 6; ++i) {
    silent.emplace_back(context).connect({asio::ip::address_v4::loopback(), port});
  }
  host a{context.get_executor(), identity(1)};
  CHECK(run(context, a.connect(*where)).has_value());
  const auto closed = [&] {
    int count = 0;
    for (auto& socket : silent) {
      char c = 0;
      socket.native_non_blocking(true);
      // whoever was greeted has bytes to read first
      ssize_t n = 1;
      while (n > 0) n = ::recv(socket.native_handle(), &c, 1, MSG_DONTWAIT);
      count += n == 0 || errno != EAGAIN ? 1 : 0;
    }
    return count;
  };
  run_until(context, [&] { return closed() >= 3; });
  run_until(context, [&] { return closed() == 6; });
  CHECK(b.link_count() == 1);
}

TEST_CASE("a host does not connect with itself") {
  asio::io_context context;
  host a{context.get_executor(), identity(1)};
  const auto where = a.listen(anywhere());
  CHECK_FALSE(run(context, a.connect(*where)).has_value());
  std::vector<multiaddr> named{net::with_peer(where->front(), a.id())};
  CHECK(run(context, a.connect(named)).error() == errc::invalid_argument);
}

}  // namespace swarm_host_test
