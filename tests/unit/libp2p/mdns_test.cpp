// SPDX-License-Identifier: BSL-1.0
#include <shoal/libp2p/mdns.hpp>  // first: shows that the header stands alone

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "vectors.hpp"

namespace {

using namespace std::chrono_literals;
using namespace shoal::libp2p;
using shoal::as_bytes;
using shoal::as_text;
using shoal::bytes_view;
using vectors::unhex;

using message = std::vector<std::byte>;
using time_point = mdns_service::clock::time_point;

const time_point start{};
const dns_name service_name = *dns_name::parse("_p2p._udp.local");

const std::string id_a = "12D3KooWRawPbxPtP1eZaJpumGnyWX2DcUyd3RQnydr3eAto4Az7";
const std::string id_b = "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp";
const std::string id_c = "12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5";

std::array<std::byte, mdns_service::random_size> random_bytes(int seed) {
  std::array<std::byte, mdns_service::random_size> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::byte>(7 * i + static_cast<std::size_t>(seed));
  return bytes;
}

mdns_service make(const std::string& id, mdns_options options = {}) {
  return {*peer_id::parse(id), random_bytes(id.back()), options};
}

std::vector<multiaddr> addresses(std::initializer_list<std::string> texts) {
  std::vector<multiaddr> all;
  for (const std::string& text : texts) all.push_back(*multiaddr::parse(text));
  return all;
}

message question(bool unicast = false, std::uint16_t id = 0) {
  dns_writer out{id, 0};
  out.ask({.name = service_name, .type = dns_type::ptr, .unicast = unicast});
  return out.take();
}

/// A response as JavaScript's peers send it: a text for each address, among the answers.
message response(std::initializer_list<std::string> texts, std::uint32_t ttl = 120,
                 std::string_view name = "xyz") {
  dns_writer out{0, dns_flag::response};
  const dns_name mine = *dns_name::join(name, service_name);
  out.add_pointer(dns_section::answer, service_name, ttl, mine);
  for (const std::string& text : texts) {
    std::string data(1, static_cast<char>(text.size()));
    data += text;
    out.add({.section = dns_section::answer,
             .name = mine,
             .type = dns_type::txt,
             .ttl = ttl,
             .data = as_bytes(data)});
  }
  return out.take();
}

/// Everything that the service says to the group up to `until`.
std::vector<message> outputs(mdns_service& service, time_point until) {
  std::vector<message> all;
  while (service.next_deadline() <= until) {
    const time_point now = service.next_deadline();
    while (std::optional<message> next = service.next_output(now)) all.push_back(*std::move(next));
  }
  return all;
}

bool is_response(const message& m) {
  return (dns_reader::open(m)->flags() & dns_flag::response) != 0;
}

std::vector<dns_record> records(const message& m) {
  std::vector<dns_record> all;
  auto in = dns_reader::open(m);
  REQUIRE(in);
  while (true) {
    const auto record = in->next_record();
    REQUIRE(record);
    if (!*record) return all;
    all.push_back(**record);
  }
}

std::vector<std::string> strings(const dns_record& text) {
  std::vector<std::string> all;
  for (bytes_view rest = text.data; !rest.empty();) all.emplace_back(as_text(*take_dns_text(rest)));
  return all;
}

/// What is told of by a service that has been asked.
message answer_of(mdns_service& service) {
  (void)service.receive(question(), mdns_port, start);
  const auto said = outputs(service, start + 1s);
  return said.empty() ? message{} : said.front();
}

TEST_CASE("it asks at once, then twice as late each time") {
  mdns_service service = make(id_a);
  CHECK(service.next_deadline() == time_point::max());
  CHECK_FALSE(service.next_output(start));
  service.start(start);
  CHECK(service.next_deadline() >= start + 20ms);
  CHECK(service.next_deadline() <= start + 120ms);
  std::vector<time_point> asked;
  while (asked.size() < 12) {
    asked.push_back(service.next_deadline());
    CHECK_FALSE(service.next_output(asked.back() - 1ms));
    CHECK(*service.next_output(asked.back()) == question());
  }
  std::chrono::milliseconds expected = 1s;
  for (std::size_t i = 1; i < asked.size();
       ++i, expected = std::min<std::chrono::milliseconds>(2 * expected, 60s)) {
    CHECK(asked[i] - asked[i - 1] >= expected);
    CHECK(asked[i] - asked[i - 1] <= expected + expected / 4);
  }
  CHECK(service.counters().questions == 12);
  service.start(asked.back());
  CHECK(service.next_deadline() <= asked.back() + 120ms);
}

TEST_CASE("it introduces itself with everything that others look for") {
  mdns_service service = make(id_a);
  service.announce(addresses({"/ip4/10.0.0.1/tcp/4001", "/ip4/10.0.0.1/tcp/4002/p2p/" + id_a,
                              "/ip6/2001:db8::1/udp/4001/quic-v1"}),
                   start);
  const message answer = answer_of(service);
  REQUIRE_FALSE(answer.empty());
  CHECK(is_response(answer));
  CHECK(answer.size() <= mdns_service::max_answer);
  const auto told = records(answer);
  REQUIRE(told.size() == 5);
  CHECK(told[0].section == dns_section::answer);
  CHECK(told[0].name == service_name);
  CHECK(told[0].ttl == 120);
  CHECK_FALSE(told[0].unique);
  const dns_name mine = told[0].target;
  CHECK(mine.parent() == service_name);
  CHECK(mine.label().size() == 32);
  CHECK(mine.label().find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789") == std::string_view::npos);
  CHECK(told[1].type == dns_type::srv);
  CHECK(told[2].type == dns_type::txt);
  CHECK(told[2].section == dns_section::additional);
  CHECK(told[2].name == mine);
  CHECK(strings(told[2]) == std::vector<std::string>{"dnsaddr=/ip4/10.0.0.1/tcp/4001/p2p/" + id_a,
                                                     "dnsaddr=/ip4/10.0.0.1/tcp/4002/p2p/" + id_a,
                                                     "dnsaddr=/ip6/2001:db8::1/udp/4001/quic-v1/p2p/" + id_a});
  CHECK(told[3].type == dns_type::a);
  CHECK(vectors::hex(told[3].data) == "0a000001");
  CHECK(told[4].type == dns_type::aaaa);
}

TEST_CASE("it says nothing of places where no neighbour could go") {
  mdns_service service = make(id_a);
  service.announce(addresses({"/ip4/127.0.0.1/tcp/1", "/ip4/0.0.0.0/tcp/1", "/ip4/224.0.0.1/tcp/1",
                              "/ip6/::1/tcp/1", "/ip6/::/tcp/1", "/ip6/fe80::1/tcp/1", "/ip6/ff02::1/tcp/1",
                              "/dns4/x/tcp/1", "/ip4/10.0.0.1", "/unix/a", "/ip4/10.0.0.1/tcp/1/p2p/" + id_b,
                              "/ip4/10.0.0.1/tcp/1/p2p/" + id_b + "/p2p-circuit",
                              "/ip4/10.0.0.1/tcp/1/p2p/" + id_b + "/p2p-circuit/p2p/" + id_a}),
                   start);
  CHECK(answer_of(service).empty());
  mdns_service local = make(id_a, {.loopback = true});
  local.announce(addresses({"/ip4/127.0.0.1/tcp/1", "/ip6/::1/tcp/1"}), start);
  CHECK(strings(records(answer_of(local)).at(2)).size() == 2);
}

TEST_CASE("more addresses than fit are cut to what does") {
  mdns_service service = make(id_a);
  std::vector<multiaddr> many = addresses({"/ip4/10.0.0.1/tcp/1/http-path/" + std::string(200, 'x')});
  for (int i = 0; i < 100; ++i) many.push_back(*multiaddr::parse("/ip4/10.0.0.2/tcp/" + std::to_string(i)));
  service.announce(many, start);
  const message answer = answer_of(service);
  CHECK(answer.size() <= mdns_service::max_answer);
  CHECK(answer.size() > mdns_service::max_answer - 100);
  const auto told = strings(records(answer).at(2));
  CHECK(told.size() > 8);
  CHECK(told.front() == "dnsaddr=/ip4/10.0.0.2/tcp/0/p2p/" + id_a);
}

TEST_CASE("it answers once a second however often it is asked") {
  mdns_service service = make(id_a);
  service.announce(addresses({"/ip4/10.0.0.1/tcp/1"}), start);
  std::size_t answers = 0;
  for (time_point now = start; now < start + 3s; now += 10ms) {
    CHECK(service.receive(question(), mdns_port, now).empty());
    while (service.next_output(now)) ++answers;
  }
  CHECK(answers == 3);
  CHECK(service.counters().answers == 3);
}

TEST_CASE("it does not answer what is not asked of it") {
  mdns_service service = make(id_a);
  service.announce(addresses({"/ip4/10.0.0.1/tcp/1"}), start);
  const auto ask = [](std::string_view name, dns_type type, std::uint16_t net, std::uint16_t flags) {
    dns_writer out{0, flags};
    out.ask({.name = *dns_name::parse(name), .type = type, .net = net});
    return out.take();
  };
  for (const message& other :
       {ask("_p2p._tcp.local", dns_type::ptr, 1, 0), ask("_p2p._udp.local", dns_type::txt, 1, 0),
        ask("_p2p._udp.local", dns_type::ptr, 3, 0), ask("_p2p._udp.local", dns_type::ptr, 1, 0x0800),
        ask("_p2p._udp.local", dns_type::ptr, 1, 0x0003), ask("_p2p._udp.local", dns_type::ptr, 1, 0x8000),
        dns_writer(0, 0).take()}) {
    CHECK(service.receive(other, mdns_port, start).empty());
    CHECK(service.next_deadline() == time_point::max());
  }
  (void)service.receive(ask("_P2P._UDP.local.", dns_type::any, 255, 0), mdns_port, start);
  CHECK(service.next_deadline() != time_point::max());
}

TEST_CASE("who knows us already is not told again") {
  mdns_service service = make(id_a);
  service.announce(addresses({"/ip4/10.0.0.1/tcp/1"}), start);
  const dns_name mine = records(answer_of(service)).at(0).target;
  const auto ask_knowing = [&](const dns_name& known, std::uint32_t ttl) {
    dns_writer out{0, 0};
    out.ask({.name = service_name, .type = dns_type::ptr});
    out.add_pointer(dns_section::answer, service_name, ttl, known);
    return out.take();
  };
  (void)service.receive(ask_knowing(mine, 60), mdns_port, start + 5s);
  CHECK(service.next_deadline() == time_point::max());
  (void)service.receive(ask_knowing(mine, 59), mdns_port, start + 5s);
  CHECK(service.next_deadline() != time_point::max());
  CHECK(outputs(service, start + 6s).size() == 1);
  (void)service.receive(ask_knowing(service_name, 120), mdns_port, start + 8s);
  CHECK(outputs(service, start + 9s).size() == 1);
}

TEST_CASE("who asks for itself alone is answered alone when the group has just been told") {
  mdns_service service = make(id_a);
  service.announce(addresses({"/ip4/10.0.0.1/tcp/1"}), start);
  CHECK(service.receive(question(true), mdns_port, start).empty());
  CHECK(outputs(service, start + 1s).size() == 1);
  const message reply = service.receive(question(true), mdns_port, start + 10s);
  REQUIRE_FALSE(reply.empty());
  CHECK(records(reply).at(0).ttl == 120);
  CHECK(service.next_deadline() == time_point::max());
  CHECK(service.receive(question(true), mdns_port, start + 40s).empty());
  CHECK(outputs(service, start + 41s).size() == 1);
}

TEST_CASE("a plain resolver is answered as it expects") {
  mdns_service service = make(id_a);
  CHECK(service.receive(question(false, 77), 40000, start).empty());
  service.announce(addresses({"/ip4/10.0.0.1/tcp/1"}), start);
  const message reply = service.receive(question(false, 77), 40000, start);
  REQUIRE_FALSE(reply.empty());
  auto in = dns_reader::open(reply);
  CHECK(in->id() == 77);
  const auto repeated = in->next_question();
  REQUIRE(*repeated);
  CHECK((*repeated)->name == service_name);
  for (const dns_record& record : records(reply)) {
    CHECK(record.ttl == 10);
    CHECK_FALSE(record.unique);
  }
  CHECK(service.next_deadline() == time_point::max());
  std::size_t replies = 1;
  for (int i = 0; i < 100; ++i) replies += service.receive(question(), 40000, start).empty() ? 0u : 1u;
  CHECK(replies == mdns_service::max_replies);
  CHECK_FALSE(service.receive(question(), 40000, start + 1s).empty());
}

TEST_CASE("peers find each other and themselves they do not find") {
  mdns_service a = make(id_a);
  mdns_service b = make(id_b);
  a.announce(addresses({"/ip4/10.0.0.1/tcp/1"}), start);
  b.announce(addresses({"/ip4/10.0.0.2/tcp/2", "/ip4/10.0.0.2/tcp/3"}), start);
  a.start(start);
  b.start(start + 300ms);
  std::size_t datagrams = 0;
  for (time_point now = start; now < start + 2s; now += 1ms) {
    for (mdns_service* from : {&a, &b}) {
      while (const auto sent = from->next_output(now)) {
        ++datagrams;
        for (mdns_service* to : {&a, &b}) CHECK(to->receive(*sent, mdns_port, now).empty());
      }
    }
  }
  const auto found_by_a = a.next_found(start + 2s);
  REQUIRE(found_by_a);
  CHECK(found_by_a->id == *peer_id::parse(id_b));
  CHECK(found_by_a->addresses ==
        addresses({"/ip4/10.0.0.2/tcp/2/p2p/" + id_b, "/ip4/10.0.0.2/tcp/3/p2p/" + id_b}));
  CHECK_FALSE(a.next_found(start + 2s));
  const auto found_by_b = b.next_found(start + 2s);
  REQUIRE(found_by_b);
  CHECK(found_by_b->addresses == addresses({"/ip4/10.0.0.1/tcp/1/p2p/" + id_a}));
  CHECK_FALSE(b.next_found(start + 2s));
  CHECK(datagrams <= 8);
}

TEST_CASE("a fleet does not ask in chorus, and everybody stays known") {
  std::vector<mdns_service> fleet;
  for (int i = 0; i < 8; ++i) {
    // peer ids that are different in the key
    message bytes = unhex("0003000000");
    bytes.back() = static_cast<std::byte>(i);
    fleet.emplace_back(*peer_id::decode(bytes), random_bytes(i));
    fleet.back().announce(addresses({"/ip4/10.0.0." + std::to_string(i + 1) + "/tcp/1"}), start);
    fleet.back().start(start);
  }
  std::size_t late_questions = 0;
  time_point now = start;
  while (now < start + 300s) {
    now = start + 300s;
    for (const mdns_service& one : fleet) now = std::min(now, one.next_deadline());
    for (mdns_service& from : fleet) {
      while (const auto sent = from.next_output(now)) {
        if (now > start + 100s && !is_response(*sent)) ++late_questions;
        for (mdns_service& to : fleet) (void)to.receive(*sent, mdns_port, now);
      }
    }
  }
  for (const mdns_service& one : fleet) CHECK(one.peers(now).size() == fleet.size() - 1);
  CHECK(late_questions >= 200 / 75);
  CHECK(late_questions <= 3 * 200 / 60);
}

TEST_CASE("others' ways of answering are understood") {
  mdns_service service = make(id_a);
  (void)service.receive(response({"dnsaddr=/ip4/10.0.0.2/tcp/2/p2p/" + id_b,
                                  "dnsaddr=/ip6/2001:db8::2/tcp/2/p2p/" + id_b, "v=1"}),
                        mdns_port, start);
  const auto found = service.next_found(start);
  REQUIRE(found);
  CHECK(found->id == *peer_id::parse(id_b));
  CHECK(found->addresses.size() == 2);
  CHECK(service.peers(start + 119s).size() == 1);
  CHECK(service.peers(start + 120s).empty());
  (void)service.receive(response({"dnsaddr=/ip4/10.0.0.2/tcp/2/p2p/" + id_b}, 0), mdns_port, start + 1s);
  CHECK(service.peers(start + 1s).front().addresses.size() == 1);
  (void)service.receive(response({"dnsaddr=/ip4/10.0.0.2/tcp/2/p2p/" + id_b}, 0xffffffff), mdns_port,
                        start + 2s);
  CHECK(service.peers(start + 4501s).size() == 1);
  CHECK(service.peers(start + 4502s).empty());
}

TEST_CASE("claims that lead nowhere, or to oneself, are dropped") {
  mdns_service service = make(id_a);
  const std::vector<std::string> claims{"dnsaddr=/ip4/10.0.0.2/tcp/2",
                                        "dnsaddr=/ip4/10.0.0.2/tcp/2/p2p/",
                                        "dnsaddr=",
                                        "dnsaddr",
                                        "dnsaddr=/ip4/300.0.0.2/tcp/2/p2p/" + id_b,
                                        "dnsaddr=/ip4/127.0.0.1/tcp/2/p2p/" + id_b,
                                        "dnsaddr=/ip4/10.0.0.2/p2p/" + id_b,
                                        "dnsaddr=/p2p/" + id_b,
                                        "dnsaddr=/ip4/10.0.0.2/tcp/2/p2p/" + id_b + "/p2p-circuit/p2p/" + id_c,
                                        "address=/ip4/10.0.0.2/tcp/2/p2p/" + id_b};
  for (const std::string& claim : claims) {
    CAPTURE(claim);
    (void)service.receive(response({claim}), mdns_port, start);
    CHECK_FALSE(service.next_found(start));
  }
  (void)service.receive(response({"dnsaddr=/ip4/10.0.0.3/tcp/2/p2p/" + id_a}), mdns_port, start);
  CHECK_FALSE(service.next_found(start));
  // a name is one peer: the first one it tells of
  dns_writer out{0, dns_flag::response};
  const std::string first = "dnsaddr=/ip4/10.0.0.4/tcp/1/p2p/" + id_c;
  const std::string second = "dnsaddr=/ip4/10.0.0.4/tcp/1/p2p/" + id_b;
  const std::string data = static_cast<char>(first.size()) + first + static_cast<char>(second.size()) + second;
  out.add({.section = dns_section::additional,
           .name = *dns_name::join("q", service_name),
           .type = dns_type::txt,
           .ttl = 9,
           .data = as_bytes(data)});
  (void)service.receive(out.take(), mdns_port, start);
  CHECK(service.next_found(start)->id == *peer_id::parse(id_c));
  CHECK_FALSE(service.next_found(start));
}

TEST_CASE("only what comes from the port of the group, and is of our service, is believed") {
  const std::string claim = "dnsaddr=/ip4/10.0.0.2/tcp/2/p2p/" + id_b;
  mdns_service service = make(id_a);
  (void)service.receive(response({claim}), 40000, start);
  CHECK_FALSE(service.next_found(start));
  dns_writer out{0, dns_flag::response};
  const std::string data = static_cast<char>(claim.size()) + claim;
  for (const char* name : {"x._p2p._tcp.local", "_p2p._udp.local", "x.y._p2p._udp.local", "."}) {
    out.add({.section = dns_section::answer,
             .name = *dns_name::parse(name),
             .type = dns_type::txt,
             .ttl = 9,
             .data = as_bytes(data)});
  }
  out.add({.section = dns_section::answer,
           .name = *dns_name::join("x", service_name),
           .type = dns_type::a,
           .ttl = 9,
           .data = as_bytes(data)});
  (void)service.receive(out.take(), mdns_port, start);
  CHECK_FALSE(service.next_found(start));
  CHECK(service.counters().malformed == 0);
}

TEST_CASE("a flood of peers is bounded, and so are the addresses of one") {
  mdns_service service = make(id_a, {.max_peers = 10, .max_addresses = 3});
  std::size_t found = 0;
  for (unsigned i = 0; i < 500; ++i) {
    message id = unhex("00020000");
    id[2] = static_cast<std::byte>(i >> 8);
    id[3] = static_cast<std::byte>(i);
    const std::string name = to_text(*peer_id::decode(id));
    (void)service.receive(response({"dnsaddr=/ip4/10.0.0.2/tcp/2/p2p/" + name}, 120 + i), mdns_port, start);
    while (service.next_found(start)) ++found;
  }
  CHECK(found == 500);
  CHECK(service.peers(start).size() == 10);
  for (int i = 0; i < 100; ++i) {
    (void)service.receive(response({"dnsaddr=/ip4/10.0.0.2/tcp/" + std::to_string(i) + "/p2p/" + id_b}, 4000),
                          mdns_port, start);
  }
  const auto peers = service.peers(start);
  CHECK(peers.size() == 10);
  for (const mdns_peer& peer : peers) CHECK(peer.addresses.size() <= 3);
}

TEST_CASE("bytes of no meaning are counted and change nothing") {
  mdns_service service = make(id_a);
  service.announce(addresses({"/ip4/10.0.0.1/tcp/1"}), start);
  std::uint64_t bad = 0;
  for (const char* hostile :
       {"", "00", "0000000000010000000000", "000000000001000000000000", "000000000001000000000000c00c000c0001",
        "000000000000000100000000"
        "00000c00010000000000"
        "02c0ff",
        "000084000000ffff00000000"
        "00",
        "000084000000000100000000"
        "0178c019"
        "00100001000000090001ff"}) {
    CAPTURE(hostile);
    CHECK(service.receive(unhex(hostile), mdns_port, start).empty());
    CHECK(service.next_deadline() == time_point::max());
    bad += std::string_view{hostile}.starts_with("0000000000000001") ? 0u : 1u;
  }
  CHECK(service.counters().malformed == bad);
  // a text with a string that is longer than it
  dns_writer out{0, dns_flag::response};
  out.add({.section = dns_section::answer,
           .name = *dns_name::join("x", service_name),
           .type = dns_type::txt,
           .ttl = 9,
           .data = as_bytes("\x09x")});
  (void)service.receive(out.take(), mdns_port, start);
  CHECK(service.counters().malformed == bad + 1);
  CHECK_FALSE(service.next_found(start));
}

TEST_CASE("a change of address is told at once") {
  mdns_service service = make(id_a);
  service.announce(addresses({"/ip4/10.0.0.1/tcp/1"}), start);
  service.start(start);
  CHECK(outputs(service, start + 900ms).size() == 1);
  service.announce(addresses({"/ip4/10.0.0.1/tcp/1"}), start + 900ms);
  CHECK(outputs(service, start + 1s).empty());
  service.announce(addresses({"/ip4/10.0.0.7/tcp/1"}), start + 3s);
  bool told = false;
  for (const message& m : outputs(service, start + 3200ms)) told = told || is_response(m);
  CHECK(told);
}

TEST_CASE("who has lost its last address has nothing more to say") {
  mdns_service service = make(id_a);
  service.announce(addresses({"/ip4/10.0.0.1/tcp/1"}), start);
  (void)service.receive(question(), mdns_port, start);
  service.announce({}, start);
  CHECK(outputs(service, start + 10s).empty());
  CHECK(service.receive(question(false, 7), 40000, start).empty());
}

}  // namespace
