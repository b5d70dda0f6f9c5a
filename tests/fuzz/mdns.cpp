// SPDX-License-Identifier: BSL-1.0
//
// Datagrams for a peer, each behind its length; the first byte chooses the options. What is read can be written
// and is read again as the same; the cache stays within its limits and believes no address that it must not;
// what the peer says can be read by another one.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/libp2p/dns_message.hpp>
#include <shoal/libp2p/mdns.hpp>
#include <shoal/libp2p/multiaddr.hpp>
#include <shoal/libp2p/peer_id.hpp>

namespace {

using namespace shoal::libp2p;
using shoal::bytes_view;

void require(bool truth) {
  if (!truth) std::abort();
}

struct contents {
  std::vector<dns_question> questions;
  std::vector<dns_record> records;
};

/// What a message holds, up to where it is damaged.
contents read(dns_reader in) {
  contents found;
  while (true) {
    const auto question = in.next_question();
    if (!question) return found;
    if (!*question) break;
    found.questions.push_back(**question);
  }
  while (true) {
    const auto record = in.next_record();
    if (!record || !*record) return found;
    found.records.push_back(**record);
  }
}

bool same(const dns_record& a, const dns_record& b) {
  // a reference in a pointer's data may have been another one
  const bool data = a.type == dns_type::ptr ? a.target == b.target : std::ranges::equal(a.data, b.data);
  return a.section == b.section && a.name == b.name && a.type == b.type && a.net == b.net &&
         a.unique == b.unique && a.ttl == b.ttl && data;
}

void check_round_trip(bytes_view datagram) {
  const auto in = dns_reader::open(datagram);
  if (!in) return;
  const contents found = read(*in);
  dns_writer out{in->id(), in->flags(), max_dns_message};
  contents written;
  for (const dns_question& q : found.questions) {
    if (out.ask(q)) written.questions.push_back(q);
  }
  for (const dns_record& r : found.records) {
    const bool plain = r.net == dns_class_internet && !r.unique;
    if (r.type == dns_type::ptr && !plain) continue;
    const bool added =
        r.type == dns_type::ptr ? out.add_pointer(r.section, r.name, r.ttl, r.target) : out.add(r);
    if (added) written.records.push_back(r);
  }
  const std::vector<std::byte> message = out.take();
  const contents again = read(*dns_reader::open(message));
  require(again.questions.size() == written.questions.size() && again.records.size() == written.records.size());
  for (std::size_t i = 0; i < again.questions.size(); ++i) {
    const dns_question& a = again.questions[i];
    const dns_question& b = written.questions[i];
    require(a.name == b.name && a.type == b.type && a.net == b.net && a.unicast == b.unicast);
  }
  for (std::size_t i = 0; i < again.records.size(); ++i) require(same(again.records[i], written.records[i]));
}

const peer_id self = *peer_id::parse("12D3KooWRawPbxPtP1eZaJpumGnyWX2DcUyd3RQnydr3eAto4Az7");

void check_peer(const mdns_peer& peer, const mdns_options& options) {
  require(peer.id != self && !peer.addresses.empty() && peer.addresses.size() <= options.max_addresses);
  for (const multiaddr& address : peer.addresses) require(address.peer() == peer.id);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  bytes_view in{reinterpret_cast<const std::byte*>(data) + 1, size - 1};
  const mdns_options options{.loopback = (data[0] & 1) != 0, .max_peers = 4, .max_addresses = 2};
  const std::array<std::byte, mdns_service::random_size> random{};
  mdns_service service{self, random, options};
  mdns_service other{peer_id{}, random, {.loopback = true}};
  mdns_service::clock::time_point now{};
  service.announce({*multiaddr::parse("/ip4/10.0.0.1/tcp/4001")}, now);
  service.start(now);
  while (in.size() >= 2) {
    const std::size_t length = std::min<std::size_t>(shoal::load_be<std::uint16_t>(in.data()), in.size() - 2);
    const bytes_view datagram = in.subspan(2, length);
    in = in.subspan(2 + length);
    check_round_trip(datagram);
    const std::uint16_t port = (data[0] & 2) != 0 && in.empty() ? std::uint16_t{40000} : mdns_port;
    const std::vector<std::byte> reply = service.receive(datagram, port, now);
    require(reply.size() <= mdns_service::max_answer);
    if (!reply.empty()) require(dns_reader::open(reply).has_value());
    std::size_t found = 0;
    while (const auto peer = service.next_found(now)) {
      check_peer(*peer, options);
      require(++found <= options.max_peers);
    }
    const auto peers = service.peers(now);
    require(peers.size() <= options.max_peers);
    for (const mdns_peer& peer : peers) check_peer(peer, options);
    now = std::min(service.next_deadline(), now + std::chrono::milliseconds{700});
    while (const auto said = service.next_output(now)) {
      require(said->size() <= mdns_service::max_answer);
      require(other.receive(*said, mdns_port, now).empty());
      require(other.counters().malformed == 0);
    }
  }
  return 0;
}
