// SPDX-License-Identifier: BSL-1.0
#include <shoal/exchange/want_ledger.hpp>  // first: shows that the header stands alone

#include <vector>

#include <doctest/doctest.h>

#include "blocks.hpp"

namespace {

using namespace shoal::exchange;
using shoal::cid;
using stage = want_ledger::stage;
using outcome = want_ledger::outcome;

struct forgotten {
  std::vector<cid> ids;
  void operator()(const cid& id) { ids.push_back(id); }
};

want_entry entry(std::uint64_t number, std::int32_t priority, want_type type = want_type::block) {
  return {.id = blocks::name(number), .priority = priority, .type = type};
}

TEST_CASE("the highest priority is next, and among equals the oldest") {
  want_ledger wants{10};
  forgotten gone;
  for (const auto& [number, priority] : {std::pair{1u, 5}, {2u, -3}, {3u, 9}, {4u, 5}}) {
    CHECK(wants.add(entry(number, priority), gone) == outcome::queued);
  }
  for (const unsigned number : {3u, 1u, 4u, 2u}) {
    want_ledger::entry* const next = wants.take_next();
    REQUIRE(next != nullptr);
    CHECK(next->first == blocks::name(number));
    CHECK(next->second.at == stage::looking);
  }
  CHECK(wants.take_next() == nullptr);
  CHECK(wants.size() == 4);
}

TEST_CASE("asking again changes the order, and starts nothing twice") {
  want_ledger wants{10};
  forgotten gone;
  wants.add(entry(1, 1), gone);
  wants.add(entry(2, 2), gone);
  CHECK(wants.add(entry(1, 3), gone) == outcome::queued);
  CHECK(wants.take_next()->first == blocks::name(1));
  CHECK(wants.add(entry(1, 9), gone) == outcome::absorbed);
  CHECK(wants.take_next()->first == blocks::name(2));
  CHECK_FALSE(wants.has_queued());
}

TEST_CASE("who asked whether, and now asks for the block, gets the block, and not the other way round") {
  want_ledger wants{10};
  forgotten gone;
  wants.add(entry(1, 1, want_type::have), gone);
  wants.add(entry(1, 1), gone);
  wants.add(entry(1, 1, want_type::have), gone);
  CHECK(wants.find(blocks::name(1))->second.type == want_type::block);
  wants.add(entry(2, 1, want_type::have), gone);
  REQUIRE(wants.take_next() != nullptr);
  want_ledger::entry& answered = *wants.take_next();
  wants.move(answered, stage::answering);
  CHECK(wants.add(entry(2, 1, want_type::have), gone) == outcome::absorbed);
  CHECK(wants.add(entry(2, 1), gone) == outcome::queued);
}

TEST_CASE("past the limit the longest remembered want makes room, and nothing else does") {
  want_ledger wants{3};
  forgotten gone;
  for (const std::uint64_t number : {1u, 2u, 3u}) wants.add(entry(number, 1), gone);
  CHECK(wants.add(entry(4, 100), gone) == outcome::refused);
  wants.move(*wants.take_next(), stage::remembered);
  wants.move(*wants.take_next(), stage::remembered);
  CHECK(wants.add(entry(4, 1), gone) == outcome::queued);
  CHECK(gone.ids == std::vector{blocks::name(1)});
  CHECK(wants.find(blocks::name(1)) == nullptr);
  CHECK(wants.find(blocks::name(2)) != nullptr);
  CHECK(wants.size() == 3);
}

TEST_CASE("a full list replaces the old one, and what is in both goes on") {
  want_ledger wants{10};
  forgotten gone;
  for (const std::uint64_t number : {1u, 2u, 3u}) wants.add(entry(number, 1), gone);
  wants.move(*wants.take_next(), stage::remembered);
  REQUIRE(wants.take_next() != nullptr);
  wants.begin_full();
  wants.add(entry(2, 1), gone);
  wants.add(entry(4, 1), gone);
  wants.end_full(gone);
  CHECK(gone.ids == std::vector{blocks::name(1)});
  CHECK(wants.size() == 2);
  CHECK(wants.find(blocks::name(2))->second.at == stage::looking);
  CHECK(wants.take_next()->first == blocks::name(4));
}

TEST_CASE("what is erased is nowhere any more") {
  want_ledger wants{10};
  forgotten gone;
  wants.add(entry(1, 1), gone);
  wants.add(entry(2, 1), gone);
  wants.move(*wants.take_next(), stage::remembered);
  wants.erase(blocks::name(1));
  wants.erase(blocks::name(2));
  wants.erase(blocks::name(3));
  CHECK(wants.size() == 0);
  CHECK_FALSE(wants.has_queued());
  std::size_t remembered = 0;
  wants.each_remembered([&](const cid&) { ++remembered; });
  CHECK(remembered == 0);
}

}  // namespace
