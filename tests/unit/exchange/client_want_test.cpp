// SPDX-License-Identifier: BSL-1.0
#include <shoal/exchange/client_want.hpp>  // first: shows that the header stands alone

#include <chrono>

#include <doctest/doctest.h>

#include "blocks.hpp"

namespace {

using namespace shoal::exchange;
using namespace std::chrono_literals;

ask asked(std::uint32_t peer, standing now) {
  ask a;
  a.peer = peer_handle{peer};
  a.now = now;
  return a;
}

TEST_CASE("who is late still counts as a copy, but not as fetching") {
  client_want w;
  CHECK_FALSE(w.has_copy());
  w.asks = {asked(1, standing::probed), asked(2, standing::late)};
  CHECK(w.has_copy());
  CHECK_FALSE(w.is_fetching());
  w.asks.push_back(asked(3, standing::fetching));
  CHECK(w.is_fetching());
}

TEST_CASE("of too many copies the first late one goes") {
  client_want w;
  w.asks = {asked(1, standing::fetching), asked(2, standing::late), asked(3, standing::late)};
  CHECK(w.surplus_copy(4) == nullptr);
  REQUIRE(w.surplus_copy(3) != nullptr);
  CHECK(w.surplus_copy(3)->peer == peer_handle{2});
  w.asks = {asked(1, standing::fetching)};
  CHECK(w.surplus_copy(1) == nullptr);
}

TEST_CASE("who has been asked is found") {
  client_want w;
  w.asks = {asked(1, standing::probed), asked(2, standing::late)};
  REQUIRE(w.find(peer_handle{2}) != nullptr);
  CHECK(w.find(peer_handle{2})->now == standing::late);
  CHECK(w.find(peer_handle{3}) == nullptr);
}

TEST_CASE("those who have been asked stand in order, each once") {
  client_want w;
  for (const std::uint32_t peer : {5u, 2u, 9u, 2u, 5u}) ++w.obtain(peer_handle{peer}).failures;
  REQUIRE(w.asks.size() == 3);
  CHECK(w.asks[0].peer == peer_handle{2});
  CHECK(w.asks[1].peer == peer_handle{5});
  CHECK(w.asks[2].peer == peer_handle{9});
  CHECK(w.asks[0].failures == 2);
}

TEST_CASE("the first of those who fetch says when the want is late") {
  client_want w;
  w.asks = {asked(1, standing::fetching), asked(2, standing::late), asked(3, standing::fetching)};
  w.asks[0].until = instant{} + 3s;
  w.asks[1].until = instant{} + 1s;
  w.asks[2].until = instant{} + 2s;
  CHECK(w.first_late() == instant{} + 2s);
  w.asks.resize(2);
  CHECK(w.first_late() == instant{} + 3s);
  w.asks[0].now = standing::late;
  CHECK_FALSE(w.first_late());
}

TEST_CASE("a want says its priority and asks for a no") {
  client_want w;
  w.id = blocks::name(1);
  w.how.priority = 12;
  const want_entry e = w.entry(want_type::have);
  CHECK(e.id == w.id);
  CHECK(e.priority == 12);
  CHECK(e.type == want_type::have);
  CHECK(e.send_dont_have);
  CHECK_FALSE(e.cancel);
}

TEST_CASE("what a reader waits for travels with a priority above all prefetches") {
  client_want w;
  w.how = {.priority = 12, .urgent = true};
  CHECK(w.entry(want_type::block).priority == want_options::urgent_priority);
  w.how.priority = want_options::urgent_priority + 5;
  CHECK(w.entry(want_type::block).priority == want_options::urgent_priority + 5);
}

TEST_CASE("retries come less and less often") {
  client_want w;
  for (const duration expected : {1s, 2s, 4s, 8s, 16s, 30s, 30s}) CHECK(w.next_retry() == expected);
}

}  // namespace
