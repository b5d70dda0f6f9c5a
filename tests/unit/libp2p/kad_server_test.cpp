// SPDX-License-Identifier: BSL-1.0
#include <shoal/libp2p/kad_server.hpp>  // first: shows that the header stands alone

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/libp2p/kad_message.hpp>

#include "kad_peers.hpp"

namespace {

using namespace shoal::libp2p;
using kad_peers::at;
using kad_peers::known;
using kad_peers::name;
using kad_peers::peer;
using shoal::errc;

const kad_server::clock::time_point start{};

/// A server, peer 0, that knows peers 1 to 30.
struct node {
  kad_table table{peer(0)};
  kad_provider_store providers;
  kad_republisher own;
  kad_server server{peer(0), {}, table, providers, own};

  node() {
    server.set_addresses({at(0), *multiaddr::parse("/ip4/127.0.0.1/tcp/1")});
    for (std::uint32_t n = 1; n <= 30; ++n) table.seen(peer(n), std::vector{at(n)}, start);
  }
  kad_message ask(std::uint32_t from, const kad_message& message) {
    const auto said = server.answer(peer(from), message, start);
    REQUIRE(said);
    REQUIRE(*said);
    return **said;
  }
  shoal::result<std::optional<kad_message>> tell(std::uint32_t from, kad_peer who, std::vector<std::byte> key) {
    kad_message message{.type = kad_type::add_provider, .key = std::move(key)};
    message.providers.push_back(std::move(who));
    return server.answer(peer(from), message, start);
  }
};

std::vector<std::byte> id_bytes(std::uint32_t n) {
  const peer_id id = peer(n);
  return {id.bytes().begin(), id.bytes().end()};
}

bool names(const std::vector<kad_peer>& list, std::uint32_t n) {
  return std::ranges::find(list, peer(n), &kad_peer::id) != list.end();
}

TEST_CASE("the closest peers are named, but not the one that asks") {
  node n;
  const kad_message reply = n.ask(7, {.type = kad_type::find_node, .key = bytes_of(name(1))});
  CHECK(reply.type == kad_type::find_node);
  CHECK(reply.closer.size() == kad_server::max_closer);
  CHECK_FALSE(names(reply.closer, 7));
  auto expected = n.table.closest(kad_key::of(name(1)), 21);
  std::erase_if(expected, [](const kad_peer& p) { return p.id == peer(7); });
  expected.resize(kad_server::max_closer);
  CHECK(reply.closer == expected);
}

TEST_CASE("who looks for a peer by its id finds it first, and be it the server or itself") {
  node n;
  const kad_message self = n.ask(7, {.type = kad_type::find_node, .key = id_bytes(0)});
  CHECK(self.closer.front() == known(0));
  CHECK(self.closer.size() == kad_server::max_closer + 1);
  CHECK(n.ask(7, {.type = kad_type::find_node, .key = id_bytes(7)}).closer.front() == known(7));
  CHECK(n.ask(8, {.type = kad_type::find_node, .key = id_bytes(7)}).closer.front() == known(7));
}

TEST_CASE("a peer that is alone finds itself with its server") {
  kad_table table{peer(0)};
  kad_provider_store providers;
  const kad_republisher own;
  kad_server server{peer(0), {}, table, providers, own};
  server.set_addresses({at(0)});
  const auto reply = server.answer(peer(1), {.type = kad_type::find_node, .key = id_bytes(0)}, start);
  REQUIRE(reply);
  CHECK((*reply)->closer == std::vector{known(0)});
}

TEST_CASE("a provider is remembered with the addresses that it tells, and named") {
  node n;
  const auto said =
      n.tell(40, {peer(40), {at(40), *multiaddr::parse("/ip4/127.0.0.1/tcp/1")}}, bytes_of(name(1)));
  REQUIRE(said);
  CHECK_FALSE(*said);
  const kad_message reply = n.ask(7, {.type = kad_type::get_providers, .key = bytes_of(name(1))});
  CHECK(reply.type == kad_type::get_providers);
  CHECK(reply.key == bytes_of(name(1)));
  CHECK(reply.providers == std::vector{known(40)});
  CHECK(reply.closer.size() == kad_server::max_closer);
  CHECK(n.ask(7, {.type = kad_type::get_providers, .key = bytes_of(name(2))}).providers.empty());
}

TEST_CASE("a provider that tells no address is named with those that are known") {
  node n;
  REQUIRE(n.tell(5, {peer(5)}, bytes_of(name(1))));
  REQUIRE(n.tell(40, {peer(40)}, bytes_of(name(1))));
  const kad_message reply = n.ask(7, {.type = kad_type::get_providers, .key = bytes_of(name(1))});
  CHECK(reply.providers == std::vector<kad_peer>{known(5), {peer(40)}});
}

TEST_CASE("nobody can announce somebody else") {
  node n;
  CHECK(n.tell(40, known(41), bytes_of(name(1))).error() == errc::invalid_argument);
  CHECK(n.server.answer(peer(40), {.type = kad_type::add_provider, .key = bytes_of(name(1))}, start).error() ==
        errc::invalid_argument);
  CHECK(n.providers.size() == 0);
  kad_message both{.type = kad_type::add_provider, .key = bytes_of(name(1))};
  both.providers = {known(41), known(40)};
  CHECK(n.server.answer(peer(40), both, start));
  CHECK(n.providers.get(name(1), 10, start) == std::vector{known(40)});
}

TEST_CASE("keys of blocks are multihashes") {
  node n;
  CHECK_FALSE(n.tell(40, known(40), {std::byte{0x12}}));
  std::vector<std::byte> longer = bytes_of(name(1));
  longer.push_back(std::byte{0});
  CHECK(n.tell(40, known(40), longer).error() == errc::malformed);
  CHECK(n.server.answer(peer(1), {.type = kad_type::get_providers, .key = longer}, start).error() ==
        errc::malformed);
  for (const kad_type type :
       {kad_type::get_value, kad_type::add_provider, kad_type::get_providers, kad_type::find_node}) {
    CHECK(n.server.answer(peer(1), {.type = type}, start).error() == errc::malformed);
  }
}

TEST_CASE("what we provide ourselves is named first") {
  node n;
  n.own.add(name(1), start);
  REQUIRE(n.tell(40, known(40), bytes_of(name(1))));
  const kad_message reply = n.ask(7, {.type = kad_type::get_providers, .key = bytes_of(name(1))});
  CHECK(reply.providers == std::vector{known(0), known(40)});
}

TEST_CASE("an answer is bounded") {
  node n;
  for (std::uint32_t i = 100; i < 400; ++i) REQUIRE(n.tell(i, known(i), bytes_of(name(1))));
  n.own.add(name(1), start);
  const kad_message reply = n.ask(7, {.type = kad_type::get_providers, .key = bytes_of(name(1))});
  CHECK(reply.providers.size() == kad_server::max_providers);
  CHECK(*kad_message::decode(reply.encode()) == reply);
}

TEST_CASE("records are neither given nor taken") {
  node n;
  const kad_message reply = n.ask(7, {.type = kad_type::get_value, .key = bytes_of(name(1))});
  CHECK(reply.type == kad_type::get_value);
  CHECK(reply.closer.size() == kad_server::max_closer);
  CHECK(n.server.answer(peer(7), {.type = kad_type::put_value, .key = bytes_of(name(1))}, start).error() ==
        errc::unsupported);
}

TEST_CASE("a ping comes back without what was put into it") {
  node n;
  kad_message ping{.type = kad_type::ping, .key = {std::byte{1}}};
  ping.closer = {known(1)};
  CHECK(n.ask(7, ping) == kad_message{.type = kad_type::ping});
}

}  // namespace
