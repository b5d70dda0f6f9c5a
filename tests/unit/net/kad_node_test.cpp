// SPDX-License-Identifier: BSL-1.0
#include <shoal/net/kad_node.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <asio/io_context.hpp>

#include <shoal/net/swarm_host.hpp>
#include <shoal/openssl/peer_crypto.hpp>
#include <shoal/task/run.hpp>

namespace kad_node_test {

using namespace shoal;
using libp2p::kad_peer;
using libp2p::multiaddr;
using host = net::swarm_host<openssl::peer_crypto>;
using bytes = std::vector<std::byte>;

multihash name(int number) {
  const bytes digest(32, static_cast<std::byte>(number));
  return *multihash::make(hash_code::sha2_256, digest);
}

net::kad_node_options options(bool serve = true) {
  return {.realm = {libp2p::kad_network::lan, true},
          .serve = serve,
          .query = {.slow = std::chrono::milliseconds{200}, .timeout = std::chrono::seconds{2}}};
}

struct node {
  node(asio::io_context& context, int number, bool serve = true)
      : at(context.get_executor(), openssl::ed25519_signer{bytes(32, static_cast<std::byte>(number))}),
        about(at, at.public_key(), "test"),
        dht(at, about, static_cast<std::uint64_t>(number), options(serve)),
        where(*at.listen(*multiaddr::parse("/ip4/127.0.0.1/tcp/0"))) {}
  host at;
  net::identify_service about;
  net::kad_node dht;
  std::vector<multiaddr> where;
};

template <class Condition>
void run_until(asio::io_context& context, Condition met) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  context.restart();
  while (!met() && std::chrono::steady_clock::now() < deadline) {
    context.run_one_for(std::chrono::milliseconds{100});
  }
  REQUIRE(met());
}

/// Nodes that all know the first one, and have found each other.
struct fleet {
  explicit fleet(int size) {
    for (int i = 0; i < size; ++i) {
      nodes.push_back(std::make_unique<node>(context, i + 1));
      if (i == 0) continue;
      REQUIRE(run(context, nodes[static_cast<std::size_t>(i)]->at.connect(nodes[0]->where)));
    }
    run_until(context, [this, size] {
      return std::ranges::all_of(nodes, [size](const auto& each) {
        return each->dht.table().size() + 1 == static_cast<std::size_t>(size);
      });
    });
  }
  ~fleet() {
    for (const auto& each : nodes) each->at.close();
    context.restart();
    context.run_for(std::chrono::milliseconds{50});
  }
  asio::io_context context;
  std::vector<std::unique_ptr<node>> nodes;
};

bool names(const std::vector<kad_peer>& list, const node& who) {
  const auto at = std::ranges::find(list, who.at.id(), &kad_peer::id);
  return at != list.end() && std::ranges::find(at->addresses, who.where.front()) != at->addresses.end();
}

TEST_CASE("nodes find each other through one, and one's block through all") {
  fleet all{6};
  all.nodes[1]->dht.provide(name(1));
  run_until(all.context, [&] { return all.nodes[5]->dht.providers().size() == 1; });
  std::size_t told = 0;
  const net::kad_node::listener count = [&told](const kad_peer&) { ++told; };
  const auto found = run(all.context, all.nodes[4]->dht.find_providers(name(1), 20, count));
  REQUIRE(found.has_value());
  CHECK(found->size() == 1);
  CHECK(names(*found, *all.nodes[1]));
  CHECK(told >= 1);
  CHECK(run(all.context, all.nodes[4]->dht.find_providers(name(2), 20, {}))->empty());
}

TEST_CASE("providers are found when whoever announced them, and some others, are gone") {
  fleet all{5};
  const auto told = run(all.context, all.nodes[1]->dht.announce(name(1)));
  REQUIRE(told.has_value());
  CHECK(*told == 4);
  run_until(all.context, [&] { return all.nodes[2]->dht.providers().size() == 1; });
  const libp2p::peer_id gone = all.nodes[1]->at.id();
  all.nodes[1]->at.close();
  all.nodes[3]->at.close();
  const auto found = run(all.context, all.nodes[4]->dht.find_providers(name(1), 20, {}));
  REQUIRE(found.has_value());
  REQUIRE(found->size() == 1);
  CHECK(found->front().id == gone);
}

TEST_CASE("a client finds and provides, and is asked by nobody") {
  fleet all{3};
  node client{all.context, 99, false};
  REQUIRE(run(all.context, client.at.connect(all.nodes[0]->where)));
  run_until(all.context, [&] { return client.dht.table().size() == 3; });
  CHECK(*run(all.context, client.dht.announce(name(3))) == 3);
  run_until(all.context, [&] { return all.nodes[2]->dht.providers().size() == 1; });
  CHECK(names(*run(all.context, all.nodes[1]->dht.find_providers(name(3), 20, {})), client));
  for (const auto& each : all.nodes) CHECK(each->dht.table().size() == 2);
  client.at.close();
}

TEST_CASE("a peer is found by its id") {
  fleet all{4};
  const auto found = run(all.context, all.nodes[1]->dht.find_peer(all.nodes[3]->at.id()));
  REQUIRE(found.has_value());
  CHECK(std::ranges::find(*found, all.nodes[3]->where.front()) != found->end());
  const libp2p::peer_id nobody =
      *libp2p::peer_id::parse("12D3KooWRawPbxPtP1eZaJpumGnyWX2DcUyd3RQnydr3eAto4Az7");
  CHECK(run(all.context, all.nodes[1]->dht.find_peer(nobody)).error() == errc::not_found);
}

TEST_CASE("alone one finds nobody, and is told so at once") {
  asio::io_context context;
  node one{context, 1};
  CHECK(run(context, one.dht.find_providers(name(1), 20, {}))->empty());
  CHECK(*run(context, one.dht.announce(name(1))) == 0);
}

}  // namespace kad_node_test
