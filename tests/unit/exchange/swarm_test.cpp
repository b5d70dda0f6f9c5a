// SPDX-License-Identifier: BSL-1.0
//
// Whole swarms in virtual time: everything ends with right bytes, and what it cost is counted.
#include "swarm.hpp"  // first: shows that it stands alone

#include <chrono>
#include <cstdint>
#include <random>

#include <doctest/doctest.h>

namespace {

using namespace blocks;
using namespace std::chrono_literals;

/// Everything has come, and nothing else.
template <class Swarm>
void check_complete(Swarm& s) {
  CHECK(s.client.wanted() == 0);
  CHECK(s.accepted.size() == s.ids.size());
  CHECK(s.wrong == 0);
  CHECK(s.forgotten == 0);
  CHECK_FALSE(s.client.next_deadline());
}

TEST_CASE("one peer, nothing wrong: one request a block, and the line is full") {
  for (const auto& [latency, rate] : {std::pair{1ms, 100e6}, {20ms, 12.5e6}, {100ms, 50e6}, {1ms, 1e6}}) {
    CAPTURE(latency.count());
    CAPTURE(rate);
    swarm s{300, 64 << 10};
    s.add({.latency = latency, .rate = rate});
    s.want_all();
    s.run();
    check_complete(s);
    CHECK(s.client.counters().fetches == 300);
    CHECK(s.client.counters().duplicates == 0);
    CHECK(s.client.counters().late == 0);
    const double round_trip = 2 * std::chrono::duration<double>(latency).count();
    const double line = 300 * 65536 / rate;
    CHECK(s.seconds() < line * 1.1 + 8 * round_trip);
  }
}

TEST_CASE("one block after the other costs a round trip and a message each") {
  swarm s{50, 4096};
  const peer_handle peer = s.add({.latency = 5ms});
  std::size_t next = 0;
  const auto step = [&] {
    if (next < s.ids.size()) s.client.want(s.ids[next++], {.urgent = true}, s.now);
  };
  s.on_accept = [&](const shoal::cid&) { step(); };
  s.at(0s, step);
  s.run();
  check_complete(s);
  CHECK(s.messages <= 52);
  CHECK(s.seconds() < 50 * 0.0105);
  CHECK(s.client.estimate(peer)->latency() < 11ms);
}

TEST_CASE("peers that have all share the work by their speed") {
  swarm s{400, 64 << 10};
  const peer_handle fast = s.add({.rate = 80e6});
  const peer_handle slow = s.add({.rate = 20e6});
  s.want_all();
  s.run();
  check_complete(s);
  CHECK(s.from[fast] > 2 * s.from[slow]);
  CHECK(s.from[slow] > 40);
  CHECK(s.seconds() < 1.15 * 400 * 65536 / 100e6);
  CHECK(s.client.counters().duplicates == 0);
}

TEST_CASE("a slow line is never asked twice for the same block") {
  swarm s{10, 64 << 10};
  s.add({.latency = 50ms, .rate = 16e3});
  s.want_all();
  s.run();
  check_complete(s);
  CHECK(s.client.counters().duplicates == 0);
  CHECK(s.seconds() < 43);
}

TEST_CASE("an origin sends what no neighbour has, once, and neighbours the rest") {
  swarm s{300, 16 << 10};
  const auto first_half = [](std::size_t i) { return i < 150; };
  const auto third = [](std::size_t i) { return i >= 100 && i < 200; };
  const peer_handle a = s.add({}, first_half);
  const peer_handle b = s.add({}, third);
  const peer_handle origin = s.add({.latency = 20ms, .rate = 12.5e6, .tier = 1});
  s.want_all();
  s.run();
  check_complete(s);
  CHECK(s.from[origin] == 100);
  CHECK(s.from[a] + s.from[b] == 200);
  CHECK(s.client.counters().duplicates == 0);
}

TEST_CASE("a block that nobody has comes as soon as one peer gets it, and costs few questions meanwhile") {
  swarm s{1, 4096};
  const auto none = [](std::size_t) { return false; };
  const peer_handle a = s.add({}, none);
  s.add({}, none);
  s.want_all();
  s.at(20s, [&] { s.gain(a, 0); });
  s.run();
  check_complete(s);
  CHECK(s.seconds() < 20.01);
  CHECK(s.messages < 20);
}

TEST_CASE("a peer that dies costs a round trip when it is seen") {
  swarm s{400, 64 << 10};
  const peer_handle dies = s.add({.rate = 50e6});
  s.add({.rate = 50e6});
  s.want_all();
  s.at(100ms, [&] { s.disconnect(dies); });
  s.run();
  check_complete(s);
  CHECK(s.client.counters().duplicates == 0);
  CHECK(s.seconds() < 0.1 + 350 * 65536 / 50e6);
}

TEST_CASE("a peer that falls silent costs its patience once, and not once a block") {
  swarm s{400, 64 << 10};
  s.add({.rate = 50e6, .how = manner::mute});
  const peer_handle good = s.add({.rate = 50e6});
  s.want_all();
  s.run();
  check_complete(s);
  CHECK(s.from[good] == 400);
  CHECK(s.client.counters().duplicates == 0);
  CHECK(s.client.counters().stalls <= 4);
  CHECK(s.seconds() < 1.0 + 400 * 65536 / 50e6);
}

TEST_CASE("a peer that promises and never delivers comes last") {
  swarm s{400, 64 << 10};
  s.add({.latency = 100us, .how = manner::promiser});
  const peer_handle good = s.add({.latency = 2ms, .rate = 50e6});
  s.want_all();
  s.run();
  check_complete(s);
  CHECK(s.from[good] == 400);
  CHECK(s.client.counters().stalls <= 5);
  CHECK(s.seconds() < 1.5 + 400 * 65536 / 50e6);
}

TEST_CASE("a peer that promises and never delivers does not keep the origin from it") {
  swarm s{200, 64 << 10};
  s.add({.latency = 100us, .how = manner::promiser});
  const peer_handle origin = s.add({.latency = 20ms, .rate = 50e6, .tier = 1});
  s.want_all();
  s.run();
  check_complete(s);
  CHECK(s.from[origin] == 200);
  CHECK(s.seconds() < 2 + 200 * 65536 / 50e6);
}

TEST_CASE("a peer that trickles is left behind") {
  swarm s{200, 64 << 10};
  s.add({.latency = 100us, .how = manner::trickler});
  const peer_handle good = s.add({.latency = 2ms, .rate = 50e6});
  s.want_all();
  s.run();
  check_complete(s);
  CHECK(s.from[good] == 200);
  CHECK(s.banned.empty());
  CHECK(s.seconds() < 1.5 + 200 * 65536 / 50e6);
}

TEST_CASE("a liar is found out by its first block, and no byte of it gets through") {
  swarm s{200, 64 << 10};
  const peer_handle liar = s.add({.latency = 100us, .how = manner::liar});
  const peer_handle good = s.add({.latency = 2ms, .rate = 50e6});
  s.want_all();
  s.run();
  check_complete(s);
  CHECK(s.banned == std::set{liar});
  CHECK(s.from[good] == 200);
  CHECK(s.client.counters().unwanted == 1);
  CHECK(s.seconds() < 0.1 + 200 * 65536 / 50e6);
}

TEST_CASE("what a reader waits for overtakes a long prefetch") {
  swarm s{400, 64 << 10};
  s.add({.latency = 5ms, .rate = 12.5e6});
  s.want_all();
  const shoal::cid last = s.ids.back();
  instant asked;
  duration waited{};
  s.at(1s, [&] {
    asked = s.now;
    s.client.want(last, {.urgent = true}, s.now);
    CHECK(s.accepted.size() < 300);
  });
  s.on_accept = [&](const shoal::cid& id) {
    if (id == last) waited = s.now - asked;
  };
  s.run();
  check_complete(s);
  // a round trip, and what is already on the line: the server gives the driver a megabyte
  CHECK(waited < 150ms);
}

TEST_CASE("readers do not wait for slow peers while there is a quick one") {
  swarm s{200, 64 << 10};
  s.add({.latency = 30ms, .rate = 2e5});
  const peer_handle quick = s.add({.latency = 200us, .rate = 100e6});
  s.add({.latency = 20ms, .rate = 1e6});
  std::size_t next = 0;
  instant asked;
  std::size_t slow = 0;
  const auto step = [&] {
    if (s.now - asked > 10ms) ++slow;
    asked = s.now;
    if (next < s.ids.size()) s.client.want(s.ids[next++], {.urgent = true}, s.now);
  };
  s.on_accept = [&](const shoal::cid&) { step(); };
  s.at(0s, step);
  s.run();
  check_complete(s);
  CHECK(s.from[quick] > 190);
  CHECK(slow <= 4);
}

TEST_CASE("a peer that was out for a moment is asked again") {
  swarm s{600, 16 << 10};
  const peer_handle first = s.add({.rate = 1e6});
  const peer_handle second = s.add({.rate = 1e6});
  s.want_all();
  s.at(500ms, [&] { s.pause(first, 2s); });
  std::size_t before = 0;
  s.at(3s, [&] { before = s.from[first]; });
  s.run();
  check_complete(s);
  CHECK(s.from[first] > before + 20);
  CHECK(s.from[second] > s.from[first]);
}

TEST_CASE("whatever goes wrong, everything ends with right bytes as long as one peer is good") {
  for (std::uint32_t seed = 0; seed < 16; ++seed) {
    CAPTURE(seed);
    std::mt19937 random{seed};
    const auto below = [&](std::uint32_t n) { return static_cast<std::uint32_t>(random()) % n; };
    const std::size_t size = std::size_t{500} << below(6);
    swarm s{30 + below(50), size};
    s.add({.latency = milliseconds{1 + below(50)}, .rate = 1e6 * (1 + below(100)), .tier = below(2)});
    std::vector<peer_handle> others;
    for (std::uint32_t i = below(9); i > 0; --i) {
      const auto how = static_cast<manner>(below(3) == 0 ? 1 + below(4) : 0);
      const std::uint32_t share = below(101);
      const std::uint32_t salt = below(1000);
      others.push_back(s.add({milliseconds{1 + below(30)}, 1e5 * (1 + below(1000)), how, below(2)},
                             [&](std::size_t i_) { return (i_ * 7919 + salt) % 100 < share; }));
    }
    for (std::size_t i = 0; i < s.ids.size(); ++i) {
      const auto when = milliseconds{below(2000)};
      s.at(when, [&s, i, n = below(100)] {
        s.client.want(s.ids[i], {.priority = static_cast<std::int32_t>(n), .urgent = n > 90}, s.now);
      });
    }
    for (const peer_handle peer : others) {
      if (below(3) == 0) {
        s.at(milliseconds{below(3000)}, [&s, peer] {
          if (!s.banned.contains(peer)) s.disconnect(peer);
        });
      }
    }
    s.run();
    check_complete(s);
    const client_counters& c = s.client.counters();
    // who is asked whether it has a small block sends it
    if (size > 1024) CHECK(c.duplicates <= c.late);
    for (const peer_handle peer : s.banned) CHECK(peer != peer_handle{1});
  }
}

}  // namespace
