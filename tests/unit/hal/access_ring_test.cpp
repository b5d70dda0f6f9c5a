// SPDX-License-Identifier: BSL-1.0
#include <shoal/hal/access_ring.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/hal/access_record.hpp>

using namespace shoal::hal;

namespace {

access_record numbered(std::uint64_t number) {
  access_record record;
  record.cycles = 1000 + number;
  record.address = 4;
  record.value = number;
  record.width = 4;
  return record;
}

template <std::size_t N>
std::vector<access_record> take_all(access_ring<N>& ring) {
  std::vector<access_record> records(N);
  records.resize(ring.take(records));
  return records;
}

}  // namespace

TEST_CASE("records come out as they went in, and in order") {
  access_ring<8> ring;
  CHECK(take_all(ring).empty());
  for (std::uint64_t round = 0; round < 10; ++round) {
    for (std::uint64_t i = 0; i < 5; ++i) ring.put(numbered(5 * round + i));
    const std::vector<access_record> taken = take_all(ring);
    REQUIRE(taken.size() == 5);
    for (std::uint64_t i = 0; i < 5; ++i) CHECK(taken[static_cast<std::size_t>(i)] == numbered(5 * round + i));
  }
  CHECK(ring.lost() == 0);
}

TEST_CASE("a taker takes as many as he has room for") {
  access_ring<8> ring;
  for (std::uint64_t i = 0; i < 6; ++i) ring.put(numbered(i));
  std::array<access_record, 4> batch;
  CHECK(ring.take(batch) == 4);
  CHECK(batch[3] == numbered(3));
  CHECK(ring.take({}) == 0);
  CHECK(ring.take(batch) == 2);
  CHECK(batch[1] == numbered(5));
}

TEST_CASE("what does not fit is counted and told before the next that fits") {
  access_ring<4> ring;
  for (std::uint64_t i = 0; i < 7; ++i) ring.put(numbered(i));
  CHECK(ring.lost() == 3);
  CHECK(take_all(ring).size() == 4);
  ring.put(numbered(7));
  const std::vector<access_record> taken = take_all(ring);
  REQUIRE(taken.size() == 2);
  CHECK(taken[0].what == access::lost);
  CHECK(taken[0].value == 3);
  CHECK(taken[0].cycles == 1007);
  CHECK(taken[1] == numbered(7));
  ring.put(numbered(8));
  CHECK(take_all(ring).size() == 1);
  CHECK(ring.lost() == 3);
}

TEST_CASE("a loss and its record need two places") {
  access_ring<4> ring;
  for (std::uint64_t i = 0; i < 5; ++i) ring.put(numbered(i));
  std::array<access_record, 1> one;
  CHECK(ring.take(one) == 1);
  ring.put(numbered(5));
  CHECK(ring.lost() == 2);
  CHECK(ring.take(one) == 1);
  ring.put(numbered(6));
  const std::vector<access_record> taken = take_all(ring);
  REQUIRE(taken.size() == 4);
  CHECK(taken[2].what == access::lost);
  CHECK(taken[2].value == 2);
  CHECK(taken[3] == numbered(6));
}

TEST_CASE("a group that is lost is lost with all its accesses") {
  access_ring<2> ring;
  access_record group = numbered(1);
  group.repeats = 99;
  for (int i = 0; i < 3; ++i) ring.put(group);
  CHECK(ring.lost() == 100);
}

TEST_CASE("between two threads each record arrives or is counted") {
  constexpr std::uint64_t count = 30'000;
  const auto ring = std::make_unique<access_ring<64>>();
  std::thread driver([&] {
    for (std::uint64_t i = 0; i < count; ++i) {
      ring->put(numbered(i));
      if (i % 256 == 0) std::this_thread::yield();
    }
  });
  std::uint64_t next = 0;
  std::uint64_t told = 0;
  bool in_order = true;
  std::array<access_record, 16> batch;
  const auto drain = [&] {
    for (const access_record& record : std::span{batch}.first(ring->take(batch))) {
      if (record.what == access::lost) {
        told += record.value;
        next += record.value;
      } else {
        in_order = in_order && record == numbered(next);
        ++next;
      }
    }
  };
  while (next + (ring->lost() - told) < count) drain();
  driver.join();
  for (int i = 0; i < 8; ++i) drain();
  CHECK(in_order);
  CHECK(next + (ring->lost() - told) == count);
  CHECK(told <= ring->lost());
}
