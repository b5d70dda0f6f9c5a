// SPDX-License-Identifier: BSL-1.0
#include <shoal/libp2p/mdns_cache.hpp>  // first: shows that the header stands alone

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace {

using namespace std::chrono_literals;
using shoal::libp2p::mdns_cache;
using shoal::libp2p::multiaddr;
using shoal::libp2p::peer_id;

const mdns_cache::clock::time_point start{};

peer_id peer(char n) {
  const std::vector<std::byte> bytes{std::byte{0}, std::byte{1}, static_cast<std::byte>(n)};
  return *peer_id::decode(bytes);
}

multiaddr at(int host) {
  return *multiaddr::parse("/ip4/10.0.0." + std::to_string(host) + "/tcp/1");
}

TEST_CASE("a peer is found once, and again when it has a new address") {
  mdns_cache cache{4, 4};
  CHECK_FALSE(cache.next_found(start));
  cache.note(peer('a'), at(1), 10s, start);
  cache.note(peer('a'), at(2), 10s, start);
  const auto found = cache.next_found(start);
  REQUIRE(found);
  CHECK(found->id == peer('a'));
  CHECK(found->addresses == std::vector{at(1), at(2)});
  cache.note(peer('a'), at(1), 10s, start);
  CHECK_FALSE(cache.next_found(start));
  cache.note(peer('a'), at(3), 10s, start);
  CHECK(cache.next_found(start)->addresses.size() == 3);
  CHECK_FALSE(cache.next_found(start));
}

TEST_CASE("what is not said again is forgotten, and then news") {
  mdns_cache cache{4, 4};
  cache.note(peer('a'), at(1), 10s, start);
  cache.note(peer('a'), at(2), 20s, start);
  CHECK(cache.peers(start + 9s).front().addresses.size() == 2);
  CHECK(cache.peers(start + 10s).front().addresses == std::vector{at(2)});
  CHECK(cache.peers(start + 20s).empty());
  CHECK_FALSE(cache.next_found(start + 20s));
  cache.note(peer('a'), at(1), 10s, start + 20s);
  CHECK(cache.next_found(start + 20s)->addresses == std::vector{at(1)});
  cache.note(peer('a'), at(1), 10s, start + 29s);
  CHECK(cache.peers(start + 38s).size() == 1);
}

TEST_CASE("a time of nothing is a goodbye") {
  mdns_cache cache{4, 4};
  cache.note(peer('a'), at(1), 0s, start);
  CHECK(cache.peers(start).empty());
  cache.note(peer('a'), at(1), 10s, start);
  cache.note(peer('a'), at(2), 10s, start);
  cache.note(peer('a'), at(1), 0s, start);
  CHECK(cache.peers(start).front().addresses == std::vector{at(2)});
  cache.note(peer('a'), at(2), 0s, start);
  CHECK(cache.peers(start).empty());
  CHECK_FALSE(cache.next_found(start));
}

TEST_CASE("when it is full, whoever would go first goes") {
  mdns_cache cache{2, 2};
  cache.note(peer('a'), at(1), 30s, start);
  cache.note(peer('b'), at(1), 10s, start);
  cache.note(peer('c'), at(1), 20s, start);
  const auto peers = cache.peers(start);
  REQUIRE(peers.size() == 2);
  CHECK(peers[0].id == peer('a'));
  CHECK(peers[1].id == peer('c'));
  cache.note(peer('a'), at(2), 10s, start);
  cache.note(peer('a'), at(3), 20s, start);
  CHECK(cache.peers(start)[0].addresses == std::vector{at(1), at(3)});
}

}  // namespace
