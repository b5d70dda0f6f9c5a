// SPDX-License-Identifier: BSL-1.0
#include <shoal/net/identify_service.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <asio/io_context.hpp>

#include <shoal/net/ping_service.hpp>
#include <shoal/net/swarm_host.hpp>
#include <shoal/openssl/peer_crypto.hpp>
#include <shoal/task/run.hpp>

namespace identify_service_test {

using namespace shoal;
using libp2p::multiaddr;
using host = net::swarm_host<openssl::peer_crypto>;
using bytes = std::vector<std::byte>;

openssl::ed25519_signer identity(int number) {
  return openssl::ed25519_signer{bytes(32, static_cast<std::byte>(number))};
}

template <class Condition>
void run_until(asio::io_context& context, Condition met) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  context.restart();
  while (!met() && std::chrono::steady_clock::now() < deadline) {
    context.run_one_for(std::chrono::milliseconds{100});
  }
  REQUIRE(met());
}

TEST_CASE("peers tell each other who they are, what they speak and where they see each other") {
  asio::io_context context;
  host a{context.get_executor(), identity(1)};
  host b{context.get_executor(), identity(2)};
  net::identify_service about_a{a, a.public_key(), "a/1"};
  net::identify_service about_b{b, b.public_key(), "b/1"};
  const net::ping_service pings{b};
  const auto where = b.listen(*multiaddr::parse("/ip4/127.0.0.1/tcp/0"));
  const auto link = run(context, a.connect(*where));
  REQUIRE(link.has_value());
  run_until(context, [&] { return about_a.about(b.id()) != nullptr && about_b.about(a.id()) != nullptr; });
  const libp2p::identify_message& said = *about_a.about(b.id());
  CHECK(said.agent_version == "b/1");
  CHECK(said.speaks(libp2p::ping_protocol));
  CHECK(said.listen_addresses == *where);
  CHECK(said.observed_address.has_value());

  int heard = 0;
  about_a.on_identified([&](const auto&, const libp2p::identify_message& news) {
    ++heard;
    CHECK(news.speaks("/new/1.0.0"));
  });
  b.handle("/new/1.0.0", [](const auto&, auto) { return nullptr; });
  about_b.push();
  run_until(context, [&] { return heard == 1; });
}

TEST_CASE("a ping measures the way to a peer, and says so when nobody answers") {
  asio::io_context context;
  host a{context.get_executor(), identity(1)};
  host b{context.get_executor(), identity(2)};
  host c{context.get_executor(), identity(3)};
  const net::ping_service pings{b};
  const auto at_b = b.listen(*multiaddr::parse("/ip4/127.0.0.1/tcp/0"));
  const auto at_c = c.listen(*multiaddr::parse("/ip4/127.0.0.1/tcp/0"));
  const auto to_b = run(context, a.connect(*at_b));
  const auto to_c = run(context, a.connect(*at_c));
  REQUIRE(to_b.has_value());
  REQUIRE(to_c.has_value());
  const std::array<std::byte, libp2p::ping_size> random{std::byte{1}, std::byte{2}};
  const auto took = run(context, net::ping(*to_b, random, std::chrono::seconds{10}));
  REQUIRE(took.has_value());
  CHECK(took->count() > 0);
  CHECK(run(context, net::ping(*to_c, random, std::chrono::seconds{10})).error() == errc::unsupported);
}

}  // namespace identify_service_test
