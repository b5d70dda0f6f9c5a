// SPDX-License-Identifier: BSL-1.0
#include <shoal/libp2p/kad_provider_store.hpp>  // first: shows that the header stands alone

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <set>
#include <vector>

#include <doctest/doctest.h>

#include "kad_peers.hpp"

namespace {

using namespace std::chrono_literals;
using kad_peers::at;
using kad_peers::known;
using kad_peers::name;
using kad_peers::peer;
using shoal::libp2p::kad_peer;
using shoal::libp2p::kad_provider_store;
using shoal::libp2p::peer_id;

const kad_provider_store::clock::time_point start{};

TEST_CASE("who has said that it provides something is named, for two days") {
  kad_provider_store store;
  store.add(name(1), known(1), start);
  store.add(name(1), known(2), start + 1h);
  store.add(name(2), known(2), start + 1h);
  CHECK(store.get(name(1), 10, start + 1h) == std::vector{known(1), known(2)});
  CHECK(store.get(name(2), 10, start + 1h) == std::vector{known(2)});
  CHECK(store.get(name(3), 10, start).empty());
  CHECK(store.get(name(1), 10, start + 48h) == std::vector{known(2)});
  CHECK(store.size() == 3);
  store.expire(start + 48h);
  CHECK(store.size() == 2);
  CHECK(store.provider_count() == 1);
  store.expire(start + 49h);
  CHECK(store.size() == 0);
  CHECK(store.key_count() == 0);
  CHECK(store.provider_count() == 0);
  CHECK(store.bytes() == 0);
}

TEST_CASE("saying it again renews it, and the addresses are the latest") {
  kad_provider_store store;
  store.add(name(1), known(1), start);
  store.add(name(1), {peer(1), {at(7)}}, start + 22h);
  store.expire(start + 69h);
  CHECK(store.size() == 1);
  CHECK(store.get(name(1), 10, start + 69h) == std::vector{kad_peer{peer(1), {at(7)}}});
  store.add(name(1), {peer(1)}, start + 69h);
  CHECK(store.get(name(1), 10, start + 69h)[0].addresses == std::vector{at(7)});
}

TEST_CASE("when there are too many to name, each has its turn") {
  kad_provider_store store;
  for (std::uint32_t n = 0; n < 50; ++n) store.add(name(1), known(n), start);
  std::set<peer_id> named;
  for (int i = 0; i < 5; ++i) {
    const auto some = store.get(name(1), 10, start);
    CHECK(some.size() == 10);
    for (const kad_peer& one : some) named.insert(one.id);
  }
  CHECK(named.size() == 50);
}

TEST_CASE("one peer's flood pushes out nobody else") {
  kad_provider_store store{{.max_bytes = 100'000}};
  for (std::uint32_t n = 1; n <= 20; ++n) store.add(name(n), known(n), start);
  for (std::uint32_t i = 0; i < 2000; ++i) {
    store.add(name(1000 + i), known(99), start + 1s);
    REQUIRE(store.bytes() <= 100'000);
  }
  for (std::uint32_t n = 1; n <= 20; ++n) CHECK(store.get(name(n), 10, start).size() == 1);
  CHECK(store.size() > 100);
  CHECK(store.get(name(1000), 10, start).empty());
  CHECK(store.get(name(2999), 10, start).size() == 1);
}

TEST_CASE("a flood of peers is bounded too") {
  kad_provider_store store{{.max_bytes = 50'000}};
  for (std::uint32_t n = 0; n < 1000; ++n) store.add(name(n), known(n), start);
  CHECK(store.bytes() <= 50'000);
  CHECK(store.size() > 20);
  CHECK(store.size() == store.provider_count());
}

TEST_CASE("of one key the latest providers are kept") {
  kad_provider_store store{{.max_providers = 3}};
  for (std::uint32_t n = 1; n <= 3; ++n) store.add(name(1), known(n), start);
  store.add(name(1), known(1), start + 1s);
  store.add(name(1), known(4), start + 2s);
  CHECK(store.get(name(1), 10, start) == std::vector{known(1), known(3), known(4)});
  CHECK(store.provider_count() == 3);
}

TEST_CASE("of one provider only so many addresses are kept") {
  kad_provider_store store{{.max_addresses = 2}};
  store.add(name(1), {peer(1), {at(1), at(2), at(3)}}, start);
  CHECK(store.get(name(1), 10, start)[0].addresses == std::vector{at(1), at(2)});
}

}  // namespace
