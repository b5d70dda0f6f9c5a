// SPDX-License-Identifier: BSL-1.0
#include <shoal/libp2p/kad_candidates.hpp>  // first: shows that the header stands alone

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include <doctest/doctest.h>

#include "kad_peers.hpp"

namespace {

using kad_peers::at;
using kad_peers::known;
using kad_peers::name;
using kad_peers::peer;
using shoal::libp2p::kad_candidate;
using shoal::libp2p::kad_candidates;
using shoal::libp2p::kad_key;
using stage = kad_candidate::stage;

bool waits(const kad_candidate& c) {
  return c.at == stage::known;
}

std::size_t waiting(const kad_candidates& all) {
  std::size_t count = 0;
  all.each([&](const kad_candidate& c) { count += waits(c) ? 1u : 0u; });
  return count;
}

TEST_CASE("the closest come first, failed ones not at all") {
  kad_candidates all{kad_key::of(name(1))};
  for (std::uint32_t n = 1; n <= 9; ++n) all.hear_of(known(n), std::nullopt);
  std::vector<kad_key> distances;
  all.each([&](const kad_candidate& c) { distances.push_back(all.distance(c.who.id)); });
  CHECK(std::ranges::is_sorted(distances));
  kad_candidate* const first = all.among_closest(1, waits);
  REQUIRE(first != nullptr);
  CHECK(all.distance(first->who.id) == distances[0]);
  all.failed(*first);
  kad_candidate* const second = all.among_closest(1, waits);
  REQUIRE(second != nullptr);
  CHECK(all.distance(second->who.id) == distances[1]);
  second->at = stage::running;
  CHECK(all.among_closest(1, waits) == nullptr);
  CHECK(all.among_closest(2, waits) != nullptr);
  CHECK(all.find(peer(10)) == nullptr);
  CHECK(all.find(second->who.id) == second);
}

TEST_CASE("who names only the failing is not believed, until one of them answers") {
  kad_candidates all{kad_key::of(name(1))};
  all.hear_of(known(1), std::nullopt);
  all.answered(*all.find(peer(1)));
  const kad_key liar = all.distance(peer(1));
  for (std::uint32_t n = 10; n < 30; ++n) all.hear_of(known(n), liar);
  for (std::uint32_t n = 10; n < 14; ++n) all.failed(*all.find(peer(n)));
  CHECK(all.among_closest(100, waits) != nullptr);
  all.failed(*all.find(peer(14)));
  CHECK(all.among_closest(100, waits) == nullptr);
  all.answered(*all.find(peer(15)));
  CHECK(all.among_closest(100, waits) != nullptr);
}

TEST_CASE("a word of somebody else lifts the doubt") {
  kad_candidates all{kad_key::of(name(1))};
  for (std::uint32_t n = 1; n <= 2; ++n) {
    all.hear_of(known(n), std::nullopt);
    all.answered(*all.find(peer(n)));
  }
  for (std::uint32_t n = 10; n < 20; ++n) all.hear_of(known(n), all.distance(peer(1)));
  for (std::uint32_t n = 10; n < 15; ++n) all.failed(*all.find(peer(n)));
  REQUIRE(all.among_closest(100, waits) == nullptr);
  all.hear_of(known(17), all.distance(peer(2)));
  CHECK(all.among_closest(100, waits) == all.find(peer(17)));
}

TEST_CASE("who has failed is tried once more, at a new address") {
  kad_candidates all{kad_key::of(name(1))};
  all.hear_of(known(1), std::nullopt);
  all.failed(*all.find(peer(1)));
  all.hear_of(known(1), std::nullopt);
  CHECK(all.among_closest(9, waits) == nullptr);
  all.hear_of({peer(1), {at(2)}}, std::nullopt);
  CHECK(all.among_closest(9, waits) == all.find(peer(1)));
  CHECK(all.find(peer(1))->who.addresses == std::vector{at(1), at(2)});
  all.failed(*all.find(peer(1)));
  all.hear_of({peer(1), {at(3)}}, std::nullopt);
  CHECK(all.among_closest(9, waits) == nullptr);
}

TEST_CASE("how many wait is bounded, and the doubtful and the far make room") {
  kad_candidates all{kad_key::of(name(1))};
  all.hear_of(known(1), std::nullopt);
  all.answered(*all.find(peer(1)));
  for (std::uint32_t n = 10; n < 40; ++n) all.hear_of(known(n), all.distance(peer(1)));
  for (std::uint32_t n = 10; n < 15; ++n) all.failed(*all.find(peer(n)));
  for (std::uint32_t n = 1000; waiting(all) < kad_candidates::max_waiting; ++n)
    all.hear_of(known(n), std::nullopt);
  for (std::uint32_t n = 5000; n < 5025; ++n) all.hear_of(known(n), std::nullopt);
  CHECK(waiting(all) == kad_candidates::max_waiting);
  for (std::uint32_t n = 15; n < 40; ++n) CHECK(all.find(peer(n)) == nullptr);
  for (std::uint32_t n = 5000; n < 5025; ++n) CHECK(all.find(peer(n)) != nullptr);
  std::optional<kad_key> farthest;
  all.each([&](const kad_candidate& c) {
    if (waits(c)) farthest = all.distance(c.who.id);
  });
  for (std::uint32_t n = 6000; n < 6100; ++n) all.hear_of(known(n), std::nullopt);
  CHECK(waiting(all) == kad_candidates::max_waiting);
  all.each([&](const kad_candidate& c) {
    if (waits(c)) CHECK(all.distance(c.who.id) < *farthest);
  });
  CHECK(all.find(peer(1)) != nullptr);
}

}  // namespace
