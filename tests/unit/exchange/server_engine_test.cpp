// SPDX-License-Identifier: BSL-1.0
#include <shoal/exchange/server_engine.hpp>  // first: shows that the header stands alone

#include <map>
#include <vector>

#include <doctest/doctest.h>

#include "blocks.hpp"

namespace {

using namespace shoal::exchange;
using shoal::cid;

constexpr std::size_t block = 256u << 10;
constexpr peer_handle alice{1};
constexpr peer_handle bob{2};

/// An engine over a store that answers when it is told to.
struct fixture {
  explicit fixture(const server_limits& limits = {}) : engine(limits) {
    engine.add_peer(alice);
    engine.add_peer(bob);
  }

  cid keep(std::uint64_t number, std::size_t size) {
    auto data = shoal::share(blocks::content(number, size));
    const cid id = blocks::name_of(data.bytes);
    store.emplace(id.hash(), std::move(data));
    return id;
  }

  /// As keep(), for blocks whose bytes nobody looks at: to make and hash many large ones would take long.
  cid pretend(std::uint64_t number, std::size_t size) {
    static const std::vector<std::byte> zeroes(shoal::max_block_size + 1);
    const cid id = blocks::name(number);
    store.emplace(id.hash(), shoal::shared_bytes{nullptr, shoal::bytes_view{zeroes}.first(size)});
    return id;
  }

  void hear(peer_handle peer, const std::vector<want_entry>& wants, bool full = false) {
    bitswap_writer out;
    for (const want_entry& w : wants) out.add_want(w);
    if (full) out.set_full();
    engine.receive(peer, blocks::read(out.finish()).message());
  }

  void answer(const lookup& asked) {
    const auto found = store.find(asked.id.hash());
    if (found == store.end()) {
      engine.missing(asked);
    } else if (asked.wants_bytes) {
      engine.found(asked, found->second);
    } else {
      engine.holds(asked, found->second.size());
    }
  }
  void answer_all() {
    while (const auto asked = engine.next_lookup()) answer(*asked);
  }

  /// Everything that is said from now on, in order; all of it leaves at once.
  std::vector<std::pair<peer_handle, blocks::read_back>> said() {
    std::vector<std::pair<peer_handle, blocks::read_back>> out;
    answer_all();
    while (const auto m = engine.next_message()) {
      out.emplace_back(m->peer, blocks::read(m->pieces));
      engine.sent(m->peer, m->size);
      answer_all();
    }
    return out;
  }

  server_engine engine;
  std::map<shoal::multihash, shoal::shared_bytes> store;
};

want_entry want(const cid& id, want_type type = want_type::block, bool send_dont_have = true,
                std::int32_t priority = 1) {
  return {.id = id, .priority = priority, .type = type, .send_dont_have = send_dont_have};
}
want_entry cancel(const cid& id) {
  want_entry out;
  out.id = id;
  out.cancel = true;
  return out;
}

TEST_CASE("a block that is there is sent once, and the want is over") {
  fixture f;
  const cid id = f.keep(1, 5000);
  f.hear(alice, {want(id), want(id)});
  const auto said = f.said();
  REQUIRE(said.size() == 1);
  CHECK(said[0].first == alice);
  REQUIRE(said[0].second.payloads.size() == 1);
  CHECK(*said[0].second.payloads[0].prefix.name(blocks::hash_of(said[0].second.payloads[0].data).digest()) ==
        id);
  CHECK(f.engine.wants(alice) == 0);
  CHECK(f.engine.outstanding() == 0);
  CHECK(f.engine.counters().blocks_sent == 1);
  f.hear(alice, {want(id)});
  CHECK(f.said().size() == 1);
}

TEST_CASE("who asks whether hears HAVE of a large block and gets a small one") {
  fixture f;
  const cid large = f.keep(1, 1025);
  const cid small = f.keep(2, 1024);
  f.hear(alice, {want(large, want_type::have), want(small, want_type::have)});
  std::size_t haves = 0;
  std::size_t payloads = 0;
  for (const auto& [peer, m] : f.said()) {
    for (const auto& p : m.presences) {
      CHECK(p.what == presence::have);
      CHECK(p.id == large);
      ++haves;
    }
    payloads += m.payloads.size();
  }
  CHECK(haves == 1);
  CHECK(payloads == 1);
  CHECK(f.engine.wants(alice) == 0);
}

TEST_CASE("DONT_HAVE is said to those who asked for it, and all are served when the block arrives") {
  fixture f;
  const cid id = blocks::name_of(blocks::content(1, 5000));
  f.hear(alice, {want(id)});
  f.hear(bob, {want(id, want_type::block, false)});
  auto said = f.said();
  REQUIRE(said.size() == 1);
  CHECK(said[0].first == alice);
  CHECK(said[0].second.presences.at(0).what == presence::dont_have);
  CHECK(f.engine.wants(alice) == 1);
  f.keep(1, 5000);
  f.engine.block_arrived(id.hash());
  said = f.said();
  REQUIRE(said.size() == 2);
  CHECK(said[0].second.payloads.size() == 1);
  CHECK(said[1].second.payloads.size() == 1);
  CHECK(f.engine.wants(alice) + f.engine.wants(bob) == 0);
  f.engine.block_arrived(id.hash());
  CHECK(f.said().empty());
}

TEST_CASE("a block that arrives serves its wants under every CID of its hash") {
  fixture f;
  const auto data = blocks::content(1, 2000);
  const cid raw = blocks::name_of(data);
  const cid old = *cid::v0(raw.hash());
  f.hear(alice, {want(raw), want(old)});
  f.said();
  f.keep(1, 2000);
  f.engine.block_arrived(raw.hash());
  const auto said = f.said();
  REQUIRE(said.size() == 1);
  REQUIRE(said[0].second.payloads.size() == 2);
  CHECK(said[0].second.payloads[0].prefix.version != said[0].second.payloads[1].prefix.version);
}

TEST_CASE("a block that is expected is served without a word before") {
  fixture f;
  const cid id = blocks::name_of(blocks::content(1, 2000));
  f.hear(alice, {want(id)});
  f.engine.expected(*f.engine.next_lookup());
  CHECK_FALSE(f.engine.next_message());
  f.keep(1, 2000);
  f.engine.block_arrived(id.hash());
  CHECK(f.said().size() == 1);
}

TEST_CASE("what is called off is not sent, wherever it is on its way") {
  fixture f;
  const cid queued = f.keep(1, 2000);
  const cid looking = f.keep(2, 2000);
  const cid answering = f.keep(3, 2000);
  const cid remembered = blocks::name_of(blocks::content(4, 2000));
  f.hear(alice, {want(remembered)});
  f.said();
  f.hear(alice,
         {want(looking, want_type::block, true, 3), want(answering, want_type::block, true, 2), want(queued)});
  const auto first = f.engine.next_lookup();
  REQUIRE(first->id == looking);
  f.answer(*f.engine.next_lookup());
  f.hear(alice, {cancel(queued), cancel(looking), cancel(answering), cancel(remembered)});
  f.answer(*first);
  f.keep(4, 2000);
  f.engine.block_arrived(remembered.hash());
  CHECK(f.said().empty());
  CHECK(f.engine.wants(alice) == 0);
  CHECK(f.engine.outstanding() == 0);
}

TEST_CASE("an answer to a want that was called off is none to the one that follows it") {
  fixture f;
  const cid id = f.keep(1, 2000);
  f.hear(alice, {want(id)});
  const auto old = f.engine.next_lookup();
  f.hear(alice, {cancel(id)});
  f.hear(alice, {want(id)});
  f.engine.missing(*old);
  const auto said = f.said();
  REQUIRE(said.size() == 1);
  CHECK(said[0].second.payloads.size() == 1);
  CHECK(said[0].second.presences.empty());
}

TEST_CASE("a want for the block overtakes the question whether we have it") {
  fixture f;
  const cid id = f.keep(1, 2000);
  f.hear(alice, {want(id, want_type::have)});
  const auto asked = f.engine.next_lookup();
  CHECK_FALSE(asked->wants_bytes);
  f.hear(alice, {want(id)});
  f.answer(*asked);
  const auto said = f.said();
  REQUIRE(said.size() == 1);
  CHECK(said[0].second.payloads.size() == 1);
  CHECK(said[0].second.presences.empty());
}

TEST_CASE("a full wantlist calls off what is not in it, and does not send the rest twice") {
  fixture f;
  const cid stays = f.keep(1, 2000);
  const cid goes = f.keep(2, 2000);
  f.hear(alice, {want(stays), want(goes)});
  f.answer_all();
  f.hear(alice, {want(stays)}, true);
  const auto said = f.said();
  REQUIRE(said.size() == 1);
  REQUIRE(said[0].second.payloads.size() == 1);
  CHECK(blocks::name_of(said[0].second.payloads[0].data) == stays);
}

TEST_CASE("priorities decide what one peer gets first, arrival does not") {
  server_limits limits;
  limits.message_size = 1;  // a block a message
  fixture f{limits};
  std::vector<cid> ids;
  std::vector<want_entry> wants;
  for (std::uint64_t i = 0; i < 20; ++i) {
    ids.push_back(f.keep(i, 2000));
    wants.push_back(want(ids.back(), want_type::block, true, static_cast<std::int32_t>(i)));
  }
  f.hear(alice, wants);
  const auto said = f.said();
  REQUIRE(said.size() == 20);
  for (std::size_t i = 0; i < 20; ++i) {
    CHECK(blocks::name_of(said[i].second.payloads.at(0).data) == ids[19 - i]);
  }
}

TEST_CASE("peers take turns by bytes, however many wants each has") {
  server_limits limits;
  limits.peer_budget = 100'000'000;
  limits.expected_block = 1000;
  fixture f{limits};
  std::vector<want_entry> large;
  std::vector<want_entry> small;
  for (std::uint64_t i = 0; i < 1000; ++i) large.push_back(want(f.pretend(i, 40'000)));
  for (std::uint64_t i = 1000; i < 2000; ++i) small.push_back(want(f.pretend(i, 10'000)));
  f.hear(alice, large);
  f.hear(bob, small);
  std::map<peer_handle, std::size_t> bytes;
  for (int i = 0; i < 500; ++i) {
    const auto asked = f.engine.next_lookup();
    REQUIRE(asked);
    bytes[asked->peer] += f.store.at(asked->id.hash()).size();
    f.answer(*asked);
  }
  CHECK(bytes[alice] > 1'000'000);
  const double ratio = static_cast<double>(bytes[alice]) / static_cast<double>(bytes[bob]);
  CHECK(ratio > 0.9);
  CHECK(ratio < 1.1);
}

TEST_CASE("a peer that reads nothing costs its budget and no more, and others are served") {
  fixture f;
  const server_limits limits;
  std::vector<want_entry> wants;
  for (std::uint64_t i = 0; i < 400; ++i) wants.push_back(want(f.pretend(i, block)));
  f.hear(alice, wants);
  f.answer_all();
  std::size_t in_flight = 0;
  while (const auto m = f.engine.next_message()) {
    in_flight += m->size;
    f.answer_all();
  }
  CHECK(in_flight <= limits.in_flight + limits.message_size + block);
  CHECK(f.engine.outstanding() <= limits.peer_budget + block + 1000);
  CHECK_FALSE(f.engine.next_lookup());
  f.hear(bob, {wants[7]});
  f.answer_all();
  const auto m = f.engine.next_message();
  REQUIRE(m);
  CHECK(m->peer == bob);
}

TEST_CASE("a hundred peers that read nothing leave room for one that does") {
  server_limits limits;
  fixture f{limits};
  std::vector<want_entry> wants;
  for (std::uint64_t i = 0; i < 100; ++i) wants.push_back(want(f.pretend(i, block)));
  for (std::uint32_t i = 0; i < 100; ++i) {
    f.engine.add_peer(peer_handle{100 + i});
    f.hear(peer_handle{100 + i}, wants);
  }
  f.answer_all();
  while (f.engine.next_message()) f.answer_all();
  CHECK(f.engine.outstanding() <= limits.total_budget + block);
  f.hear(bob, {wants[3]});
  std::size_t blocks = 0;
  f.answer_all();
  while (const auto m = f.engine.next_message()) blocks += m->peer == bob ? 1u : 0u;
  CHECK(blocks == 1);
}

TEST_CASE("wants without end are refused, counted, and cost nothing") {
  fixture f;
  for (std::uint64_t i = 0; i < 3000; i += 500) {
    std::vector<want_entry> wants;
    for (std::uint64_t j = 0; j < 500; ++j) wants.push_back(want(blocks::name(i + j)));
    f.hear(alice, wants);
  }
  CHECK(f.engine.wants(alice) == 1024);
  CHECK(f.engine.counters().wants_refused == 3000 - 1024);
  f.hear(bob, {want(*cid::parse("bafkqac3imvwgy3zao5xxe3de"))});
  CHECK(f.engine.wants(bob) == 0);
}

TEST_CASE("the newest questions push out the oldest that we could not answer") {
  fixture f;
  for (std::uint64_t i = 0; i < 3000; i += 500) {
    std::vector<want_entry> wants;
    for (std::uint64_t j = 0; j < 500; ++j) wants.push_back(want(blocks::name(i + j)));
    f.hear(alice, wants);
    f.said();
  }
  CHECK(f.engine.wants(alice) == 1024);
  CHECK(f.engine.counters().wants_refused == 0);
  const auto last = blocks::content(2999, 8);
  f.store.emplace(blocks::hash_of(last), shoal::share(std::vector(last)));
  f.engine.block_arrived(blocks::hash_of(last));
  CHECK(f.said().size() == 1);
}

TEST_CASE("messages stay below the limit of the protocol") {
  server_limits limits;
  limits.message_size = max_message_size;
  limits.peer_budget = 100'000'000;
  limits.total_budget = 1'000'000'000;
  fixture f{limits};
  std::vector<want_entry> wants;
  for (std::uint64_t i = 0; i < 5; ++i) wants.push_back(want(f.pretend(i, shoal::max_block_size)));
  for (std::uint64_t i = 0; i < 500; ++i) wants.push_back(want(blocks::name(100 + i)));
  f.hear(alice, wants);
  std::size_t payloads = 0;
  for (const auto& [peer, m] : f.said()) {
    CHECK(m.bytes.size() <= max_message_size);
    payloads += m.payloads.size();
  }
  CHECK(payloads == 5);
}

TEST_CASE("a large block goes alone, and small ones together") {
  fixture f;
  std::vector<want_entry> wants;
  for (std::uint64_t i = 0; i < 3; ++i) wants.push_back(want(f.pretend(i, 64 << 10)));
  for (std::uint64_t i = 3; i < 5; ++i) wants.push_back(want(f.pretend(i, 1 << 20)));
  for (std::uint64_t i = 5; i < 10; ++i) wants.push_back(want(f.pretend(i, 64 << 10)));
  f.hear(alice, wants);
  std::vector<std::size_t> counts;
  for (const auto& [peer, m] : f.said()) counts.push_back(m.payloads.size());
  CHECK(counts == std::vector<std::size_t>{3, 1, 1, 4, 1});
}

TEST_CASE("a block that is too large for the protocol is none") {
  fixture f;
  const cid id = f.pretend(1, shoal::max_block_size + 1);
  f.hear(alice, {want(id), want(f.pretend(2, shoal::max_block_size + 1), want_type::have)});
  for (const auto& [peer, m] : f.said()) {
    CHECK(m.payloads.empty());
    for (const auto& p : m.presences) CHECK(p.what == presence::dont_have);
  }
  CHECK(f.engine.outstanding() == 0);
}

TEST_CASE("a peer that goes takes everything with it, and its lookups end quietly") {
  fixture f;
  const cid here = f.keep(1, 2000);
  const cid gone = blocks::name_of(blocks::content(2, 2000));
  f.hear(alice, {want(gone)});
  f.said();
  f.hear(alice, {want(here, want_type::block, true, 5), want(f.keep(3, 2000))});
  const auto out = f.engine.next_lookup();
  f.answer(*f.engine.next_lookup());
  f.engine.remove_peer(alice);
  f.engine.remove_peer(alice);
  f.answer(*out);
  f.keep(2, 2000);
  f.engine.block_arrived(gone.hash());
  f.engine.sent(alice, 10);
  f.hear(alice, {want(here)});
  CHECK(f.said().empty());
  CHECK(f.engine.outstanding() == 0);
}

}  // namespace
