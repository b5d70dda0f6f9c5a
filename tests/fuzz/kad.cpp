// SPDX-License-Identifier: BSL-1.0
//
// A stream of messages for a peer in the distributed hash table, each after a byte that says from whom: asked
// of its server, and taken as answers by a walk. What is read can be written and is read again as the same;
// answers and stores stay within their limits; the walk ends.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <set>
#include <vector>

#include <shoal/libp2p/delimited.hpp>
#include <shoal/libp2p/kad_query.hpp>
#include <shoal/libp2p/kad_server.hpp>

namespace {

using namespace shoal::libp2p;
using namespace std::chrono_literals;
using shoal::bytes_view;

void require(bool truth) {
  if (!truth) std::abort();
}

peer_id peer(std::byte n) {
  const std::array<std::byte, 3> bytes{std::byte{0}, std::byte{1}, n};
  return *peer_id::decode(bytes);
}

const peer_id self = peer(std::byte{0});
constexpr std::size_t max_bytes = 4096;

struct subject {
  kad_realm realm;
  kad_table table{self, {.bucket_size = 2}};
  kad_provider_store providers{{.max_bytes = max_bytes, .max_providers = 3, .max_addresses = 2}};
  kad_republisher own;
  kad_server server{self, realm, table, providers, own};

  explicit subject(kad_realm where) : realm(where) {}

  void ask(const peer_id& from, const kad_message& asked, kad_table::clock::time_point now) {
    const auto said = server.answer(from, asked, now);
    require(providers.bytes() <= max_bytes);
    if (!said || !*said) return;
    const kad_message& reply = **said;
    require(reply.type == asked.type);
    require(reply.closer.size() <= kad_server::max_closer + 1);
    require(reply.providers.size() <= kad_server::max_providers);
    for (const kad_peer& each : reply.closer) {
      require(!each.addresses.empty());
      for (const multiaddr& address : each.addresses) require(realm.keeps(address));
    }
    require(kad_message::decode(reply.encode()) && *kad_message::decode(reply.encode()) == reply);
  }
};

/// Runs the walk up to its end: asked peers answer with `message` or fail, by turns.
void walk(kad_query query, const std::vector<kad_message>& messages) {
  kad_query::clock::time_point now{};
  std::set<peer_id> asked;
  std::size_t turn = 0;
  std::vector<kad_request> waiting;
  while (!query.done()) {
    bool moved = false;
    while (auto request = query.next(now)) {
      require(request->to != self && !request->addresses.empty() && !request->message.empty());
      waiting.push_back(*std::move(request));
      moved = true;
    }
    require(moved || !waiting.empty());
    require(query.next_deadline().has_value());
    while (!waiting.empty() && !query.done()) {
      const kad_request request = std::move(waiting.back());
      waiting.pop_back();
      const kad_message& message = messages[turn++ % messages.size()];
      if (turn % 7 == 0) {
        query.failed(request.to);
      } else if (!request.expects_answer) {
        query.sent(request.to);
      } else if (turn % 11 != 0) {
        query.answered(request.to, message);
      }
    }
    now += 10s;
    (void)query.expire(now);
    while (query.next_provider()) {
    }
  }
  require(query.closest().size() <= kad_query_options{}.closest);
  require(query.requests() <= kad_query_options{}.max_requests + kad_query_options{}.closest);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  bytes_view in{reinterpret_cast<const std::byte*>(data) + 1, size - 1};
  const kad_realm realm{(data[0] & 1) != 0 ? kad_network::global : kad_network::lan, (data[0] & 2) != 0};
  subject one{realm};
  one.server.set_addresses(
      {*multiaddr::parse("/ip4/10.0.0.1/tcp/4001"), *multiaddr::parse("/ip4/8.8.8.8/tcp/1")});
  kad_table::clock::time_point now{};
  std::vector<kad_message> messages;
  while (!in.empty()) {
    const peer_id from = peer(in.front());
    in = in.subspan(1);
    delimited_reader reader{max_kad_request};
    const auto body = reader.next(in);
    if (!body || !*body) break;
    const auto decoded = kad_message::decode(**body);
    if (!decoded) continue;
    const std::vector<std::byte> encoded = decoded->encode();
    const auto again = kad_message::decode(encoded);
    require(again.has_value() && *again == *decoded && again->encode() == encoded);
    require(decoded->closer.size() <= kad_message::max_peers && decoded->key.size() <= kad_message::max_key);
    one.ask(from, *decoded, now);
    for (const kad_peer& each : decoded->closer) one.table.seen(each.id, each.addresses, now);
    for (const kad_peer& each : decoded->providers) one.table.failed(each.id, now);
    require(!one.table.contains(self));
    if (messages.size() < 8) messages.push_back(*decoded);
    now += 1h;
    one.providers.expire(now);
  }
  if (messages.empty()) return 0;
  const std::vector<kad_peer> seeds = one.table.closest(kad_key::of(messages[0].key), 20);
  walk(kad_query::find_node(self, realm, messages[0].key, seeds), messages);
  bytes_view key = messages[0].key;
  if (const auto hash = shoal::multihash::take(key)) {
    walk(kad_query::find_providers(self, realm, *hash, 2, seeds), messages);
    walk(kad_query::provide({self, one.server.addresses()}, realm, *hash, seeds), messages);
  }
  return 0;
}
