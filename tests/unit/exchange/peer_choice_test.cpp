// SPDX-License-Identifier: BSL-1.0
#include <shoal/exchange/peer_choice.hpp>  // first: shows that the header stands alone

#include <chrono>
#include <deque>
#include <vector>

#include <doctest/doctest.h>

#include "blocks.hpp"

namespace {

using namespace shoal::exchange;
using namespace std::chrono_literals;
using verdict = choice::verdict;

/// Peers that may be chosen from.
struct fixture {
  std::deque<peer_estimate> estimates;
  std::vector<candidate> peers;
  shoal::cid id = blocks::name(1);

  candidate& add(duration round_trip) {
    peer_estimate& e = estimates.emplace_back();
    e.measured(round_trip, instant{});
    peers.push_back({peer_handle{static_cast<std::uint32_t>(peers.size())}, &e});
    return peers.back();
  }
  [[nodiscard]] choice choose(const nearest_first& policy = nearest_first{}, bool urgent = false,
                              instant now = instant{}) const {
    return policy.choose({id, 1, urgent, instant{}, 1000}, peers, now);
  }
  /// The peer has delivered blocks of 1000 bytes, each in this time.
  void deliver(std::size_t peer, duration each) {
    instant now{};
    for (int i = 0; i < 50; ++i) {
      const delivery_mark mark = estimates[peer].asked(1000, now);
      now += each;
      estimates[peer].delivered(mark, 1000, now, true);
    }
  }
};

TEST_CASE("nobody can be asked when there is nobody") {
  CHECK(fixture{}.choose().what == verdict::nobody);
}

TEST_CASE("the quickest is asked for the block and the next ones whether they have it") {
  fixture f;
  for (const duration d : {30ms, 5ms, 50ms, 10ms, 20ms, 40ms}) f.add(d);
  const choice c = f.choose();
  CHECK(c.what == verdict::ask);
  CHECK(c.fetch == 1);
  REQUIRE(c.probe_count == 3);
  CHECK(c.probes[0] == 3);
  CHECK(c.probes[1] == 4);
  CHECK(c.probes[2] == 0);
  CHECK(c.patience >= 50ms);
  CHECK(c.patience <= 5s);
}

TEST_CASE("who says that it has the block goes before quicker ones of whom one does not know") {
  fixture f;
  f.add(5ms);
  f.add(8ms).now = standing::has;
  const choice c = f.choose();
  CHECK(c.fetch == 1);
  CHECK(c.probe_count == 0);
}

TEST_CASE("neighbours go before origins, however slow, and origins are not even asked") {
  fixture f;
  f.add(1ms).tier = 1;
  f.add(100ms);
  const choice c = f.choose();
  CHECK(c.fetch == 1);
  CHECK(c.probe_count == 0);
}

TEST_CASE("an origin is asked once all neighbours have said no, and waits while they have no room") {
  fixture f;
  f.add(50ms).tier = 1;
  f.add(1ms).now = standing::lacks;
  f.add(1ms).now = standing::late;
  CHECK(f.choose().fetch == 0);
  f.add(1ms).has_room = false;
  CHECK(f.choose().what == verdict::no_room);
}

TEST_CASE("who has stalled comes last, after all origins") {
  fixture f;
  f.add(1ms).stalled = true;
  f.add(50ms).tier = 1;
  CHECK(f.choose().fetch == 1);
  f.peers[1].now = standing::lacks;
  CHECK(f.choose().fetch == 0);
}

TEST_CASE("while somebody is fetching and nobody else is left one waits; with a late one there is nobody") {
  fixture f;
  f.add(1ms).now = standing::fetching;
  const choice c = f.choose();
  CHECK(c.what == verdict::wait);
  CHECK(c.patience > 0s);
  f.peers[0].now = standing::late;
  CHECK(f.choose().what == verdict::nobody);
}

TEST_CASE("a peer that nearly always has what it is asked for is asked alone") {
  fixture f;
  f.add(5ms);
  f.add(6ms);
  CHECK(f.choose().probe_count == 1);
  for (int i = 0; i < 50; ++i) f.estimates[0].answered(instant{}, instant{} + 5ms, true);
  const choice c = f.choose();
  CHECK(c.fetch == 0);
  CHECK(c.probe_count == 0);
}

TEST_CASE("a peer that seldom has anything, or seldom keeps its word, is passed over") {
  fixture f;
  f.add(5ms);
  f.add(10ms);
  for (int i = 0; i < 50; ++i) f.estimates[0].answered(instant{}, instant{} + 5ms, false);
  CHECK(f.choose().fetch == 1);
  f.peers[0].now = f.peers[1].now = standing::has;
  CHECK(f.choose().fetch == 0);
  for (int i = 0; i < 10; ++i) {
    static_cast<void>(f.estimates[0].asked(1000, instant{}));
    f.estimates[0].late();
  }
  CHECK(f.choose().fetch == 1);
}

TEST_CASE("when peers seldom have anything, many are asked") {
  fixture f;
  for (int i = 0; i < 20; ++i) {
    f.add(5ms);
    for (int j = 0; j < 20; ++j) f.estimates.back().answered(instant{}, instant{} + 5ms, false);
  }
  CHECK(f.choose().probe_count == choice::max_probes);
}

TEST_CASE("patience follows what a peer has shown") {
  fixture f;
  f.add(1ms);
  const duration unknown = f.choose().patience;
  f.deliver(0, 1ms);
  CHECK(f.choose().patience < unknown);
  CHECK(f.choose().patience == 50ms);
  const delivery_mark mark = f.estimates[0].asked(1000, instant{});
  f.estimates[0].delivered(mark, 1000, instant{} + 1s, true);
  CHECK(f.choose().patience > 800ms);
}

TEST_CASE("who is much slower than the best gets nothing while the best one has no room") {
  fixture f;
  f.add(1ms).has_room = false;
  f.add(5ms);
  f.deliver(0, 1ms);
  f.deliver(1, 5ms);
  CHECK(f.choose().fetch == 1);
  f.deliver(1, 500ms);
  CHECK(f.choose().what == verdict::no_room);
  CHECK(f.choose().awaited == 0);
  f.peers[0].has_room = true;
  CHECK(f.choose().fetch == 0);
  f.peers[0].now = standing::lacks;
  CHECK(f.choose().fetch == 1);
}

TEST_CASE("who was slow gets a block after a while, to see, but none for which a reader waits") {
  fixture f;
  f.add(1ms).has_room = false;
  f.add(5ms);
  f.deliver(0, 1ms);
  f.deliver(1, 500ms);
  const instant then = f.estimates[1].last_asked();
  const nearest_first policy;
  CHECK(f.choose(policy, false, then + 1s).what == verdict::no_room);
  CHECK(f.choose(policy, false, then + 2s).fetch == 1);
  CHECK(f.choose(policy, true, then + 2s).what == verdict::no_room);
  static_cast<void>(f.estimates[1].asked(1000, then + 2s));
  CHECK(f.choose(policy, false, then + 9s).what == verdict::no_room);
}

TEST_CASE("a peer of which nothing is known is tried, unless it has been late three times") {
  fixture f;
  f.add(1ms).has_room = false;
  f.deliver(0, 1ms);
  f.add(200ms);
  CHECK(f.choose().fetch == 1);
  for (int i = 0; i < 3; ++i) {
    static_cast<void>(f.estimates[1].asked(1000, instant{}));
    f.estimates[1].late();
  }
  CHECK(f.choose().what == verdict::no_room);
}

TEST_CASE("what a reader waits for is asked of a second peer that is much quicker, and nothing else is") {
  fixture f;
  f.add(1ms).now = standing::fetching;
  f.add(1ms);
  f.deliver(0, 1ms);
  f.deliver(1, 1ms);
  CHECK(f.choose(nearest_first{}, true).what == verdict::wait);
  for (int i = 0; i < 100; ++i) static_cast<void>(f.estimates[0].asked(1000, instant{}));
  CHECK(f.choose(nearest_first{}, true).fetch == 1);
  CHECK(f.choose().what == verdict::wait);
  f.peers[1].has_room = false;
  CHECK(f.choose(nearest_first{}, true).what == verdict::wait);
}

TEST_CASE("readers do not wait for neighbours that are much slower than an origin, prefetches do") {
  fixture f;
  f.add(2ms);
  f.add(20ms).tier = 1;
  f.deliver(0, 100ms);
  f.deliver(1, 20ms);
  CHECK(f.choose(nearest_first{}, true).fetch == 0);
  f.deliver(0, 1s);
  CHECK(f.choose(nearest_first{}, true).fetch == 1);
  CHECK(f.choose().fetch == 0);
  f.peers[1].has_room = false;
  CHECK(f.choose(nearest_first{}, true).fetch == 0);
}

TEST_CASE(
    "readers do wait for neighbours that are quick enough, or of which nothing is known, to spare an origin") {
  fixture f;
  f.add(200us);
  f.add(100us).tier = 1;
  f.deliver(0, 4ms);
  f.deliver(1, 200us);
  CHECK(f.choose(nearest_first{}, true).fetch == 0);
  f.deliver(0, 100ms);
  CHECK(f.choose(nearest_first{}, true).fetch == 1);
  f.peers[0].now = standing::lacks;
  f.add(100ms);
  CHECK(f.choose(nearest_first{}, true).fetch == 2);
}

TEST_CASE("settings say how many are asked and how long one waits") {
  fixture f;
  for (int i = 0; i < 20; ++i) f.add(5ms);
  nearest_first::settings s;
  s.probes = 100;
  s.least_patience = 2s;
  const choice c = f.choose(nearest_first{s});
  CHECK(c.probe_count == choice::max_probes);
  CHECK(c.patience == 2s);
  s.probes = 0;
  CHECK(f.choose(nearest_first{s}).probe_count == 0);
}

}  // namespace
