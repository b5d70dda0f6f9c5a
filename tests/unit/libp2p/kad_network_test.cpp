// SPDX-License-Identifier: BSL-1.0
//
// Sixty peers in virtual time that join by asking one of them, provide things and find them, while some are
// dead and some lie. The same every time: no clock, no threads, no sockets.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/libp2p/kad_query.hpp>
#include <shoal/libp2p/kad_server.hpp>

#include "kad_peers.hpp"

namespace {

using namespace std::chrono_literals;
using namespace shoal::libp2p;
using kad_peers::at;
using kad_peers::known;
using kad_peers::name;
using kad_peers::peer;
using clock = kad_query::clock;

enum class manner {
  honest,
  mute,     ///< takes requests and never answers
  dead,     ///< cannot be reached, which shows soon
  inventor  ///< names forty peers that do not exist and providers that are none
};

struct node {
  explicit node(std::uint32_t n)
      : number(n), self(known(n)), table(peer(n)), server(peer(n), {}, table, providers, own) {
    server.set_addresses({at(n)});
  }
  std::uint32_t number;
  kad_peer self;
  manner how = manner::honest;
  kad_table table;
  kad_provider_store providers = kad_provider_store{};
  kad_republisher own = kad_republisher{};
  kad_server server;
};

class network {
 public:
  static constexpr std::uint32_t first_ghost = 10'000;

  explicit network(std::uint32_t size) {
    for (std::uint32_t n = 0; n < size; ++n) nodes.push_back(std::make_unique<node>(n));
  }

  /// Walks to the end, and tells the table of whoever walks what it has met. Gives the time that it took.
  clock::duration run(node& from, kad_query& query) {
    const clock::time_point began = now;
    std::multimap<clock::time_point, std::function<void()>> coming;
    while (!query.done()) {
      while (auto request = query.next(now)) send(from, query, *std::move(request), coming);
      const auto deadline = query.next_deadline();
      const bool event_first = !coming.empty() && (!deadline || coming.begin()->first <= *deadline);
      if (!event_first && !deadline) throw std::logic_error("a walk waits for nothing");
      if (event_first) {
        now = coming.begin()->first;
        const auto what = std::move(coming.begin()->second);
        coming.erase(coming.begin());
        what();
      } else {
        now = *deadline;
        for (const peer_id& late : query.expire(now)) from.table.failed(late, now);
      }
    }
    return now - began;
  }

  std::vector<kad_peer> seeds(const node& from, const kad_key& target) {
    return from.table.closest(target, 20);
  }

  void join(node& who) {
    if (who.number != 0) who.table.seen(peer(0), std::vector{at(0)}, now);
    const peer_id self = peer(who.number);
    kad_query query = kad_query::find_node(self, {}, self.bytes(), seeds(who, kad_key::of(self.bytes())));
    run(who, query);
  }

  std::size_t provide(node& who, const shoal::multihash& what) {
    who.own.add(what, now);
    kad_query query = kad_query::provide(known(who.number), {}, what, seeds(who, kad_key::of(what)));
    run(who, query);
    return query.told();
  }

  /// Who is found to provide it.
  std::set<peer_id> find(node& who, const shoal::multihash& what) {
    kad_query query = kad_query::find_providers(peer(who.number), {}, what, 20, seeds(who, kad_key::of(what)));
    longest = std::max(longest, run(who, query));
    most_requests = std::max(most_requests, query.requests());
    std::set<peer_id> found;
    while (const auto provider = query.next_provider()) found.insert(provider->id);
    return found;
  }

  std::vector<std::unique_ptr<node>> nodes;
  clock::time_point now = {};
  clock::duration longest = {};
  std::size_t most_requests = 0;

 private:
  void send(node& from, kad_query& query, kad_request request,
            std::multimap<clock::time_point, std::function<void()>>& coming) {
    const peer_id to = request.to;
    node* const there = find_node_at(request);
    if (there == nullptr || there->how == manner::dead) {
      coming.emplace(now + 20ms, [this, &from, &query, to] {
        from.table.failed(to, now);
        query.failed(to);
      });
      return;
    }
    if (there->how == manner::mute) return;
    shoal::bytes_view in = request.message.bytes;
    delimited_reader reader{max_kad_request};
    const kad_message asked = *kad_message::decode(**reader.next(in));
    auto said = there->server.answer(from.self.id, asked, now);
    if (there->how == manner::inventor && *said) invent(**said);
    there->table.seen(from.self.id, from.self.addresses, now);
    coming.emplace(now + 10ms, [this, &from, &query, there, to, reply = *std::move(said)] {
      from.table.seen(to, there->self.addresses, now);
      if (reply) {
        query.answered(to, *reply);
      } else {
        query.sent(to);
      }
    });
  }

  node* find_node_at(const kad_request& request) {
    for (const auto& each : nodes) {
      if (each->self.id == request.to) {
        return request.addresses.front() == each->self.addresses.front() ? each.get() : nullptr;
      }
    }
    return nullptr;
  }

  void invent(kad_message& reply) {
    reply.closer.clear();
    for (int i = 0; i < 40; ++i) reply.closer.push_back(known(first_ghost + ++ghosts_));
    if (reply.type == kad_type::get_providers) reply.providers = {known(first_ghost + ++ghosts_)};
  }

  std::uint32_t ghosts_ = 0;
};

TEST_CASE("each finds what another provides, with dead peers, mute ones and liars among them") {
  network all{60};
  for (const auto& each : all.nodes) all.join(*each);
  for (const auto& each : all.nodes) CHECK(each->table.size() >= 20);
  for (std::uint32_t n = 0; n < 20; ++n) CHECK(all.provide(*all.nodes[3 * n], name(n)) == 20);
  for (std::uint32_t n = 1; n < 60; n += 12) all.nodes[n]->how = manner::dead;
  for (std::uint32_t n = 2; n < 60; n += 20) all.nodes[n]->how = manner::mute;
  for (std::uint32_t n = 5; n < 60; n += 12) all.nodes[n]->how = manner::inventor;
  for (std::uint32_t n = 0; n < 20; ++n) {
    node& who = *all.nodes[(3 * n + 31) % 60];
    if (who.how == manner::dead || who.how == manner::mute) continue;
    CAPTURE(n);
    CHECK(all.find(who, name(n)).contains(peer(3 * n)));
  }
  CHECK(all.most_requests < 100);
  CHECK(all.longest <= 30s);
}

TEST_CASE("a few peers are a network too") {
  network all{3};
  for (const auto& each : all.nodes) all.join(*each);
  CHECK(all.provide(*all.nodes[1], name(1)) == 2);
  CHECK(all.find(*all.nodes[2], name(1)) == std::set{peer(1)});
  all.nodes[1]->how = manner::dead;
  CHECK(all.find(*all.nodes[2], name(1)) == std::set{peer(1)});
  CHECK(all.provide(*all.nodes[2], name(1)) == 1);
  CHECK(all.find(*all.nodes[0], name(2)).empty());
}

TEST_CASE("a peer that was cut off is back when the network is") {
  network all{10};
  for (const auto& each : all.nodes) all.join(*each);
  all.provide(*all.nodes[3], name(3));
  for (std::uint32_t n = 0; n < 9; ++n) all.nodes[n]->how = manner::dead;
  CHECK(all.find(*all.nodes[9], name(3)).empty());
  for (std::uint32_t n = 0; n < 9; ++n) all.nodes[n]->how = manner::honest;
  CHECK(all.find(*all.nodes[9], name(3)) == std::set{peer(3)});
}

}  // namespace
