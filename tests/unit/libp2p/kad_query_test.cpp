// SPDX-License-Identifier: BSL-1.0
#include <shoal/libp2p/kad_query.hpp>  // first: shows that the header stands alone

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/libp2p/delimited.hpp>

#include "kad_peers.hpp"

namespace {

using namespace std::chrono_literals;
using namespace shoal::libp2p;
using kad_peers::at;
using kad_peers::known;
using kad_peers::name;
using kad_peers::peer;

const kad_query::clock::time_point start{};

/// The message of a request, checked to be one in whole.
kad_message content(const kad_request& request) {
  delimited_reader reader{max_kad_request};
  shoal::bytes_view in = request.message.bytes;
  const auto body = reader.next(in);
  REQUIRE(body);
  REQUIRE(*body);
  CHECK(in.empty());
  return *kad_message::decode(**body);
}

std::vector<kad_peer> peers(std::uint32_t first, std::uint32_t last) {
  std::vector<kad_peer> some;
  for (std::uint32_t n = first; n <= last; ++n) some.push_back(known(n));
  return some;
}

kad_message answer(kad_type type, std::vector<kad_peer> closer, std::vector<kad_peer> providers = {}) {
  return {.type = type, .closer = std::move(closer), .providers = std::move(providers)};
}

std::vector<kad_request> take_all(kad_query& query, kad_query::clock::time_point now = start) {
  std::vector<kad_request> all;
  while (auto request = query.next(now)) all.push_back(*std::move(request));
  return all;
}

TEST_CASE("without anybody to ask a walk is over at once") {
  kad_query query = kad_query::find_node(peer(0), {}, shoal::as_bytes("x"), {});
  CHECK(query.done());
  CHECK_FALSE(query.next(start));
  CHECK(query.closest().empty());
  CHECK(kad_query::provide(known(0), {}, name(1), {}).done());
  CHECK(kad_query::find_providers(peer(0), {}, name(1), 1, {}).done());
}

TEST_CASE("the closest are asked first, ten at a time") {
  auto seeds = peers(1, 30);
  kad_query query = kad_query::find_node(peer(0), {}, bytes_of(name(1)), seeds);
  const kad_key target = kad_key::of(name(1));
  std::ranges::sort(seeds, {}, [&](const kad_peer& p) { return kad_key::of(p.id.bytes()) ^ target; });
  const auto asked = take_all(query);
  REQUIRE(asked.size() == 10);
  for (std::size_t i = 0; i < asked.size(); ++i) {
    CHECK(asked[i].to == seeds[i].id);
    CHECK(asked[i].addresses == seeds[i].addresses);
    CHECK(asked[i].expects_answer);
  }
  CHECK(content(asked[0]) == kad_message{.type = kad_type::find_node, .key = bytes_of(name(1))});
  query.answered(asked[0].to, answer(kad_type::find_node, {}));
  CHECK(take_all(query).size() == 1);
}

TEST_CASE("a walk ends when the twenty closest have answered") {
  const auto seeds = peers(1, 30);
  kad_query query = kad_query::find_node(peer(0), {}, bytes_of(name(1)), seeds);
  std::size_t asked = 0;
  while (const auto request = query.next(start)) {
    ++asked;
    query.answered(request->to, answer(kad_type::find_node, seeds));
  }
  CHECK(query.done());
  CHECK(asked == 20);
  CHECK(query.closest().size() == 20);
}

TEST_CASE("a walk follows what it is told, and asks nobody twice, nor itself, nor the unreachable") {
  kad_query query = kad_query::find_node(peer(0), {}, bytes_of(name(1)), peers(1, 2));
  std::multiset<peer_id> asked;
  auto named = peers(0, 9);
  named.push_back({peer(10)});
  named.push_back({peer(11), {*multiaddr::parse("/ip4/127.0.0.1/tcp/1")}});
  while (const auto request = query.next(start)) {
    asked.insert(request->to);
    query.answered(request->to, answer(kad_type::find_node, named));
  }
  CHECK(query.done());
  CHECK(asked.size() == 9);
  for (std::uint32_t n = 1; n <= 9; ++n) CHECK(asked.count(peer(n)) == 1);
}

TEST_CASE("who fails is passed over, and tried once more at another address") {
  kad_query query = kad_query::find_node(peer(0), {}, bytes_of(name(1)), peers(1, 2));
  CHECK(take_all(query).size() == 2);
  query.failed(peer(1));
  CHECK_FALSE(query.done());
  query.answered(peer(2), answer(kad_type::find_node, {{peer(1), {at(1), at(77)}}}));
  const auto again = take_all(query);
  REQUIRE(again.size() == 1);
  CHECK(again[0].addresses == std::vector{at(1), at(77)});
  query.failed(peer(1));
  CHECK(query.done());
  CHECK(query.closest() == std::vector{known(2)});
  CHECK(query.addresses_of(peer(1)).size() == 2);
  CHECK(query.addresses_of(peer(3)).empty());
}

TEST_CASE("slow peers hold up nobody, and fail in the end") {
  kad_query query = kad_query::find_node(peer(0), {}, bytes_of(name(1)), peers(1, 40));
  CHECK(query.next_deadline() == std::nullopt);
  CHECK(take_all(query).size() == 10);
  CHECK(query.next_deadline() == start + 1s);
  CHECK(query.expire(start + 999ms).empty());
  CHECK(take_all(query, start + 999ms).empty());
  CHECK(query.expire(start + 1s).empty());
  CHECK(take_all(query, start + 1s).size() == 10);
  CHECK(query.expire(start + 10s).size() == 10);
  CHECK(query.expire(start + 11s).size() == 10);
  CHECK_FALSE(query.done());
  // nobody speaks: the others have their turn, and then it is over
  for (auto now = start + 11s; !query.done(); now += 10s) {
    CHECK_FALSE(take_all(query, now).empty());
    (void)query.expire(now + 10s);
  }
  CHECK(query.requests() == 40);
}

TEST_CASE("answers that nobody waits for are ignored, answers to another question are failures") {
  kad_query query = kad_query::find_node(peer(0), {}, bytes_of(name(1)), peers(1, 2));
  query.answered(peer(1), answer(kad_type::find_node, peers(3, 9)));
  query.answered(peer(50), answer(kad_type::find_node, peers(3, 9)));
  query.failed(peer(50));
  query.sent(peer(1));
  CHECK(take_all(query).size() == 2);
  query.answered(peer(1), answer(kad_type::ping, peers(3, 9)));
  query.answered(peer(1), answer(kad_type::find_node, peers(3, 9)));
  query.answered(peer(2), answer(kad_type::find_node, {}));
  CHECK(query.done());
  CHECK(query.closest() == std::vector{known(2)});
}

TEST_CASE("a walk through endless peers ends") {
  kad_query query = kad_query::find_node(peer(0), {}, bytes_of(name(1)), peers(1, 1));
  std::uint32_t next = 1000;
  std::size_t asked = 0;
  while (const auto request = query.next(start)) {
    ++asked;
    query.answered(request->to, answer(kad_type::find_node, peers(next, next + 127)));
    next += 128;
  }
  CHECK(query.done());
  CHECK(asked <= kad_query_options{}.max_requests);
}

TEST_CASE("who names only the dead is followed no further, and does not hide what others name") {
  // peer 1 names 40 that do not exist; peers 2 to 25 answer and name each other
  kad_query query = kad_query::find_node(peer(0), {}, bytes_of(name(1)), peers(1, 2));
  const auto ghosts = peers(1000, 1030);
  std::size_t dead = 0;
  while (const auto request = query.next(start)) {
    if (request->to == peer(1)) {
      auto mixed = ghosts;
      mixed.insert(mixed.end(), {known(20), known(21)});
      query.answered(request->to, answer(kad_type::find_node, mixed));
      continue;
    }
    if (std::ranges::find(ghosts, request->to, &kad_peer::id) != ghosts.end()) {
      ++dead;
      query.failed(request->to);
      continue;
    }
    query.answered(request->to, answer(kad_type::find_node, peers(2, 25)));
  }
  CHECK(query.done());
  CHECK(query.closest().size() == 20);
  CHECK(dead < 20);
}

TEST_CASE("providers are given as they are found, once each, and again with new addresses") {
  kad_query query = kad_query::find_providers(peer(0), {}, name(1), 20, peers(1, 3));
  const auto asked = take_all(query);
  CHECK(content(asked[0]) == kad_message{.type = kad_type::get_providers, .key = bytes_of(name(1))});
  query.answered(peer(1), answer(kad_type::get_providers, {}, {known(9), {peer(8)}, known(0)}));
  std::vector<kad_peer> found;
  while (const auto provider = query.next_provider()) found.push_back(*provider);
  CHECK(found == std::vector<kad_peer>{{peer(8)}, known(9)});
  query.answered(peer(2), answer(kad_type::get_providers, {}, {known(9), known(8)}));
  CHECK(query.next_provider() == known(8));
  CHECK_FALSE(query.next_provider());
  CHECK_FALSE(query.done());
  query.failed(peer(3));
  CHECK(query.done());
}

TEST_CASE("the search for providers ends with enough of them, from two peers at least") {
  kad_query query = kad_query::find_providers(peer(0), {}, name(1), 3, peers(1, 9));
  CHECK(take_all(query).size() == 9);
  query.answered(peer(1), answer(kad_type::get_providers, {}, peers(100, 200)));
  CHECK_FALSE(query.done());
  query.answered(peer(2), answer(kad_type::get_providers, {}, {}));
  CHECK_FALSE(query.done());
  query.answered(peer(3), answer(kad_type::get_providers, {}, peers(100, 100)));
  CHECK(query.done());
  CHECK_FALSE(query.next(start));
  std::size_t found = 0;
  while (query.next_provider()) ++found;
  CHECK(found == 12);
  query.answered(peer(4), answer(kad_type::get_providers, {}, peers(100, 200)));
  CHECK(query.done());
}

TEST_CASE("to provide is to tell the closest that have answered") {
  kad_peer self = known(0);
  self.addresses.push_back(*multiaddr::parse("/ip4/127.0.0.1/tcp/1"));
  kad_query query = kad_query::provide(self, {}, name(1), peers(1, 30));
  std::set<peer_id> answering;
  std::optional<kad_request> telling;
  for (std::size_t i = 0; !telling; ++i) {
    const auto request = query.next(start);
    REQUIRE(request);
    if (!request->expects_answer) {
      telling = request;
    } else if (i == 0) {
      query.failed(request->to);
    } else {
      answering.insert(request->to);
      query.answered(request->to, answer(kad_type::find_node, {}));
    }
  }
  CHECK(answering.size() == 20);
  const kad_message said = content(*telling);
  CHECK(said.type == kad_type::add_provider);
  CHECK(said.key == bytes_of(name(1)));
  CHECK(said.providers == std::vector{known(0)});
  std::set<peer_id> told;
  query.failed(telling->to);
  while (const auto request = query.next(start)) {
    CHECK_FALSE(request->expects_answer);
    CHECK(answering.contains(request->to));
    CHECK(told.insert(request->to).second);
    query.sent(request->to);
  }
  CHECK(query.done());
  CHECK(query.told() == 19);
}

}  // namespace
