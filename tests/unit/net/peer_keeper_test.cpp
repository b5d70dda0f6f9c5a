// SPDX-License-Identifier: BSL-1.0
#include <shoal/net/peer_keeper.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <system_error>
#include <vector>

#include <doctest/doctest.h>
#include <asio/io_context.hpp>

#include <shoal/net/swarm_host.hpp>
#include <shoal/openssl/peer_crypto.hpp>
#include <shoal/task/run.hpp>

namespace peer_keeper_test {

using namespace shoal;
using libp2p::multiaddr;
using host = net::swarm_host<openssl::peer_crypto>;
using bytes = std::vector<std::byte>;
using namespace std::chrono_literals;

openssl::ed25519_signer identity(int number) {
  return openssl::ed25519_signer{bytes(32, static_cast<std::byte>(number))};
}

multiaddr listen(host& on) {
  const auto bound = on.listen(*multiaddr::parse("/ip4/127.0.0.1/tcp/0"));
  REQUIRE(bound.has_value());
  return bound->front();
}

template <class Condition>
void run_until(asio::io_context& context, Condition met) {
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  context.restart();
  while (!met() && std::chrono::steady_clock::now() < deadline) context.run_one_for(100ms);
  REQUIRE(met());
}

struct counter final : net::swarm_observer {
  void link_up(const std::shared_ptr<net::peer_link>&) override { ++up; }
  void link_down(const std::shared_ptr<net::peer_link>&) override {}
  int up = 0;
};

TEST_CASE("a peer that is kept is dialed again when it has gone") {
  asio::io_context context;
  host a{context.get_executor(), identity(1)};
  auto b = std::make_unique<host>(context.get_executor(), identity(2));
  const multiaddr where = listen(*b);
  net::peer_keeper keeper{a};
  keeper.keep({where});
  run_until(context, [&] { return a.link_count() == 1 && a.links()[0]->round_trip(); });
  CHECK(keeper.keeps(*a.links()[0]));
  b->close();
  run_until(context, [&] { return a.link_count() == 0; });
  host again{context.get_executor(), identity(2)};
  REQUIRE(again.listen(where).has_value());
  run_until(context, [&] { return a.link_count() == 1; });
  CHECK(keeper.keeps(*a.links()[0]));
}

TEST_CASE("who is not wanted hears so, and tries again less and less often") {
  asio::io_context context;
  host a{context.get_executor(), identity(1)};
  host b{context.get_executor(), identity(2), {.admits = [](const libp2p::peer_id&) { return false; }}};
  const multiaddr where = listen(b);
  counter seen;
  a.observe(seen);
  std::vector<std::error_code> told;
  net::peer_keeper keeper{a, [&](const multiaddr&, std::error_code why) { told.push_back(why); }};
  keeper.keep({where});
  run_until(context, [&] { return told.size() == 2; });
  CHECK(told[0] == errc::closed);
  run_until(context, [&] { return a.link_count() == 0; });
  // the next attempt is left to wait
  CHECK(run(context, a.connect({where})).error() == errc::busy);
  CHECK(seen.up <= 3);
}

}  // namespace peer_keeper_test
