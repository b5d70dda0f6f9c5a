// SPDX-License-Identifier: BSL-1.0
#include <shoal/exchange/client_peer.hpp>  // first: shows that the header stands alone

#include <chrono>
#include <optional>

#include <doctest/doctest.h>

#include "blocks.hpp"

namespace {

using namespace shoal::exchange;
using namespace std::chrono_literals;

TEST_CASE("the last blocks that were asked for are known, and the first are forgotten") {
  past_wants past{100};
  CHECK(past.empty());
  for (std::uint64_t i = 0; i < 110; ++i) past.add(blocks::name(i).hash(), std::nullopt);
  CHECK_FALSE(past.take(blocks::name(9).hash()));
  CHECK(past.take(blocks::name(10).hash()));
  CHECK(past.take(blocks::name(109).hash()));
  CHECK_FALSE(past.take(blocks::name(5000).hash()));
}

TEST_CASE("a block may come as often as it was asked for") {
  past_wants past{10};
  delivery_mark mark;
  mark.ahead = 7;
  past.add(blocks::name(1).hash(), mark);
  past.add(blocks::name(1).hash(), std::nullopt);
  const auto first = past.take(blocks::name(1).hash());
  REQUIRE(first);
  REQUIRE(first->mark);
  CHECK(first->mark->ahead == 7);
  const auto second = past.take(blocks::name(1).hash());
  REQUIRE(second);
  CHECK_FALSE(second->mark);
  CHECK_FALSE(past.take(blocks::name(1).hash()));
  CHECK(past.empty());
}

TEST_CASE("only who was asked for something may send something") {
  client_peer peer;
  CHECK_FALSE(peer.may_send());
  peer.told = 1;
  CHECK(peer.may_send());
  peer.told = 0;
  peer.owed.add(blocks::name(1).hash(), std::nullopt);
  CHECK(peer.may_send());
  peer.banned = true;
  CHECK_FALSE(peer.may_send());
}

TEST_CASE("each stall lasts longer, up to half a minute, until a block comes") {
  client_peer peer;
  const instant now{};
  peer.stall(now);
  CHECK(peer.stalled_until == now + 1s);
  peer.stall(now);
  CHECK(peer.stalled_until == now + 2s);
  for (int i = 0; i < 10; ++i) peer.stall(now);
  CHECK(peer.stalled_until == now + 30s);
  peer.heard();
  CHECK(peer.stalled_until <= now);
  CHECK(peer.blocks == 1);
  peer.stall(now);
  CHECK(peer.stalled_until == now + 1s);
}

}  // namespace
