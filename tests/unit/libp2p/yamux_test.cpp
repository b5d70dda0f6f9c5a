// SPDX-License-Identifier: BSL-1.0
#include <shoal/libp2p/yamux.hpp>  // first: shows that the header stands alone

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "vectors.hpp"

namespace {

using shoal::as_bytes;
using shoal::bytes_span;
using shoal::bytes_view;
using shoal::errc;
using shoal::share;
using shoal::shared_bytes;
using shoal::libp2p::stream_id;
using shoal::libp2p::yamux;
using shoal::libp2p::yamux_event;
using shoal::libp2p::yamux_goodbye;
using shoal::libp2p::yamux_initial_window;
using shoal::libp2p::yamux_limits;
using shoal::libp2p::yamux_role;
using shoal::libp2p::yamux_violation;
using vectors::hex;
using vectors::unhex;
using kind = yamux_event::kind;

constexpr std::uint32_t window = yamux_initial_window;
const std::string open_one = "000100010000000100000000";    // window update, SYN, stream 1
const std::string accept_one = "000100020000000100000000";  // window update, ACK, stream 1
const std::string finish_one = "000100040000000100000000";  // window update, FIN, stream 1
const std::string reset_one = "000100080000000100000000";   // window update, RST, stream 1
const std::string goodbye_for_a_fault = "000300000000000000000001";

shared_bytes text(std::string_view bytes) {
  return {nullptr, as_bytes(bytes)};
}

std::vector<std::byte> all_output(yamux& session, std::size_t room = 65519) {
  std::vector<std::byte> out;
  std::vector<std::byte> buffer(room);
  while (const std::size_t n = session.produce(buffer))
    out.insert(out.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(n));
  return out;
}

/// Every event of `in`, until starved or broken.
std::vector<yamux_event> hear(yamux& session, bytes_view in) {
  std::vector<yamux_event> events;
  while (true) {
    const yamux_event e = session.next(in);
    in = in.subspan(e.consumed);
    if (e.what == kind::starved) break;
    events.push_back(e);
    if (e.what == kind::violation) break;
  }
  return events;
}

std::vector<kind> kinds(const std::vector<yamux_event>& events) {
  std::vector<kind> found;
  for (const yamux_event& e : events) found.push_back(e.what);
  return found;
}

yamux_violation fault(const std::string& stream) {
  yamux session{yamux_role::listener};
  const auto bytes = unhex(stream);
  const auto events = hear(session, bytes);
  if (events.empty() || events.back().what != kind::violation) return yamux_violation::none;
  CHECK(session.next({}).what == kind::violation);
  const std::string said = hex(all_output(session));
  CHECK(said.find(goodbye_for_a_fault) != std::string::npos);
  CHECK(session.open().error() == errc::closed);
  return events.back().why;
}

TEST_CASE("a dialer's first bytes are a SYN on a window update, the data, and a FIN") {
  yamux session{yamux_role::dialer};
  CHECK_FALSE(session.has_output());
  const auto s = session.open();
  REQUIRE(s);
  CHECK(*s == stream_id{1});
  CHECK(*session.open() == stream_id{3});
  session.reset(stream_id{3});  // never heard of: nothing is said about it
  REQUIRE(session.write(*s, text("hello ")));
  REQUIRE(session.write(*s, text("")));
  REQUIRE(session.write(*s, text("world")));
  CHECK(session.queued(*s) == 11);
  session.finish(*s);
  CHECK(session.write(*s, text("late")).error() == errc::closed);
  CHECK(hex(all_output(session)) ==
        open_one + "00000000000000010000000b" + hex(as_bytes("hello world")) + finish_one);
  CHECK(session.queued(*s) == 0);
  CHECK_FALSE(session.has_output());
}

TEST_CASE("a listener accepts, hears data and end, and its own side stays open") {
  yamux session{yamux_role::listener};
  const auto in = unhex(open_one +
                        "000000040000000100000002"
                        "4142");
  const auto events = hear(session, in);
  CHECK(kinds(events) == std::vector{kind::opened, kind::data, kind::finished});
  CHECK(hex(events[1].bytes) == "4142");
  CHECK(events[1].bytes.data() == in.data() + 24);
  CHECK(hex(all_output(session)) == accept_one);
  REQUIRE(session.write(stream_id{1}, text("C")));
  session.finish(stream_id{1});
  CHECK(session.streams() == 1);
  CHECK(hex(all_output(session)) ==
        "000000000000000100000001"
        "43" +
            finish_one);
  CHECK(session.streams() == 0);
  CHECK(session.write(stream_id{1}, text("D")).error() == errc::closed);
}

TEST_CASE("a stream that opens on a data frame is heard as well") {
  yamux session{yamux_role::listener};
  const auto in = unhex(
      "000000050000000100000001"
      "41");  // SYN and FIN at once
  CHECK(kinds(hear(session, in)) == std::vector{kind::opened, kind::data, kind::finished});
}

TEST_CASE("data comes out as it arrives, cut anywhere") {
  const auto in = unhex(open_one +
                        "000000000000000100000004"
                        "41424344" +
                        reset_one);
  for (std::size_t cut = 0; cut <= in.size(); ++cut) {
    yamux session{yamux_role::listener};
    std::string data;
    std::vector<kind> seen;
    std::size_t at = 0;
    for (const std::size_t end : {cut, in.size()}) {
      while (true) {
        const yamux_event e = session.next(bytes_view{in}.subspan(at, end - at));
        at += e.consumed;
        if (e.what == kind::starved) break;
        data += hex(e.bytes);
        if (seen.empty() || seen.back() != e.what) seen.push_back(e.what);
      }
    }
    CHECK(at == in.size());
    CHECK(data == "41424344");
    CHECK(seen == std::vector{kind::opened, kind::data, kind::reset});
    CHECK(session.streams() == 0);
  }
}

TEST_CASE("a sender stops at the window and goes on when it opens") {
  yamux session{yamux_role::dialer};
  const stream_id s = *session.open();
  REQUIRE(session.write(s, share(std::vector<std::byte>(window + 5))));
  session.finish(s);
  const auto out = all_output(session);
  CHECK(session.queued(s) == 5);
  CHECK_FALSE(session.has_output());
  CHECK(out.size() == 12 + window + (window + 65506) / 65507 * 12);
  const auto update = unhex("000100020000000100000003");
  CHECK(hear(session, update).empty());
  CHECK(hex(all_output(session)) ==
        "000000000000000100000003"
        "000000");
  const auto more = unhex("000100000000000100000064");
  CHECK(hear(session, more).empty());
  CHECK(hex(all_output(session)) ==
        "000000000000000100000002"
        "0000" +
            finish_one);
}

TEST_CASE("a receiver opens the window when half of it was consumed, and no sooner") {
  yamux session{yamux_role::listener, {.max_window = window}};
  std::vector<std::byte> in = unhex(open_one + "000000000000000100040000");
  in.resize(in.size() + window);
  CHECK(kinds(hear(session, in)) == std::vector{kind::opened, kind::data});
  all_output(session);
  session.consume(stream_id{1}, window / 2 - 1);
  CHECK_FALSE(session.has_output());
  session.consume(stream_id{1}, 1);
  CHECK(hex(all_output(session)) == "000100000000000100020000");
  session.consume(stream_id{1}, window);  // more than there is: what there is
  CHECK(hex(all_output(session)) == "000100000000000100020000");
  session.consume(stream_id{1}, window);
  CHECK_FALSE(session.has_output());
}

TEST_CASE("consuming in the middle of a frame gives no more than was consumed") {
  yamux session{yamux_role::listener, {.max_window = window}};
  std::vector<std::byte> in = unhex(open_one + "000000000000000100040000");
  in.resize(in.size() + window / 2);
  hear(session, in);
  all_output(session);
  session.consume(stream_id{1}, window / 2);
  CHECK(hex(all_output(session)) == "000100000000000100020000");
  hear(session, std::vector<std::byte>(window / 2));
  const auto more = unhex("000000000000000100020001");  // one more than was allowed
  CHECK(hear(session, more).at(0).why == yamux_violation::window_exceeded);
}

TEST_CASE("windows of streams that are read at once grow to the limits, and the room comes back") {
  const yamux_limits limits{.max_window = 4 * window, .max_growth = 5 * window};
  yamux session{yamux_role::listener, limits};
  for (std::uint32_t id = 1; id < 9; id += 2) {
    auto syn = unhex(open_one);
    syn[7] = static_cast<std::byte>(id);
    hear(session, syn);
    for (int i = 0; i < 40; ++i) {
      auto frame = unhex("000000000000000100010000");
      frame[7] = static_cast<std::byte>(id);
      frame.resize(frame.size() + 65536);
      CHECK(kinds(hear(session, frame)) == std::vector{kind::data});
      session.consume(stream_id{id}, 65536);
    }
    if (id == 1) CHECK(session.growth() > window);
  }
  CHECK(session.growth() <= limits.max_growth);
  const auto in = unhex(reset_one);
  hear(session, in);
  for (std::uint32_t id = 3; id < 9; id += 2) session.reset(stream_id{id});
  CHECK(session.growth() == 0);
  CHECK(session.streams() == 0);
}

TEST_CASE("a first window larger than the usual is told with the SYN and with the ACK") {
  yamux_limits limits;
  limits.first_window = 1u << 20;
  yamux dialer{yamux_role::dialer, limits};
  REQUIRE(dialer.open());
  const auto out = all_output(dialer);
  CHECK(hex(out) == "0001000100000001000c0000");
  yamux listener{yamux_role::listener, limits};
  hear(listener, out);
  REQUIRE(listener.write(stream_id{1}, share(std::vector<std::byte>(1u << 20))));
  CHECK(hex(bytes_view{all_output(listener)}.first(12)) == "0001000200000001000c0000");
  CHECK(listener.queued(stream_id{1}) == 0);
}

TEST_CASE("a writer hears once when its queue is low") {
  yamux session{yamux_role::dialer, {.low_water = 100}};
  const stream_id s = *session.open();
  session.notify_drained(s);
  CHECK(kinds(hear(session, {})) == std::vector{kind::drained});
  CHECK(hear(session, {}).empty());
  REQUIRE(session.write(s, share(std::vector<std::byte>(300))));
  session.notify_drained(s);
  CHECK(hear(session, {}).empty());
  std::array<std::byte, 150> out;
  CHECK(session.produce(out) == 12);
  CHECK(session.produce(out) == 150);
  CHECK(hear(session, {}).empty());
  CHECK(session.produce(out) == 150);
  CHECK(session.queued(s) == 24);
  const auto events = hear(session, {});
  REQUIRE(kinds(events) == std::vector{kind::drained});
  CHECK(events[0].stream == s);
  session.notify_drained(s);
  session.reset(s);
  CHECK(hear(session, {}).empty());
}

TEST_CASE("streams take turns, and answers go before data") {
  yamux session{yamux_role::dialer, {.max_frame = 10}};
  const stream_id a = *session.open();
  const stream_id b = *session.open();
  all_output(session);
  REQUIRE(session.write(a, text("aaaaaaaaaaaaaaa")));
  REQUIRE(session.write(b, text("bbbbbbbbbbbbbbb")));
  const auto ping = unhex("000200010000000012345678");
  CHECK(hear(session, ping).empty());
  CHECK(hex(all_output(session)) ==
        "000200020000000012345678"
        "00000000000000010000000a"
        "61616161616161616161"
        "00000000000000030000000a"
        "62626262626262626262"
        "000000000000000100000005"
        "6161616161"
        "000000000000000300000005"
        "6262626262");
}

TEST_CASE("a frame is cut to fit, but not to crumbs") {
  yamux session{yamux_role::dialer};
  const stream_id a = *session.open();
  REQUIRE(session.write(a, share(std::vector<std::byte>(5000))));
  std::vector<std::byte> out(12 + 12 + 1023);
  CHECK(session.produce(out) == 12);
  CHECK(session.produce(bytes_span{out}.first(12)) == 0);
  CHECK(session.produce(bytes_span{out}.first(13)) == 13);
  CHECK(session.produce(out) == out.size());
  out.resize(20000);
  CHECK(session.produce(out) == 12 + 5000 - 1 - 1035);
}

TEST_CASE("pings are answered, and answers to ours are told") {
  yamux session{yamux_role::dialer};
  session.ping(7);
  CHECK(hex(all_output(session)) == "000200010000000000000007");
  const auto answer = unhex("000200020000000000000007");
  const auto events = hear(session, answer);
  CHECK(kinds(events) == std::vector{kind::pong});
  CHECK(events[0].value == 7);
}

TEST_CASE("after a goodbye no stream is opened, and those that are there go on") {
  yamux session{yamux_role::listener};
  const auto in = unhex(open_one + "000300000000000000000000");
  CHECK(kinds(hear(session, in)) == std::vector{kind::opened, kind::going_away});
  CHECK(session.open().error() == errc::closed);
  CHECK(session.write(stream_id{1}, text("x")));
  yamux other{yamux_role::listener};
  other.go_away();
  other.go_away(yamux_goodbye::internal_error);
  const auto open = unhex(open_one);
  CHECK(hear(other, open).empty());
  CHECK(hex(all_output(other)) == "000300000000000000000000" + reset_one);
}

TEST_CASE("a peer that breaks the protocol is told so and heard no more") {
  CHECK(fault("01" + open_one.substr(2)) == yamux_violation::unknown_frame);
  CHECK(fault("000400000000000000000000") == yamux_violation::unknown_frame);
  CHECK(fault("000000000000000000000001") == yamux_violation::wrong_stream);
  CHECK(fault("000200010000000100000001") == yamux_violation::wrong_stream);
  CHECK(fault("000100010000000200000000") == yamux_violation::wrong_stream);
  CHECK(fault(open_one + open_one) == yamux_violation::duplicate_stream);
  CHECK(fault(open_one + "000000000000000100040001") == yamux_violation::window_exceeded);
  CHECK(fault(open_one + "0001000000000001fffbffff") == yamux_violation::none);
  CHECK(fault(open_one + "0001000000000001fffc0000") == yamux_violation::window_overflow);
  CHECK(fault(open_one + finish_one + "000000000000000100000001") == yamux_violation::data_after_end);
  CHECK(fault(open_one + finish_one + "000000000000000100000000" + finish_one) == yamux_violation::none);
}

TEST_CASE("frames for a stream that is gone are skipped") {
  yamux session{yamux_role::listener};
  const auto start = unhex(open_one +
                           "000000000000000100000004"
                           "4142");
  hear(session, start);
  session.reset(stream_id{1});
  CHECK(hex(all_output(session)) == reset_one);
  const auto rest = unhex(
      "4344"
      "000100000000000100000005"
      "000000040000000100000001"
      "45" +
      reset_one + "000200020000000000000007");
  CHECK(kinds(hear(session, rest)) == std::vector{kind::pong});
  CHECK(session.streams() == 0);
  CHECK_FALSE(session.has_output());
}

TEST_CASE("a peer that opens ten thousand streams holds no more than its share") {
  const yamux_limits limits{.max_inbound = 16};
  yamux reading{yamux_role::listener, limits};
  yamux deaf{yamux_role::listener, limits};
  bool cut_off = false;
  std::size_t opened = 0;
  for (std::uint32_t i = 0; i < 10000; ++i) {
    auto syn = unhex(open_one);
    shoal::store_be(syn.data() + 4, 2 * i + 1);
    for (const yamux_event& e : hear(reading, syn)) {
      REQUIRE(e.what == kind::opened);
      ++opened;
    }
    all_output(reading);
    if (!cut_off) {
      const auto events = hear(deaf, syn);
      cut_off = !events.empty() && events[0].why == yamux_violation::too_many_answers;
      if (cut_off) CHECK(i == yamux::max_waiting_answers);
    }
  }
  CHECK(opened == 16);
  CHECK(reading.streams() == 16);
  CHECK(cut_off);
}

TEST_CASE("a peer that pings and does not read is cut off") {
  yamux session{yamux_role::listener};
  const auto ping = unhex("000200010000000000000001");
  for (std::size_t i = 0; i < yamux::max_waiting_answers; ++i) REQUIRE(hear(session, ping).empty());
  CHECK(hear(session, ping).at(0).why == yamux_violation::too_many_answers);
}

TEST_CASE("no more own streams are unanswered than a peer keeps waiting") {
  yamux session{yamux_role::dialer};
  for (std::size_t i = 0; i < yamux::max_unacknowledged; ++i) REQUIRE(session.open());
  CHECK(session.open().error() == errc::busy);
  const auto answer = unhex(accept_one);
  hear(session, answer);
  CHECK(session.open());
  CHECK(session.open().error() == errc::busy);
  session.reset(stream_id{3});
  CHECK(session.open());
}

// --- two sessions back to back

/// The byte at `at` of what is sent on a stream in one direction.
std::byte content(std::uint32_t stream, bool from_dialer, std::size_t at) {
  return static_cast<std::byte>((at * 31 + at / 251 + stream * 7 + (from_dialer ? 3 : 0)) & 0xff);
}

struct end {
  explicit end(yamux_role role, const yamux_limits& limits)
      : session(role, limits), dialer(role == yamux_role::dialer) {}

  yamux session;
  bool dialer;
  std::vector<std::byte> wire;  // to the other end
  struct flow {
    std::size_t to_send = 0;
    std::size_t sent = 0;
    std::size_t received = 0;
    std::size_t unread = 0;
    bool finished = false;
  };
  std::map<std::uint32_t, flow> flows;
};

struct harness {
  explicit harness(std::uint32_t seed, const yamux_limits& limits)
      : random(seed), a(yamux_role::dialer, limits), b(yamux_role::listener, limits) {}

  std::size_t below(std::size_t n) { return random() % n; }

  void write_some(end& e) {
    for (auto& [id, f] : e.flows) {
      if (f.sent == f.to_send || e.session.queued(stream_id{id}) > 600000) continue;
      const std::size_t n = std::min(f.to_send - f.sent, 1 + below(200000));
      std::vector<std::byte> piece(n);
      for (std::size_t i = 0; i < n; ++i) piece[i] = content(id, e.dialer, f.sent + i);
      REQUIRE(e.session.write(stream_id{id}, share(std::move(piece))));
      f.sent += n;
      if (f.sent == f.to_send) e.session.finish(stream_id{id});
    }
  }

  void produce_some(end& e) {
    if (e.wire.size() > 400000) return;
    std::vector<std::byte> room(13 + below(below(2) != 0 ? 65507 : 100));
    const std::size_t n = e.session.produce(room);
    if (n > room.size()) FAIL("more than there is room for");
    e.wire.insert(e.wire.end(), room.begin(), room.begin() + static_cast<std::ptrdiff_t>(n));
  }

  void hear_some(end& from, end& to) {
    const std::size_t offered = from.wire.empty() ? 0 : 1 + below(from.wire.size());
    std::size_t used = 0;
    while (true) {
      const yamux_event e = to.session.next(bytes_view{from.wire}.subspan(used, offered - used));
      used += e.consumed;
      const auto id = static_cast<std::uint32_t>(e.stream);
      if (e.what == kind::starved) break;
      REQUIRE(e.what != kind::violation);
      REQUIRE(e.what != kind::reset);
      if (e.what == kind::opened) to.flows[id].to_send = below(900000);
      auto& f = to.flows[id];
      if (e.what == kind::opened && f.to_send == 0) to.session.finish(e.stream);
      if (e.what == kind::finished) f.finished = true;
      if (e.what != kind::data) continue;
      bool same = true;
      for (std::size_t i = 0; i < e.bytes.size(); ++i)
        same &= e.bytes[i] == content(id, from.dialer, f.received + i);
      REQUIRE(same);
      REQUIRE_FALSE(f.finished);
      f.received += e.bytes.size();
      f.unread += e.bytes.size();
      held += e.bytes.size();
      most_held = std::max(most_held, held);
    }
    from.wire.erase(from.wire.begin(), from.wire.begin() + static_cast<std::ptrdiff_t>(used));
  }

  void consume_some(end& e) {
    for (auto& [id, f] : e.flows) {
      if (f.unread == 0 || below(4) != 0) continue;
      const std::size_t n = 1 + below(f.unread);
      e.session.consume(stream_id{id}, n);
      f.unread -= n;
      held -= n;
    }
  }

  [[nodiscard]] bool over() const {
    for (const auto& [id, f] : a.flows) {
      const auto at = b.flows.find(id);
      if (at == b.flows.end() || !f.finished || !at->second.finished) return false;
    }
    return true;
  }

  std::mt19937 random;
  end a;
  end b;
  std::size_t held = 0;
  std::size_t most_held = 0;
};

TEST_CASE("two sessions carry everything both ways, however bytes are cut and whenever they are read") {
  const yamux_limits limits{.max_inbound = 8, .max_window = 1u << 20, .max_growth = 2u << 20};
  for (std::uint32_t seed = 1; seed <= 6; ++seed) {
    CAPTURE(seed);
    harness h{seed, limits};
    for (int i = 0; i < 8; ++i) {
      const auto id = h.a.session.open();
      REQUIRE(id);
      auto& f = h.a.flows[static_cast<std::uint32_t>(*id)];
      f.to_send = i == 0 ? 0 : h.below(1500000);
      if (f.to_send == 0) h.a.session.finish(*id);
    }
    std::size_t steps = 0;
    while (!h.over()) {
      REQUIRE(++steps < 200000);
      for (end* e : {&h.a, &h.b}) {
        end& other = e == &h.a ? h.b : h.a;
        switch (h.below(4)) {
          case 0: h.write_some(*e); break;
          case 1: h.produce_some(*e); break;
          case 2: h.hear_some(other, *e); break;
          default: h.consume_some(*e); break;
        }
      }
    }
    for (const auto& [id, f] : h.a.flows) {
      CHECK(f.received == h.b.flows[id].to_send);
      CHECK(h.b.flows[id].received == f.to_send);
    }
    CHECK(h.a.session.streams() + h.b.session.streams() == 0);
    CHECK(h.a.session.growth() == 0);
    CHECK(h.most_held <= 2 * (8 * std::size_t{window} + limits.max_growth));
  }
}

}  // namespace
