// SPDX-License-Identifier: BSL-1.0
#include <shoal/libp2p/kad_table.hpp>  // first: shows that the header stands alone

#include <algorithm>
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
using kad_peers::peer;
using shoal::libp2p::kad_key;
using shoal::libp2p::kad_peer;
using shoal::libp2p::kad_table;
using shoal::libp2p::multiaddr;
using outcome = kad_table::outcome;

const kad_table::clock::time_point start{};

outcome see(kad_table& table, std::uint32_t n, kad_table::clock::time_point now = start) {
  return table.seen(peer(n), std::vector{at(n)}, now);
}

kad_key key(std::uint32_t n) {
  return kad_key::of(peer(n).bytes());
}

TEST_CASE("the closest peers come in order, and only as many as asked for") {
  kad_table table{peer(0)};
  std::vector<std::uint32_t> in;
  for (std::uint32_t n = 1; n <= 100; ++n) {
    if (see(table, n) == outcome::added) in.push_back(n);
  }
  CHECK(table.size() == in.size());
  const kad_key target = kad_key::of(kad_peers::name(5));
  std::ranges::sort(in, {}, [&](std::uint32_t n) { return key(n) ^ target; });
  const auto found = table.closest(target, 20);
  REQUIRE(found.size() == 20);
  for (std::size_t i = 0; i < found.size(); ++i) CHECK(found[i] == kad_peers::known(in[i]));
  CHECK(table.closest(target, 1000).size() == table.size());
}

TEST_CASE("neither we nor those who are nowhere are in our table") {
  kad_table table{peer(0)};
  CHECK(table.seen(peer(1), {}, start) == outcome::refused);
  CHECK(see(table, 0) == outcome::refused);
  CHECK(table.size() == 0);
  CHECK(table.closest(kad_key{}, 20).empty());
}

TEST_CASE("newcomers to a full bucket are refused until somebody fails") {
  kad_table table{peer(0), {.bucket_size = 3}};
  std::vector<std::uint32_t> far;
  for (std::uint32_t n = 1; far.size() < 5; ++n) {
    if (common_prefix(key(0), key(n)) == 0) far.push_back(n);
  }
  for (std::size_t i = 0; i < 3; ++i) CHECK(see(table, far[i]) == outcome::added);
  CHECK(see(table, far[3]) == outcome::refused);
  table.failed(peer(far[1]), start);
  CHECK(see(table, far[3]) == outcome::added);
  CHECK_FALSE(table.contains(peer(far[1])));
  CHECK(table.contains(peer(far[0])));
  CHECK(see(table, far[4]) == outcome::refused);
  CHECK(table.size() == 3);
}

TEST_CASE("who fails is not told until it is seen again, and is forgotten when it fails for good") {
  kad_table table{peer(0)};
  see(table, 1);
  see(table, 2);
  table.failed(peer(1), start);
  CHECK(table.closest(kad_key{}, 20) == std::vector{kad_peers::known(2)});
  CHECK(see(table, 1) == outcome::renewed);
  CHECK(table.closest(kad_key{}, 20).size() == 2);
  for (const auto after : {0s, 1s, 30s, 59s}) table.failed(peer(1), start + after);
  CHECK(table.contains(peer(1)));
  table.failed(peer(1), start + 60s);
  CHECK_FALSE(table.contains(peer(1)));
  table.failed(peer(1), start + 90s);
  table.remove(peer(2));
  table.remove(peer(2));
  CHECK(table.size() == 0);
}

TEST_CASE("when all have failed they are better than nobody") {
  kad_table table{peer(0)};
  see(table, 1);
  see(table, 2);
  table.failed(peer(1), start);
  table.failed(peer(2), start);
  CHECK(table.closest(kad_key{}, 20).size() == 2);
}

TEST_CASE("new addresses replace old ones, none do not") {
  kad_table table{peer(0)};
  see(table, 1);
  table.seen(peer(1), {}, start);
  CHECK(table.closest(kad_key{}, 1)[0].addresses == std::vector{at(1)});
  table.seen(peer(1), std::vector{at(2), at(3)}, start);
  CHECK(table.closest(kad_key{}, 1)[0].addresses == std::vector{at(2), at(3)});
  CHECK(table.addresses_of(peer(1)) == std::vector{at(2), at(3)});
  CHECK(table.addresses_of(peer(2)).empty());
}

TEST_CASE("a silent peer is asked whether it lives, once in a while") {
  kad_table table{peer(0), {.check_after = 60s}};
  CHECK_FALSE(table.next_deadline());
  see(table, 1);
  see(table, 2, start + 30s);
  CHECK_FALSE(table.next_check(start + 59s));
  CHECK(table.next_check(start + 60s) == kad_peers::known(1));
  CHECK_FALSE(table.next_check(start + 60s));
  see(table, 2, start + 80s);
  CHECK_FALSE(table.next_check(start + 119s));
  CHECK(table.next_check(start + 120s) == kad_peers::known(1));
}

TEST_CASE("a round of refreshing looks into each bucket, and for ourselves") {
  kad_table table{peer(0)};
  CHECK_FALSE(table.next_refresh(start, 1));
  std::size_t deepest = 0;
  for (std::uint32_t n = 1; n <= 40; ++n) {
    see(table, n);
    deepest = std::max(deepest, common_prefix(key(0), key(n)));
  }
  CHECK(*table.next_deadline() <= start);
  std::set<std::size_t> buckets;
  for (std::size_t i = 0; i <= deepest; ++i) {
    const auto name = table.next_refresh(start, i);
    REQUIRE(name);
    buckets.insert(common_prefix(key(0), kad_key::of(*name)));
  }
  CHECK_FALSE(table.next_refresh(start, 1));
  CHECK(buckets.size() == deepest + 1);
  CHECK(buckets.contains(kad_key::bits));
  CHECK_FALSE(buckets.contains(deepest));
  CHECK(table.next_deadline() == start + 600s);
  CHECK_FALSE(table.next_refresh(start + 599s, 1));
  CHECK(table.next_refresh(start + 600s, 1));
}

}  // namespace
