// SPDX-License-Identifier: BSL-1.0
#include <shoal/monitor/watched_net.hpp>  // first: shows that the header stands alone

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/base/endian.hpp>
#include <shoal/hypercall/net_calls.hpp>
#include <shoal/monitor/event_text.hpp>
#include <shoal/monitor/rule_engine.hpp>
#include <shoal/monitor/rule_file.hpp>

namespace {

using namespace shoal::monitor;
using shoal::status;
using bytes = std::vector<std::byte>;

constexpr std::uint64_t second = 1'000'000'000;

void put16(bytes& out, unsigned value) {
  out.push_back(static_cast<std::byte>(value >> 8));
  out.push_back(static_cast<std::byte>(value));
}
void put_address(bytes& out, std::string_view text) {
  const ip_address address = *parse_ip(text);
  std::array<std::byte, 16> all{};
  shoal::store_be(all.data(), address.high);
  shoal::store_be(&all[8], address.low);
  out.insert(out.end(), all.begin() + (address.is_v4() ? 12 : 0), all.end());
}

constexpr unsigned syn = 2;
constexpr unsigned ack = 16;

bytes tcp_segment(unsigned from, unsigned to, unsigned flags) {
  bytes out;
  put16(out, from);
  put16(out, to);
  out.resize(20);
  out[13] = static_cast<std::byte>(flags);
  return out;
}
bytes udp_datagram(unsigned from, unsigned to) {
  bytes out;
  put16(out, from);
  put16(out, to);
  out.resize(8);
  return out;
}

struct packet {
  std::string_view from = "192.0.2.2";
  std::string_view to = "192.0.2.1";
  std::uint8_t protocol = ip_protocol::tcp;
  bytes content;
  unsigned fragment = 0;  // as IPv4 has it
  int tags = 0;
};

bytes made(const packet& what) {
  bytes out(12);
  for (int i = 0; i < what.tags; ++i) {
    put16(out, i == 0 ? 0x88a8 : 0x8100);
    put16(out, 7);
  }
  const bool v4 = parse_ip(what.from)->is_v4();
  put16(out, v4 ? 0x0800 : 0x86dd);
  if (v4) {
    put16(out, 0x4500);
    put16(out, static_cast<unsigned>(20 + what.content.size()));
    put16(out, 0);
    put16(out, what.fragment);
    put16(out, 0x4000u | what.protocol);
    put16(out, 0);
  } else {
    put16(out, 0x6000);
    put16(out, 0);
    put16(out, static_cast<unsigned>(what.content.size()));
    put16(out, unsigned{what.protocol} << 8 | 64);
  }
  put_address(out, what.from);
  put_address(out, what.to);
  out.insert(out.end(), what.content.begin(), what.content.end());
  return out;
}

TEST_CASE("a frame is read behind tags, as IPv4 and as IPv6") {
  for (int tags = 0; tags <= 2; ++tags) {
    const frame seen = frame::parse(made({.content = tcp_segment(40000, 22, syn), .tags = tags}));
    CHECK(seen.what == frame_kind::ip);
    CHECK(seen.from_port == 40000);
    CHECK(seen.to_port == 22);
    CHECK(seen.begins);
    CHECK_FALSE(seen.answers);
    CHECK(ip_address{seen.from_high, seen.from_low} == *parse_ip("192.0.2.2"));
    CHECK(ip_address{seen.to_high, seen.to_low} == *parse_ip("192.0.2.1"));
  }
  CHECK(frame::parse(made({.content = tcp_segment(1, 2, syn), .tags = 3})).what == frame_kind::malformed);
  const frame six = frame::parse(made({.from = "2001:db8::2",
                                       .to = "2001:db8::1",
                                       .protocol = ip_protocol::udp,
                                       .content = udp_datagram(5, 53)}));
  CHECK(six.what == frame_kind::ip);
  CHECK(six.to_port == 53);
  CHECK(ip_address{six.to_high, six.to_low} == *parse_ip("2001:db8::1"));
}

TEST_CASE("ports are found behind extension headers, and not in what hides them") {
  const auto with = [](std::uint8_t first, bytes headers) {
    const bytes segment = tcp_segment(40000, 22, ack);
    headers.insert(headers.end(), segment.begin(), segment.end());
    return frame::parse(
        made({.from = "2001:db8::2", .to = "2001:db8::1", .protocol = first, .content = headers}));
  };
  const auto header = [](unsigned next, unsigned length, std::size_t size) {
    bytes out(size);
    out[0] = static_cast<std::byte>(next);
    out[1] = static_cast<std::byte>(length);
    return out;
  };
  CHECK(with(0, header(6, 0, 8)).to_port == 22);
  CHECK(with(60, header(6, 1, 16)).to_port == 22);
  CHECK(with(51, header(6, 4, 24)).to_port == 22);
  CHECK(with(44, header(6, 0, 8)).to_port == 22);
  CHECK(with(0, header(6, 200, 8)).what == frame_kind::malformed);
  bytes later = header(6, 0, 8);
  later[2] = std::byte{1};  // 32 units of eight bytes
  CHECK(with(44, later).is_fragment);
  CHECK(with(44, later).to_port == 0);
  bytes many;
  for (int i = 0; i < 9; ++i) {
    const bytes one = header(i == 8 ? 6 : 0, 0, 8);
    many.insert(many.end(), one.begin(), one.end());
  }
  CHECK(with(0, many).what == frame_kind::malformed);
  CHECK(with(59, {}).protocol == 59);
}

TEST_CASE("fragments: the first has the ports, others have none, and none overwrites them") {
  const bytes segment = tcp_segment(40000, 22, syn);
  CHECK(frame::parse(made({.content = segment, .fragment = 0x2000})).to_port == 22);
  const frame later = frame::parse(made({.content = segment, .fragment = 0x2010}));
  CHECK(later.is_fragment);
  CHECK(later.to_port == 0);
  CHECK(frame::parse(made({.content = segment, .fragment = 1})).what == frame_kind::malformed);
  CHECK(frame::parse(made({.content = bytes(8), .fragment = 0x2000})).what == frame_kind::malformed);
}

TEST_CASE("a frame that is cut anywhere is read as far as it goes") {
  for (const bytes& whole :
       {made({.content = tcp_segment(1, 2, syn), .tags = 1}),
        made({.from = "2001:db8::2", .to = "2001:db8::1", .content = tcp_segment(1, 2, syn)})}) {
    CHECK(frame::parse(whole).what == frame_kind::ip);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      CHECK(frame::parse(shoal::bytes_view{whole}.first(size)).what != frame_kind::ip);
    }
  }
  bytes arp(42);
  arp[12] = std::byte{8};
  arp[13] = std::byte{6};
  CHECK(frame::parse(arp).what == frame_kind::other);
}

/// A network that keeps what is sent, and has what is to come.
struct wire {
  std::vector<bytes> sent;
  std::vector<bytes> coming;
  std::array<std::byte, 6> mac() const noexcept { return {}; }
  std::uint16_t mtu() const noexcept { return 1500; }
  shoal::status_or<std::size_t> receive(shoal::bytes_span out) noexcept {
    if (coming.empty()) return status::busy;
    const bytes next = coming.front();
    coming.erase(coming.begin());
    const std::size_t size = std::min(next.size(), out.size());
    std::memcpy(out.data(), next.data(), size);
    return size;
  }
  status send(shoal::bytes_view frame) noexcept {
    sent.emplace_back(frame.begin(), frame.end());
    return status::ok;
  }
};

/// A guest on a wire, watched by rules.
struct watched_guest {
  explicit watched_guest(std::string_view text)
      : engine{read(text), notebook{&alerts}},
        net{below, judge{this}, clock{&now}, net_options(engine.rules(), 0)} {}

  static std::vector<rule> read(std::string_view text) {
    rules_text found = parse_rules(text);
    for (const rule_error& each : found.errors) FAIL(each.what);
    return found.rules;
  }
  struct notebook {
    std::vector<std::string>* alerts;
    void operator()(const alert& what) const {
      alerts->push_back(std::string{what.rule} + ": " + to_text(what.access, ""));
    }
  };
  struct judge {
    watched_guest* guest;
    bool operator()(const shoal::hal::access_record& told) const noexcept {
      guest->seen.push_back(told);
      return guest->engine.check(guest->now, told) == verdict::allow;
    }
  };
  struct clock {
    const std::uint64_t* now;
    std::uint64_t operator()() const noexcept { return *now; }
  };

  bool sends(const packet& what) {
    const std::size_t before = below.sent.size();
    CHECK(net.send(made(what)) == status::ok);
    return below.sent.size() > before;
  }
  bool receives(const packet& what) {
    below.coming.push_back(made(what));
    std::array<std::byte, 2000> room;
    return net.receive(room).code == status::ok;
  }

  std::uint64_t now = second;
  std::vector<std::string> alerts;
  std::vector<shoal::hal::access_record> seen;
  wire below;
  rule_engine<notebook> engine;
  watched_net<wire, judge, clock> net;
};
static_assert(shoal::hypercall::net_backend<watched_net<wire, watched_guest::judge, watched_guest::clock>>);

packet to_peer(unsigned own, unsigned port, unsigned flags) {
  return {.content = tcp_segment(own, port, flags)};
}
packet from_peer(unsigned port, unsigned own, unsigned flags) {
  return {.from = "192.0.2.1", .to = "192.0.2.2", .content = tcp_segment(port, own, flags)};
}

TEST_CASE("a flow that is refused is refused in both directions, and told once") {
  watched_guest guest{"forbid telnet out tcp:23 deny"};
  CHECK(guest.sends(to_peer(40000, 80, syn)));
  CHECK(guest.receives(from_peer(80, 40000, syn | ack)));
  CHECK_FALSE(guest.sends(to_peer(40001, 23, syn)));
  CHECK_FALSE(guest.sends(to_peer(40001, 23, syn)));
  CHECK_FALSE(guest.receives(from_peer(23, 40001, syn | ack)));
  CHECK(guest.receives(from_peer(50000, 23, syn)));  // the other way round is another thing
  CHECK(guest.alerts == std::vector<std::string>{"telnet: flow_out tcp 192.0.2.1:23 from 40001"});
  CHECK(guest.net.dropped() == 3);
}

TEST_CASE("who began a flow is known by its first frame, and guessed in its middle") {
  watched_guest guest{"forbid ssh in tcp:22 deny"};
  CHECK_FALSE(guest.receives(from_peer(50000, 22, syn)));
  CHECK_FALSE(guest.sends(to_peer(22, 50001, syn | ack)));
  CHECK_FALSE(guest.sends(to_peer(22, 50002, ack)));
  CHECK_FALSE(guest.receives(from_peer(50003, 22, ack)));
  CHECK(guest.sends(to_peer(50004, 22, syn)));
  // a flow of the guest's own becomes one of the peer's when the peer calls
  CHECK(guest.sends(to_peer(22, 50005, syn)));
  CHECK_FALSE(guest.receives(from_peer(50005, 22, syn)));
}

TEST_CASE("a flow is seen again when it was quiet for long, and not before") {
  watched_guest guest{"note any any ip:*"};
  const packet ping{.protocol = ip_protocol::icmp, .content = bytes(8)};
  CHECK(guest.sends(ping));
  guest.now += 59 * second;
  CHECK(guest.sends(ping));
  CHECK(guest.seen.size() == 1);
  guest.now += 61 * second;
  CHECK(guest.sends(ping));
  CHECK(guest.seen.size() == 2);
}

TEST_CASE("flows and frames are held against rates") {
  watched_guest scan{"rate scan out tcp:* limit 5 per 1s"};
  for (unsigned port = 1; port < 20; ++port) CHECK(scan.sends(to_peer(40000, port, syn)));
  CHECK(scan.alerts.size() == 1);
  for (int i = 0; i < 50; ++i) CHECK(scan.sends(to_peer(40000, 1, ack)));
  CHECK(scan.alerts.size() == 1);

  watched_guest flood{"rate flood out frames:* limit 10 per 1s deny"};
  int sent = 0;
  for (int i = 0; i < 50; ++i) sent += flood.sends(to_peer(40000, 80, ack)) ? 1 : 0;
  CHECK(sent == 10);
  CHECK(flood.receives(from_peer(80, 40000, ack)));
}

TEST_CASE("what is no IP passes, and what cannot be read passes where nothing is denied") {
  bytes arp(42);
  arp[12] = std::byte{8};
  arp[13] = std::byte{6};
  bytes broken = made({.content = tcp_segment(1, 2, syn)});
  broken.resize(30);
  watched_guest guard{"forbid a in tcp:22 deny"};
  CHECK(guard.net.send(arp) == status::ok);
  CHECK(guard.below.sent.size() == 1);
  CHECK(guard.net.send(broken) == status::ok);
  CHECK(guard.below.sent.size() == 1);
  watched_guest observer{"forbid a in tcp:22"};
  CHECK(observer.net.send(broken) == status::ok);
  CHECK(observer.below.sent.size() == 1);
  CHECK(observer.net.send(bytes(3000)) == status::invalid_argument);
}

TEST_CASE("more flows than are remembered are judged each time") {
  watched_guest guest{"forbid a out tcp:23 deny"};
  CHECK_FALSE(guest.sends(to_peer(40000, 23, syn)));
  for (unsigned port = 100; port < 20000; ++port) {
    guest.now += 1000;
    CHECK(guest.sends(to_peer(port, 80, syn)));
  }
  CHECK_FALSE(guest.sends(to_peer(40000, 23, ack)));
}

}  // namespace
