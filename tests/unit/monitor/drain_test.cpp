// SPDX-License-Identifier: BSL-1.0
#include <shoal/monitor/drain.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/base/bytes.hpp>
#include <shoal/base/status.hpp>
#include <shoal/hal/access_record.hpp>
#include <shoal/hal/access_ring.hpp>
#include <shoal/monitor/recording_reader.hpp>
#include <shoal/monitor/recording_writer.hpp>

using namespace shoal::monitor;
namespace hal = shoal::hal;
using shoal::status;

namespace {

struct vector_output {
  std::vector<std::byte> bytes;
  void append(shoal::bytes_view more) { bytes.insert(bytes.end(), more.begin(), more.end()); }
};

constexpr std::array<std::string_view, 1> names{"nic"};

hal::access_record numbered(std::uint64_t number) {
  hal::access_record record;
  record.cycles = 1000 + 3 * number;
  record.address = number % 7 * 4;
  record.value = number;
  record.width = 4;
  return record;
}

/// The number of the access that comes next, if all is as it should be.
struct checked {
  std::uint64_t next = 0;
  std::uint64_t lost = 0;
  std::size_t marks = 0;
  bool in_order = true;
};

checked check(shoal::bytes_view bytes) {
  checked found;
  recording_reader reader;
  while (!bytes.empty()) {
    const auto item = reader.next(bytes);
    REQUIRE(item);
    if (item->kind == recording_kind::clock) ++found.marks;
    if (item->kind != recording_kind::access) continue;
    if (item->access.what == hal::access::lost) {
      found.lost += item->access.value;
      found.next += item->access.value;
    } else {
      found.in_order = found.in_order && item->access == numbered(found.next);
      ++found.next;
    }
  }
  return found;
}

}  // namespace

TEST_CASE("what is in the ring comes to the recording, and its end is marked") {
  hal::access_ring<1024> ring;
  vector_output out;
  recording_writer writer{out};
  REQUIRE(writer.begin(names, {1000, 5}) == status::ok);
  drain moving{ring, writer};
  CHECK(moving.run() == 0);
  for (std::uint64_t i = 0; i < 700; ++i) ring.put(numbered(i));
  CHECK(moving.run(100) == 256);
  CHECK(moving.run() == 444);
  ring.put(numbered(700));
  moving.finish({9000, 6});
  const checked found = check(out.bytes);
  CHECK(found.in_order);
  CHECK(found.next == 701);
  CHECK(found.lost == 0);
  CHECK(found.marks == 1);
}

TEST_CASE("losses that no record came after are told at the end") {
  hal::access_ring<4> ring;
  vector_output out;
  recording_writer writer{out};
  REQUIRE(writer.begin(names, {1000, 5}) == status::ok);
  drain moving{ring, writer};
  for (std::uint64_t i = 0; i < 6; ++i) ring.put(numbered(i));
  moving.run();
  CHECK(moving.told() == 0);
  for (std::uint64_t i = 6; i < 20; ++i) ring.put(numbered(i));
  moving.finish({9000, 6});
  const checked found = check(out.bytes);
  CHECK(found.in_order);
  CHECK(found.next == 20);
  CHECK(found.lost == ring.lost());
  CHECK(moving.told() == ring.lost());
  moving.finish({9001, 7});
  CHECK(check(out.bytes).next == 20);
}

TEST_CASE("with a taker that is too slow the recording says to the access what it lacks") {
  constexpr std::uint64_t count = 20'000;
  const auto ring = std::make_unique<hal::access_ring<32>>();
  vector_output out;
  recording_writer writer{out};
  REQUIRE(writer.begin(names, {1000, 5}) == status::ok);
  drain moving{*ring, writer};
  std::thread driver([&] {
    for (std::uint64_t i = 0; i < count; ++i) ring->put(numbered(i));
  });
  for (int i = 0; i < 50; ++i) {
    moving.run(1);
    std::this_thread::yield();
  }
  driver.join();
  moving.finish({90'000, 6});
  const checked found = check(out.bytes);
  CHECK(found.in_order);
  CHECK(found.next == count);
  CHECK(found.lost == ring->lost());
}
