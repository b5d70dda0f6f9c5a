// SPDX-License-Identifier: BSL-1.0
#include <shoal/exchange/want_book.hpp>  // first: shows that the header stands alone

#include <chrono>

#include <doctest/doctest.h>

#include "blocks.hpp"

namespace {

using namespace shoal::exchange;
using namespace std::chrono_literals;
using shoal::cid;

constexpr peer_handle alice{1};
constexpr peer_handle bob{2};
const cid one = blocks::name(1);
const cid two = blocks::name(2);

/// A book with two peers, and two wants of which nobody has been asked.
struct fixture {
  want_book book;
  instant now{};

  fixture() {
    book.roster().add(alice, 0);
    book.roster().add(bob, 0);
    for (const cid& id : {one, two}) {
      client_want& w = book.obtain(id.hash()).first;
      w.id = id;
      w.sequence = book.size();
      book.agenda().rest(w, want_stage::waiting, now + 1s);
    }
  }
  client_want& want(const cid& id) { return *book.find(id.hash()); }
  ask& fetch(const cid& id, peer_handle peer, duration patience = 1s) {
    ask& a = book.tell(want(id), peer, want_type::block, now);
    a.until = now + patience;
    return a;
  }
  client_peer& peer(peer_handle p) { return *book.roster().find(p); }
};

TEST_CASE("a want is there once") {
  fixture f;
  CHECK_FALSE(f.book.obtain(one.hash()).second);
  CHECK(f.book.size() == 2);
  CHECK(f.book.find(blocks::name(3).hash()) == nullptr);
}

TEST_CASE("what a peer is told is counted until the want is over") {
  fixture f;
  f.fetch(one, alice);
  f.fetch(two, alice);
  f.book.tell(f.want(one), bob, want_type::have, f.now);
  CHECK(f.peer(alice).told == 2);
  CHECK(f.peer(alice).estimate.outstanding() == 2);
  CHECK(f.peer(bob).estimate.outstanding() == 0);
  f.book.deliver(f.want(one), alice, 1000, f.now + 1ms);
  CHECK(f.peer(alice).told == 1);
  CHECK(f.peer(bob).told == 0);
  f.book.close(f.want(two), std::nullopt);
  CHECK(f.peer(alice).told == 0);
  CHECK(f.peer(alice).estimate.outstanding() == 0);
  CHECK(f.book.size() == 0);
  CHECK_FALSE(f.book.agenda().next_deadline());
}

TEST_CASE("who has not delivered may do so once more, and who has, too") {
  fixture f;
  f.fetch(one, alice);
  f.fetch(one, bob);
  f.book.deliver(f.want(one), alice, 1000, f.now);
  for (const peer_handle peer : {alice, bob}) CHECK(f.book.deliver_late(one.hash(), peer, 1000, f.now));
  CHECK(f.book.deliver_late(one.hash(), bob, 1000, f.now));
  for (const peer_handle peer : {alice, bob}) CHECK_FALSE(f.book.deliver_late(one.hash(), peer, 1000, f.now));
  CHECK(f.book.counters().duplicates == 3);
  CHECK(f.book.counters().duplicate_bytes == 3000);
  CHECK(f.book.counters().unwanted == 2);
}

TEST_CASE("only those whose time is over are late, and who has sent nothing meanwhile has stalled") {
  fixture f;
  f.fetch(one, alice, 1s);
  f.fetch(one, bob, 2s);
  f.fetch(two, alice, 9s);
  f.now += 1s;
  f.book.take_late(f.want(one), f.now);
  CHECK(f.want(one).find(alice)->now == standing::late);
  CHECK(f.want(one).find(bob)->now == standing::fetching);
  CHECK(f.want(two).find(alice)->now == standing::late);
  CHECK(f.want(two).at == want_stage::ready);
  CHECK(f.peer(alice).stalled_until > f.now);
  CHECK(f.peer(bob).stalled_until <= f.now);
  CHECK(f.peer(alice).estimate.outstanding() == 0);
  CHECK(f.book.counters().late == 2);
  CHECK(f.book.counters().stalls == 1);
}

TEST_CASE("a stall costs a peer's good name once, and not once a block") {
  fixture f;
  f.fetch(one, alice);
  f.fetch(two, alice);
  f.book.take_late(f.want(one), f.now + 1s);
  CHECK(f.peer(alice).estimate.kept_rate() == 0.75);
}

TEST_CASE("who is late and sends other blocks has not stalled, and is asked again once it has skipped one") {
  fixture f;
  ask& a = f.fetch(one, alice);
  f.peer(alice).blocks += 10;
  f.book.take_late(f.want(one), f.now + 1s);
  CHECK(f.book.counters().stalls == 0);
  f.book.forget_answers(f.want(one), f.now + 2s);
  CHECK(a.now == standing::late);
  f.peer(alice).blocks += peer_estimate::max_window;
  f.book.forget_answers(f.want(one), f.now + 2s);
  CHECK(a.now == standing::unknown);
}

TEST_CASE("who did not have a block may have it later") {
  fixture f;
  ask& a = f.fetch(one, alice);
  a.now = standing::lacks;
  f.book.forget_answers(f.want(one), f.now + 1s);
  CHECK(a.now == standing::unknown);
}

TEST_CASE("when a peer is released all that it was to send is open again") {
  fixture f;
  f.fetch(one, alice);
  f.fetch(two, bob);
  f.book.release(alice);
  CHECK(f.want(one).at == want_stage::ready);
  CHECK(f.want(one).asks.empty());
  CHECK(f.want(two).at == want_stage::waiting);
  CHECK(f.peer(alice).told == 0);
  CHECK_FALSE(f.peer(alice).box.due());
  CHECK_FALSE(f.peer(alice).owed.empty());
  CHECK(f.peer(alice).estimate.outstanding() == 0);
}

TEST_CASE("the first late copy is called off when there are too many") {
  fixture f;
  f.fetch(one, alice).now = standing::late;
  f.fetch(one, bob);
  while (f.book.roster().next_message()) continue;
  f.book.drop_a_copy(f.want(one), 3);
  CHECK_FALSE(f.book.roster().next_message());
  f.book.drop_a_copy(f.want(one), 2);
  const auto m = f.book.roster().next_message();
  REQUIRE(m);
  CHECK(m->peer == alice);
  CHECK(blocks::read(m->pieces).wants.at(0).cancel);
  CHECK(f.peer(alice).told == 0);
  CHECK_FALSE(f.peer(alice).owed.empty());
}

TEST_CASE("haste is sent to who has much to send before, and to nobody else") {
  fixture f;
  f.fetch(one, alice).mark.ahead = 100;
  f.fetch(two, bob).mark.ahead = 1;
  while (f.book.roster().next_message()) continue;
  f.book.hasten(f.want(one));
  f.book.hasten(f.want(two));
  const auto m = f.book.roster().next_message();
  REQUIRE(m);
  CHECK(m->peer == alice);
  CHECK_FALSE(f.book.roster().next_message());
}

TEST_CASE("the size of blocks is learnt") {
  fixture f;
  for (std::uint64_t i = 10; i < 40; ++i) {
    client_want& w = f.book.obtain(blocks::name(i).hash()).first;
    w.id = blocks::name(i);
    f.book.deliver(w, alice, 64 << 10, f.now);
  }
  CHECK(f.book.block_size() > 60'000);
  CHECK(f.book.block_size() < 70'000);
}

}  // namespace
