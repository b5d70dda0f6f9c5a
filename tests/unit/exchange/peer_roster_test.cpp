// SPDX-License-Identifier: BSL-1.0
#include <shoal/exchange/peer_roster.hpp>  // first: shows that the header stands alone

#include <doctest/doctest.h>

#include "blocks.hpp"

namespace {

using namespace shoal::exchange;

constexpr peer_handle alice{1};
constexpr peer_handle bob{2};

TEST_CASE("messages leave for those to whom something was posted, the first of them first") {
  peer_roster roster;
  roster.add(alice, 0);
  roster.add(bob, 1);
  CHECK_FALSE(roster.next_message());
  roster.post(bob, {.id = blocks::name(1)});
  roster.post(alice, {.id = blocks::name(2)});
  roster.post(bob, {.id = blocks::name(3)});
  const auto first = roster.next_message();
  REQUIRE(first);
  CHECK(first->peer == bob);
  CHECK(blocks::read(first->pieces).wants.size() == 2);
  const auto second = roster.next_message();
  REQUIRE(second);
  CHECK(second->peer == alice);
  CHECK_FALSE(roster.next_message());
  roster.post(bob, {.id = blocks::name(4)});
  CHECK(roster.next_message());
}

TEST_CASE("a cancel that can wait waits") {
  peer_roster roster;
  roster.add(alice, 0);
  roster.post_cancel(alice, blocks::name(1), true);
  CHECK_FALSE(roster.next_message());
  roster.post_cancel(alice, blocks::name(2), false);
  const auto m = roster.next_message();
  REQUIRE(m);
  CHECK(blocks::read(m->pieces).wants.size() == 2);
}

TEST_CASE("who has gone or is banned is told nothing") {
  peer_roster roster;
  roster.add(alice, 0);
  roster.add(bob, 0);
  roster.post(alice, {.id = blocks::name(1)});
  roster.post(bob, {.id = blocks::name(1)});
  roster.erase(alice);
  roster.find(bob)->banned = true;
  CHECK_FALSE(roster.next_message());
  CHECK(roster.find(alice) == nullptr);
  CHECK(roster.all().size() == 1);
}

}  // namespace
