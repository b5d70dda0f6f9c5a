// SPDX-License-Identifier: BSL-1.0
#include <shoal/exchange/client_peer.hpp>  // first: shows that the header stands alone

#include <chrono>

#include <doctest/doctest.h>

#include "blocks.hpp"

namespace {

using namespace shoal::exchange;
using namespace std::chrono_literals;

TEST_CASE("the last blocks that were asked for are known, and the first are forgotten") {
  settled_wants settled;
  CHECK(settled.empty());
  for (std::uint64_t i = 0; i < settled_wants::capacity + 10; ++i) settled.add(blocks::name(i).hash());
  CHECK_FALSE(settled.contains(blocks::name(9).hash()));
  CHECK(settled.contains(blocks::name(10).hash()));
  CHECK(settled.contains(blocks::name(settled_wants::capacity + 9).hash()));
  CHECK_FALSE(settled.contains(blocks::name(5000).hash()));
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
