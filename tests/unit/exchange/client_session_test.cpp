// SPDX-License-Identifier: BSL-1.0
#include <shoal/exchange/client_session.hpp>  // first: shows that the header stands alone

#include <chrono>
#include <optional>
#include <vector>

#include <doctest/doctest.h>

#include "blocks.hpp"

namespace {

using namespace shoal::exchange;
using namespace std::chrono_literals;
using shoal::cid;
using verdict = arrival::verdict;

constexpr peer_handle alice{1};
constexpr peer_handle bob{2};
constexpr peer_handle carol{3};

struct told {
  peer_handle peer;
  want_entry entry;
};

/// A session, and its time.
struct fixture {
  client_session<> session;
  instant now{};

  std::vector<told> says() {
    std::vector<told> out;
    while (const auto m = session.next_message(now)) {
      for (const want_entry& w : blocks::read(m->pieces).wants) out.push_back({m->peer, w});
    }
    return out;
  }
  void hear(peer_handle peer, const cid& id, presence what) {
    bitswap_writer out;
    out.add_presence(id, what);
    session.receive(peer, blocks::read(out.finish()).message(), now);
  }
  arrival block(peer_handle peer, const cid& id) { return session.arrived(peer, id.hash(), 1000, now); }
  std::optional<client_event> event() { return session.next_event(); }
};

const cid one = blocks::name(1);
const cid two = blocks::name(2);

bool is_fetch(const told& t, peer_handle peer, const cid& id) {
  return t.peer == peer && t.entry.id == id && t.entry.type == want_type::block && !t.entry.cancel;
}

TEST_CASE("one peer is asked for the block and the others whether they have it") {
  fixture f;
  for (const peer_handle peer : {alice, bob, carol}) f.session.add_peer(peer, 0);
  CHECK(f.session.want(one, {.priority = 7}, f.now));
  const auto said = f.says();
  REQUIRE(said.size() == 3);
  CHECK(is_fetch(said[0], alice, one));
  for (const told& t : said) {
    CHECK(t.entry.priority == 7);
    CHECK(t.entry.send_dont_have);
  }
  CHECK(said[1].entry.type == want_type::have);
  CHECK(said[2].entry.type == want_type::have);
}

TEST_CASE("a block is asked for once, however many want it") {
  fixture f;
  f.session.add_peer(alice, 0);
  CHECK(f.session.want(one, {}, f.now));
  CHECK_FALSE(f.session.want(one, {}, f.now));
  CHECK(f.says().size() == 1);
  CHECK_FALSE(f.session.want(one, {}, f.now));
  CHECK(f.says().empty());
  CHECK(f.session.wanted() == 1);
}

TEST_CASE("a reader who comes later makes haste with the peer, unless the block must be on its way") {
  fixture f;
  f.session.add_peer(alice, 0);
  for (std::uint64_t i = 0; i < 16; ++i) f.session.want(blocks::name(i), {}, f.now);
  auto asked = f.says();
  REQUIRE(asked.size() == 4);
  f.session.want(asked[0].entry.id, {.urgent = true}, f.now);
  CHECK(f.says().empty());
  f.session.want(asked[3].entry.id, {.urgent = true}, f.now);
  auto said = f.says();
  REQUIRE(said.size() == 1);
  CHECK(is_fetch(said[0], alice, asked[3].entry.id));
  CHECK(said[0].entry.priority == want_options::urgent_priority);
  f.session.want(asked[3].entry.id, {.urgent = true}, f.now);
  CHECK(f.says().empty());
  REQUIRE(f.session.next_deadline());
}

TEST_CASE("a reader who comes later has the block from a quicker peer, if there is one") {
  fixture f;
  f.session.add_peer(alice, 0);
  for (std::uint64_t i = 0; i < 4; ++i) f.session.want(blocks::name(i), {}, f.now);
  const auto asked = f.says();
  REQUIRE(asked.size() == 4);
  const auto late = f.session.next_deadline();
  f.session.add_peer(bob, 0);
  f.session.measured(bob, 100us, f.now);
  f.session.measured(alice, 1s, f.now);
  f.session.want(asked[0].entry.id, {.urgent = true}, f.now);
  const auto said = f.says();
  REQUIRE(said.size() == 1);
  CHECK(is_fetch(said[0], bob, asked[0].entry.id));
  CHECK(f.session.counters().late == 0);
  f.now += 1ms;
  CHECK(f.block(bob, asked[0].entry.id).what == verdict::accepted);
  const auto after = f.says();
  REQUIRE(after.size() == 1);
  CHECK(after[0].peer == alice);
  CHECK(after[0].entry.cancel);
  CHECK(f.session.next_deadline() >= late);
  CHECK(f.block(alice, asked[0].entry.id).what == verdict::duplicate);
}

TEST_CASE("urgent wants go first, then high priorities, then old ones") {
  fixture f;
  f.session.want(blocks::name(1), {.priority = 1}, f.now);
  f.session.want(blocks::name(2), {.priority = 9}, f.now);
  f.session.want(blocks::name(3), {.priority = 1}, f.now);
  f.session.want(blocks::name(4), {.priority = 0, .urgent = true}, f.now);
  f.session.add_peer(alice, 0);
  const auto said = f.says();
  REQUIRE(said.size() == 4);
  CHECK(said[0].entry.id == blocks::name(4));
  CHECK(said[1].entry.id == blocks::name(2));
  CHECK(said[2].entry.id == blocks::name(1));
  CHECK(said[3].entry.id == blocks::name(3));
}

TEST_CASE("the block is accepted once, and everybody who was asked hears that it is over") {
  fixture f;
  f.session.add_peer(alice, 0);
  f.session.add_peer(bob, 0);
  f.session.want(one, {}, f.now);
  f.says();
  f.now += 1ms;
  const arrival a = f.block(alice, one);
  CHECK(a.what == verdict::accepted);
  CHECK(a.id == one);
  auto said = f.says();
  REQUIRE(said.size() == 1);  // alice's can wait
  CHECK(said[0].peer == bob);
  CHECK(said[0].entry.cancel);
  CHECK(f.block(bob, one).what == verdict::duplicate);
  CHECK(f.block(alice, one).what == verdict::duplicate);  // once may be a misunderstanding
  CHECK_FALSE(f.event());
  CHECK(f.session.counters().duplicates == 2);
  f.session.remove_peer(bob);
  f.session.want(two, {}, f.now);
  said = f.says();
  REQUIRE(said.size() == 2);
  CHECK(said[0].entry.cancel);
  CHECK(said[0].entry.id == one);
  CHECK(is_fetch(said[1], alice, two));
}

TEST_CASE("a cancel and a new want of the same block travel in two messages") {
  fixture f;
  f.session.add_peer(alice, 0);
  f.session.want(one, {}, f.now);
  f.says();
  f.block(alice, one);
  f.session.want(one, {}, f.now);
  const auto first = f.session.next_message(f.now);
  const auto second = f.session.next_message(f.now);
  REQUIRE(first);
  REQUIRE(second);
  CHECK(blocks::read(first->pieces).wants.at(0).cancel);
  CHECK_FALSE(blocks::read(second->pieces).wants.at(0).cancel);
}

TEST_CASE("after a stream is lost the wants are told anew, and what was told before may come") {
  fixture f;
  f.session.add_peer(alice, 0);
  f.session.want(one, {}, f.now);
  f.session.want(two, {}, f.now);
  CHECK(f.says().size() == 2);
  f.session.stream_lost(alice);
  f.session.unwant(two);
  const auto said = f.says();
  REQUIRE(said.size() == 1);
  CHECK(is_fetch(said[0], alice, one));
  CHECK(f.block(alice, two).what == verdict::duplicate);
  CHECK(f.block(alice, one).what == verdict::accepted);
  CHECK(f.block(alice, one).what == verdict::duplicate);
  CHECK_FALSE(f.event());
}

TEST_CASE("what waited for a stream that is lost is not sent twice") {
  fixture f;
  f.session.add_peer(alice, 0);
  f.session.add_peer(bob, 0);
  f.session.want(one, {}, f.now);
  REQUIRE(f.session.next_message(f.now));  // to the first; the second's waits
  f.session.stream_lost(bob);
  f.session.stream_lost(carol);  // not there
  for (const told& t : f.says()) CHECK(t.peer != bob);
}

TEST_CASE("a block is welcome from a peer that has gone while it was hashed") {
  fixture f;
  f.session.add_peer(alice, 0);
  f.session.add_peer(bob, 0);
  f.session.want(one, {}, f.now);
  f.says();
  f.session.remove_peer(alice);
  f.says();
  CHECK(f.block(alice, one).what == verdict::accepted);
  CHECK(f.block(alice, one).what == verdict::duplicate);
  const auto said = f.says();
  REQUIRE(said.size() == 1);
  CHECK(said[0].peer == bob);
  CHECK(said[0].entry.cancel);
  CHECK_FALSE(f.event());
}

TEST_CASE("DONT_HAVE moves the request at once, to who has said HAVE if there is one") {
  fixture f;
  for (const peer_handle peer : {alice, bob, carol}) f.session.add_peer(peer, 0);
  f.session.want(one, {}, f.now);
  f.says();
  f.hear(carol, one, presence::have);
  CHECK(f.says().empty());
  f.hear(alice, one, presence::dont_have);
  auto said = f.says();
  REQUIRE(said.size() == 1);
  CHECK(is_fetch(said[0], carol, one));
  f.hear(carol, one, presence::dont_have);
  said = f.says();
  REQUIRE(said.size() == 1);
  CHECK(is_fetch(said[0], bob, one));
}

TEST_CASE("a disconnect moves the request at once") {
  fixture f;
  f.session.add_peer(alice, 0);
  f.session.add_peer(bob, 0);
  f.session.want(one, {}, f.now);
  f.says();
  f.session.remove_peer(alice);
  const auto said = f.says();
  REQUIRE(said.size() == 1);
  CHECK(is_fetch(said[0], bob, one));
}

TEST_CASE("a peer that is late is not given up, but another is asked as well") {
  fixture f;
  f.session.add_peer(alice, 0);
  f.session.add_peer(bob, 0);
  f.session.want(one, {}, f.now);
  f.session.want(two, {}, f.now);
  f.says();
  const auto deadline = f.session.next_deadline();
  REQUIRE(deadline);
  f.now = *deadline;
  f.session.tick(f.now);
  std::size_t fetches = 0;
  for (const told& t : f.says()) {
    CHECK_FALSE(t.entry.cancel);
    fetches += t.entry.type == want_type::block ? 1u : 0u;
  }
  CHECK(fetches >= 1);
  CHECK(f.session.counters().stalls >= 1);
  CHECK(f.block(alice, one).what == verdict::accepted);
  CHECK_FALSE(f.event());
}

TEST_CASE("no more copies are on their way than allowed") {
  fixture f;
  for (std::uint32_t i = 1; i <= 10; ++i) f.session.add_peer(peer_handle{i}, 0);
  f.session.want(one, {}, f.now);
  std::vector<peer_handle> fetching;
  for (int i = 0; i < 30; ++i) {
    for (const told& t : f.says()) {
      if (t.entry.cancel)
        std::erase(fetching, t.peer);
      else if (t.entry.type == want_type::block)
        fetching.push_back(t.peer);
    }
    CHECK(fetching.size() <= static_cast<std::size_t>(client_session<>::max_copies));
    f.now = *f.session.next_deadline();
    f.session.tick(f.now);
  }
}

TEST_CASE("a block that nobody wanted of this peer ends its service, and its work is given to others") {
  fixture f;
  f.session.add_peer(alice, 0);
  f.session.add_peer(bob, 0);
  f.session.want(one, {}, f.now);
  f.says();
  CHECK(f.block(alice, blocks::name(99)).what == verdict::unwanted);
  const auto e = f.event();
  REQUIRE(e);
  CHECK(e->what == client_event::kind::misbehaved);
  CHECK(e->peer == alice);
  const auto said = f.says();
  REQUIRE(said.size() == 1);
  CHECK(is_fetch(said[0], bob, one));
  CHECK_FALSE(f.session.may_send(alice));
  CHECK(f.block(alice, one).what == verdict::unwanted);
  CHECK(f.session.wanted() == 1);
  f.session.misbehaved(alice);
  CHECK_FALSE(f.event());
  f.session.remove_peer(alice);
  CHECK(f.block(bob, one).what == verdict::accepted);
}

TEST_CASE("a peer that sends the same block again and again goes") {
  fixture f;
  f.session.add_peer(alice, 0);
  f.session.want(one, {}, f.now);
  f.says();
  CHECK(f.block(alice, one).what == verdict::accepted);
  CHECK(f.block(alice, one).what == verdict::duplicate);
  CHECK(f.block(alice, one).what == verdict::unwanted);
  const auto e = f.event();
  REQUIRE(e);
  CHECK(e->what == client_event::kind::misbehaved);
}

TEST_CASE("a block that comes after another peer's still tells how slow its sender is") {
  fixture f;
  f.session.add_peer(alice, 0);
  f.session.add_peer(bob, 0);
  f.session.want(one, {}, f.now);
  f.says();
  f.now = *f.session.next_deadline();
  f.session.tick(f.now);
  f.says();
  CHECK(f.block(bob, one).what == verdict::accepted);
  CHECK(f.session.estimate(alice)->rate() == peer_estimate::unknown_rate);
  f.now += 10s;
  CHECK(f.block(alice, one).what == verdict::duplicate);
  CHECK(f.session.estimate(alice)->rate() < 1000);
}

TEST_CASE("only who has been asked for something is worth hashing for") {
  fixture f;
  f.session.add_peer(alice, 0);
  CHECK_FALSE(f.session.may_send(alice));
  f.session.want(one, {}, f.now);
  f.says();
  CHECK(f.session.may_send(alice));
  f.session.unwant(one);
  CHECK(f.session.may_send(alice));
  CHECK_FALSE(f.session.may_send(bob));
}

TEST_CASE("a want that is called off is called off with the peers, and may still come") {
  fixture f;
  f.session.add_peer(alice, 0);
  f.session.want(one, {}, f.now);
  f.says();
  f.session.unwant(one);
  f.session.unwant(two);
  const auto said = f.says();
  REQUIRE(said.size() == 1);
  CHECK(said[0].entry.cancel);
  CHECK(f.block(alice, one).what == verdict::duplicate);
  CHECK_FALSE(f.session.next_deadline());
}

TEST_CASE("the driver hears when nobody is left to ask, and a new peer is asked") {
  fixture f;
  f.session.want(one, {}, f.now);
  CHECK(f.says().empty());
  auto e = f.event();
  REQUIRE(e);
  CHECK(e->what == client_event::kind::unmet);
  CHECK(e->id == one);
  f.session.add_peer(alice, 0);
  CHECK(f.says().size() == 1);
  f.hear(alice, one, presence::dont_have);
  CHECK(f.says().empty());
  e = f.event();
  REQUIRE(e);
  CHECK(e->what == client_event::kind::unmet);
  CHECK_FALSE(f.event());
  f.session.add_peer(bob, 0);
  CHECK(f.says().size() == 1);
}

TEST_CASE("who has no more peers to ask while one is late hears that, and is patient with a slow line") {
  fixture f;
  f.session.add_peer(alice, 0);
  f.session.want(one, {}, f.now);
  f.says();
  f.now = *f.session.next_deadline();
  f.session.tick(f.now);
  CHECK(f.says().empty());
  const auto e = f.event();
  REQUIRE(e);
  CHECK(e->what == client_event::kind::overdue);
  while (f.now - instant{} < 29s) {
    f.now = *f.session.next_deadline();
    f.session.tick(f.now);
    if (f.now - instant{} < 30s) CHECK(f.says().empty());
  }
  CHECK_FALSE(f.event());
  CHECK(f.block(alice, one).what == verdict::accepted);
}

TEST_CASE("peers that did not have a block are asked again after a while, less and less often") {
  fixture f;
  f.session.add_peer(alice, 0);
  f.session.want(one, {}, f.now);
  std::vector<instant> asked;
  while (f.now - instant{} < 200s) {
    if (!f.says().empty()) {
      asked.push_back(f.now);
      f.hear(alice, one, presence::dont_have);
      f.says();
    }
    f.now = *f.session.next_deadline();
    f.session.tick(f.now);
  }
  REQUIRE(asked.size() > 5);
  CHECK(asked.size() < 15);
  CHECK(asked[1] - asked[0] == 1s);
  CHECK(asked.back() - asked[asked.size() - 2] == 30s);
}

TEST_CASE("an origin is asked for what no neighbour has, and for nothing else") {
  fixture f;
  f.session.add_peer(alice, 0);
  f.session.add_peer(bob, 0);
  f.session.add_peer(carol, 1);
  f.session.want(one, {}, f.now);
  for (const told& t : f.says()) CHECK(t.peer != carol);
  f.hear(alice, one, presence::dont_have);
  for (const told& t : f.says()) CHECK(t.peer != carol);
  f.hear(bob, one, presence::dont_have);
  const auto said = f.says();
  REQUIRE(said.size() == 1);
  CHECK(is_fetch(said[0], carol, one));
}

TEST_CASE("a peer that knows enough wants is told of no more, and others are asked") {
  fixture f;
  f.session.add_peer(alice, 0);
  for (std::uint64_t i = 0; i < client_session<>::max_told; ++i) {
    f.session.want(blocks::name(i), {}, f.now);
    REQUIRE(f.says().size() == 1);
    f.hear(alice, blocks::name(i), presence::dont_have);
    f.says();
  }
  while (f.event()) continue;
  const cid last = blocks::name(5000);
  f.session.want(last, {.priority = 9}, f.now);
  CHECK(f.says().empty());
  const auto e = f.event();
  REQUIRE(e);
  CHECK(e->what == client_event::kind::unmet);
  CHECK(e->id == last);
  f.session.add_peer(bob, 1);
  CHECK(is_fetch(f.says().at(0), bob, last));
}

TEST_CASE("who promises and takes back is not believed a third time") {
  fixture f;
  f.session.add_peer(alice, 0);
  f.session.add_peer(bob, 0);
  f.session.want(one, {}, f.now);
  std::size_t asked = 0;
  for (int i = 0; i < 50; ++i) {
    for (const told& t : f.says()) asked += is_fetch(t, alice, one) ? 1u : 0u;
    f.hear(alice, one, presence::dont_have);
    f.hear(alice, one, presence::have);
  }
  CHECK(asked == 2);
  for (const told& t : f.says()) asked += is_fetch(t, alice, one) ? 1u : 0u;
  CHECK(asked == 2);
}

TEST_CASE("answers about what was never asked change nothing") {
  fixture f;
  f.session.add_peer(alice, 0);
  f.hear(alice, one, presence::have);
  f.hear(bob, one, presence::have);
  f.session.want(one, {}, f.now);
  f.hear(alice, one, presence::dont_have);  // it has not heard of it yet
  CHECK(f.says().size() == 1);
}

TEST_CASE("a peer gets no more at once than its window, and the rest as blocks arrive") {
  fixture f;
  f.session.add_peer(alice, 0);
  for (std::uint64_t i = 0; i < 100; ++i) f.session.want(blocks::name(i), {}, f.now);
  auto said = f.says();
  CHECK(said.size() >= peer_estimate::min_window);
  CHECK(said.size() < 20);
  const std::size_t first = said.size();
  f.now += 1ms;
  f.block(alice, said[0].entry.id);
  said = f.says();
  CHECK(said.size() >= 1);
  CHECK(said.size() <= first + 2);
  f.session.want(blocks::name(500), {.urgent = true}, f.now);
  said = f.says();
  REQUIRE(said.size() == 1);
  CHECK(said[0].entry.id == blocks::name(500));
}

TEST_CASE("a new peer is asked at once for what waits for room with another") {
  fixture f;
  f.session.add_peer(alice, 0);
  for (std::uint64_t i = 0; i < 100; ++i) f.session.want(blocks::name(i), {}, f.now);
  CHECK_FALSE(f.says().empty());
  CHECK(f.says().empty());
  f.session.add_peer(bob, 0);
  std::size_t fetches = 0;
  for (const told& t : f.says()) {
    if (t.entry.type != want_type::block) continue;
    CHECK(t.peer == bob);
    ++fetches;
  }
  CHECK(fetches >= peer_estimate::min_window);
}

TEST_CASE("what waits for room goes on when who has none leaves, or has said no") {
  fixture f;
  f.session.add_peer(alice, 0);
  f.session.add_peer(bob, 1);
  for (std::uint64_t i = 0; i < 100; ++i) f.session.want(blocks::name(i), {}, f.now);
  const auto said = f.says();
  for (const told& t : said) {
    CHECK(t.peer == alice);
    f.hear(alice, t.entry.id, presence::dont_have);
  }
  std::size_t bobs = 0;
  for (const told& t : f.says()) bobs += t.peer == bob ? 1u : 0u;
  CHECK(bobs == said.size());
  f.session.remove_peer(alice);
  for (const told& t : f.says()) CHECK(t.peer == bob);
  REQUIRE(f.session.next_deadline());
}

/// A policy of one's own: everything from the peer whose number the CID's last byte says.
struct by_name {
  choice choose(const open_want& want, std::span<const candidate> peers, instant) const {
    choice out;
    out.what = choice::verdict::ask;
    out.fetch = std::to_integer<std::size_t>(want.id.hash().digest().back()) % peers.size();
    out.patience = 1s;
    return out;
  }
};
static_assert(peer_choice<by_name>);

TEST_CASE("whom to ask is the policy's to say") {
  client_session<by_name> session;
  session.add_peer(alice, 0);
  session.add_peer(bob, 0);
  for (std::uint64_t i = 0; i < 8; ++i) session.want(blocks::name(i), {}, instant{});
  std::size_t entries = 0;
  while (const auto m = session.next_message(instant{})) {
    for (const want_entry& w : blocks::read(m->pieces).wants) {
      const auto last = std::to_integer<std::uint32_t>(w.id.hash().digest().back());
      CHECK(m->peer == peer_handle{1 + last % 2});
      ++entries;
    }
  }
  CHECK(entries == 8);
}

}  // namespace
