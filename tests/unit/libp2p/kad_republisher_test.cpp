// SPDX-License-Identifier: BSL-1.0
#include <shoal/libp2p/kad_republisher.hpp>  // first: shows that the header stands alone

#include <chrono>

#include <doctest/doctest.h>

#include "kad_peers.hpp"

namespace {

using namespace std::chrono_literals;
using kad_peers::name;
using shoal::libp2p::kad_republisher;

const kad_republisher::clock::time_point start{};

TEST_CASE("what is provided is announced at once, soon again, and in the end every 22 hours") {
  kad_republisher own;
  CHECK_FALSE(own.next_deadline());
  own.add(name(1), start);
  CHECK(own.contains(name(1)));
  auto now = start;
  for (const std::chrono::seconds pause : {0s, 60s, 480s, 3840s, 30720s, 79200s, 79200s}) {
    now += pause;
    CHECK(own.next_deadline() == now);
    CHECK_FALSE(own.next_due(now - 1s));
    CHECK(own.next_due(now) == name(1));
    CHECK_FALSE(own.next_due(now + 100h));
    CHECK_FALSE(own.next_deadline());
    own.done(name(1), true, now);
  }
}

TEST_CASE("what nobody took note of is announced again soon") {
  kad_republisher own;
  own.add(name(1), start);
  CHECK(own.next_due(start));
  own.done(name(1), false, start);
  CHECK(own.next_due(start + 1min) == name(1));
  own.done(name(1), true, start + 1min);
  CHECK(own.next_due(start + 2min) == name(1));
  own.done(name(1), false, start + 2min);
  CHECK(own.next_due(start + 3min) == name(1));
  own.done(name(1), true, start + 3min);
  CHECK(own.next_deadline() == start + 11min);
}

TEST_CASE("the longest overdue goes first, and adding again changes nothing") {
  kad_republisher own;
  own.add(name(2), start + 1s);
  own.add(name(1), start + 2s);
  own.add(name(2), start + 3s);
  CHECK(own.size() == 2);
  CHECK(own.next_due(start + 3s) == name(2));
  CHECK(own.next_due(start + 3s) == name(1));
}

TEST_CASE("what is removed is not announced, even when that was under way") {
  kad_republisher own;
  own.add(name(1), start);
  own.add(name(2), start);
  own.remove(name(1));
  own.remove(name(1));
  CHECK_FALSE(own.contains(name(1)));
  CHECK(own.next_due(start) == name(2));
  own.remove(name(2));
  own.done(name(2), true, start);
  CHECK_FALSE(own.next_deadline());
  CHECK(own.size() == 0);
}

TEST_CASE("everything can be made due") {
  kad_republisher own;
  own.add(name(1), start);
  CHECK(own.next_due(start));
  own.done(name(1), true, start);
  own.renew(start + 1h);
  CHECK(own.next_deadline() == start + 1h);
  CHECK(own.next_due(start + 1h) == name(1));
  own.renew(start + 1h);
  CHECK_FALSE(own.next_due(start + 1h));
}

}  // namespace
