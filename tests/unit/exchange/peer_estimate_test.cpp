// SPDX-License-Identifier: BSL-1.0
#include <shoal/exchange/peer_estimate.hpp>  // first: shows that the header stands alone

#include <chrono>
#include <deque>

#include <doctest/doctest.h>

namespace {

using namespace shoal::exchange;
using namespace std::chrono_literals;

/// Delivers `count` blocks over a line of this round trip and rate, with as many outstanding as the window
/// says. Returns when the last one came.
instant deliver(peer_estimate& peer, int count, std::size_t size, duration round_trip, double rate,
                instant now) {
  struct sent {
    delivery_mark mark;
    instant due;
  };
  std::deque<sent> line;
  instant free = now;
  const auto takes =
      std::chrono::duration_cast<duration>(std::chrono::duration<double>(static_cast<double>(size) / rate));
  for (int asked = 0; count > 0;) {
    while (asked < count && peer.outstanding() < peer.window(size)) {
      free = std::max(free, now + round_trip) + takes;
      line.push_back({peer.asked(size, now), free});
      ++asked;
    }
    now = line.front().due;
    peer.delivered(line.front().mark, size, now, true);
    line.pop_front();
    --asked;
    --count;
  }
  return now;
}

TEST_CASE("nothing is known of a new peer, and it may have a few blocks") {
  const peer_estimate peer;
  CHECK(peer.latency() == peer_estimate::unknown_latency);
  CHECK(peer.rate() == peer_estimate::unknown_rate);
  CHECK(peer.window(256 << 10) >= peer_estimate::min_window);
  CHECK(peer.outstanding() == 0);
  CHECK(peer.kept_rate() == 1);
}

TEST_CASE("rate and round trip are found, whatever the line") {
  for (const auto& [round_trip, rate] : {std::pair{1ms, 100e6}, {20ms, 50e6}, {200ms, 10e6}, {5ms, 1e6}}) {
    CAPTURE(round_trip.count());
    CAPTURE(rate);
    constexpr std::size_t size = 64 << 10;
    peer_estimate peer;
    peer.measured(round_trip, instant{});
    const instant end = deliver(peer, 1000, size, round_trip, rate, instant{});
    CHECK(peer.rate() > 0.85 * rate);
    CHECK(peer.rate() < 1.1 * rate);
    CHECK(peer.latency() >= round_trip);
    // at most the few blocks that may always be outstanding have been waited for
    const auto few = std::chrono::duration<double>(5 * static_cast<double>(size) / rate);
    CHECK(peer.latency() <= round_trip + std::chrono::duration_cast<duration>(few));
    CHECK(peer.outstanding() == 0);
    CHECK(peer.bytes_delivered() == 1000 * size);
    // the line was full nearly all of the time
    const double took = std::chrono::duration<double>(end - instant{}).count();
    CHECK(took <
          1.1 * 1000 * static_cast<double>(size) / rate + 0.01 * static_cast<double>(round_trip.count()));
  }
}

TEST_CASE("a line that slows down is noticed") {
  peer_estimate peer;
  const instant then = deliver(peer, 500, 64 << 10, 10ms, 100e6, instant{});
  deliver(peer, 500, 64 << 10, 10ms, 10e6, then);
  CHECK(peer.rate() < 15e6);
}

TEST_CASE("the window has bounds in blocks and in bytes") {
  peer_estimate peer;
  deliver(peer, 2000, 1000, 100ms, 10e6, instant{});
  CHECK(peer.window(1000) <= peer_estimate::max_window + 1);
  CHECK(peer.window(2 << 20) >= peer_estimate::min_window);
  peer.measured(20s, instant{} + 60s);
  CHECK(peer.window(2 << 20) <= peer_estimate::max_window_bytes / (2 << 20) + 1);
  CHECK(peer.window(0) >= peer_estimate::min_window);
}

TEST_CASE("the shortest round trip counts, and is forgotten after a while") {
  peer_estimate peer;
  peer.answered(instant{}, instant{} + 10ms, true);
  peer.answered(instant{}, instant{} + 500ms, true);
  CHECK(peer.latency() == 10ms);
  peer.measured(4ms, instant{} + 1s);
  CHECK(peer.latency() == 4ms);
  peer.measured(100ms, instant{} + 12s);
  CHECK(peer.latency() == 100ms);
  peer.measured(0s, instant{} + 13s);
  CHECK(peer.latency() > 0s);
}

TEST_CASE("a line that is full for minutes does not get longer") {
  peer_estimate peer;
  peer.measured(20ms, instant{});
  deliver(peer, 20'000, 64 << 10, 20ms, 10e6, instant{});
  CHECK(peer.latency() < 60ms);
  CHECK(peer.window(64 << 10) < 20);
}

TEST_CASE("a path that gets longer is noticed, and filled again") {
  peer_estimate peer;
  const instant then = deliver(peer, 2000, 64 << 10, 2ms, 50e6, instant{});
  deliver(peer, 4000, 64 << 10, 100ms, 50e6, then);
  CHECK(peer.latency() >= 100ms);
  CHECK(peer.rate() > 40e6);
}

TEST_CASE("what is outstanding makes the next block come later") {
  peer_estimate peer;
  peer.measured(10ms, instant{});
  const duration first = peer.expected(100'000);
  for (int i = 0; i < 10; ++i) CHECK(peer.asked(100'000, instant{}).ahead == static_cast<std::size_t>(i));
  CHECK(peer.expected(100'000) > first + 50ms);
  peer.dropped();
  CHECK(peer.outstanding() == 9);
}

TEST_CASE("a peer's word and luck are remembered for a while") {
  peer_estimate peer;
  for (int i = 0; i < 50; ++i) peer.answered(instant{}, instant{} + 1ms, false);
  CHECK(peer.hit_rate() < 0.01);
  for (int i = 0; i < 50; ++i) peer.answered(instant{}, instant{} + 1ms, true);
  CHECK(peer.hit_rate() > 0.99);
  for (int i = 0; i < 4; ++i) {
    static_cast<void>(peer.asked(1000, instant{}));
    peer.late();
  }
  CHECK(peer.kept_rate() < 0.4);
  CHECK(peer.outstanding() == 0);
  deliver(peer, 50, 1000, 1ms, 1e6, instant{} + 1s);
  CHECK(peer.kept_rate() > 0.95);
}

TEST_CASE("the deviation shrinks while all goes as expected, and grows when it does not") {
  peer_estimate peer;
  CHECK(peer.deviation() == peer_estimate::unknown_deviation);
  const instant then = deliver(peer, 200, 64 << 10, 2ms, 50e6, instant{});
  CHECK(peer.deviation() < 1ms);
  const delivery_mark mark = peer.asked(64 << 10, then);
  peer.late();
  const double kept = peer.kept_rate();
  peer.delivered(mark, 64 << 10, then + 2s, false);
  CHECK(peer.deviation() > 400ms);
  CHECK(peer.deviation() < 600ms);
  CHECK(peer.kept_rate() > kept);
  CHECK(peer.outstanding() == 0);
}

TEST_CASE("what surprised us long ago is forgotten with the next block") {
  peer_estimate peer;
  const delivery_mark slow = peer.asked(1000, instant{});
  peer.delivered(slow, 1000, instant{} + 3s, true);
  CHECK(peer.deviation() > 1s);
  const delivery_mark quick = peer.asked(1000, instant{} + 9s);
  CHECK(peer.last_asked() == instant{} + 9s);
  peer.delivered(quick, 1000, instant{} + 9s + 2ms, true);
  CHECK(peer.deviation() <= 1ms);
}

TEST_CASE("a peer that is very near gets work for a few milliseconds at a time") {
  peer_estimate peer;
  peer.measured(50us, instant{});
  deliver(peer, 2000, 64 << 10, 50us, 600e6, instant{});
  CHECK(peer.window(64 << 10) > 30);
  CHECK(peer.window(64 << 10) < 60);
}

TEST_CASE("a block that comes in no time breaks nothing") {
  peer_estimate peer;
  const delivery_mark mark = peer.asked(1000, instant{});
  peer.delivered(mark, 1000, instant{}, true);
  CHECK(peer.rate() > 0);
  CHECK(peer.expected(1000) > 0s);
}

}  // namespace
