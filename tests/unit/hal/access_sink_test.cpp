// SPDX-License-Identifier: BSL-1.0
#include <shoal/hal/access_sink.hpp>

#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/hal/access_record.hpp>

#include "records.hpp"

using namespace shoal::hal;

namespace {

static_assert(access_sink<kept_records> && !discarding_sink<kept_records> && discarding_sink<null_sink&>);

access_record at(std::uint64_t cycles, std::uint64_t address, std::uint64_t value = 0) {
  access_record record;
  record.cycles = cycles;
  record.address = address;
  record.value = value;
  record.width = 4;
  return record;
}

std::uint64_t accesses(const kept_records& kept) {
  std::uint64_t count = 0;
  for (const access_record& record : kept.records) count += 1 + record.repeats;
  return count;
}

}  // namespace

TEST_CASE("the first of equal accesses is passed on at once, the others together") {
  kept_records kept;
  grouping group{kept};
  group.put(at(1, 4));
  CHECK(kept.records.size() == 1);
  for (std::uint64_t i = 2; i <= 10; ++i) group.put(at(i, 4));
  CHECK(kept.records.size() == 1);
  group.put(at(11, 8));
  REQUIRE(kept.records.size() == 3);
  access_record polled = at(2, 4);
  polled.repeats = 8;
  CHECK(kept.records[1] == polled);
  CHECK(kept.records[2] == at(11, 8));
}

TEST_CASE("accesses that differ are passed on as they are") {
  kept_records kept;
  grouping group{kept};
  std::vector<access_record> given{at(1, 4), at(2, 4, 1), at(3, 4), at(4, 8), at(5, 4)};
  given.push_back(given.back());
  given.back().source = 1;
  for (const access_record& record : given) group.put(record);
  CHECK(kept.records == given);
}

TEST_CASE("what is held back comes out when it is asked for") {
  kept_records kept;
  grouping group{kept};
  group.flush();
  CHECK(kept.records.empty());
  group.put(at(1, 4));
  group.put(at(2, 4));
  group.flush();
  REQUIRE(kept.records.size() == 2);
  CHECK(kept.records[1] == at(2, 4));
  group.flush();
  CHECK(kept.records.size() == 2);
  group.put(at(3, 4));
  group.put(at(4, 4));
  group.flush();
  CHECK(kept.records.size() == 3);
  CHECK(accesses(kept) == 4);
}

TEST_CASE("who polls for ever is seen now and then") {
  kept_records kept;
  grouping group{kept};
  for (std::uint64_t i = 0; i < 3 * grouping<kept_records&>::longest; ++i) group.put(at(i, 4));
  CHECK(kept.records.size() == 3);
  group.flush();
  CHECK(accesses(kept) == 3 * grouping<kept_records&>::longest);
}

TEST_CASE("a group of a group is passed on") {
  kept_records kept;
  grouping group{kept};
  group.put(at(1, 4));
  group.put(at(2, 4));
  access_record many = at(3, 4);
  many.repeats = ~std::uint32_t{0};
  group.put(many);
  REQUIRE(kept.records.size() == 3);
  CHECK(kept.records[2] == many);
}
