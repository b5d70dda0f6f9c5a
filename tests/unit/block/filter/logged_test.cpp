// SPDX-License-Identifier: BSL-1.0
#include <shoal/block/filter/logged.hpp>  // first: shows that the header stands alone

#include <chrono>
#include <cstddef>
#include <memory>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/block/memory.hpp>
#include <shoal/test/archetypes.hpp>
#include <shoal/test/block_device_conformance.hpp>
#include <shoal/test/run.hpp>

namespace {

using namespace shoal::literals;
using shoal::io_event;
using shoal::io_flags;
using shoal::io_operation;
using shoal::memory_device;
using shoal::test::run;

struct collector {
  std::shared_ptr<std::vector<io_event>> events = std::make_shared<std::vector<io_event>>();
  void operator()(const io_event& event) const { events->push_back(event); }
};

struct no_clock {
  static std::chrono::steady_clock::time_point now() {
    FAIL("nobody looks, and yet the clock was read");
    return {};
  }
};

// Each look at it is one second after the last.
struct step_clock {
  std::chrono::steady_clock::time_point time{};
  std::chrono::steady_clock::time_point now() { return time += std::chrono::seconds{1}; }
};

static_assert(sizeof(shoal::logged<memory_device>) == sizeof(memory_device), "observing nothing takes no room");

TEST_CASE("a device that nobody looks at is a block device") {
  shoal::test::conforms_to_block_device([] { return shoal::logged{memory_device{64_KiB}}; });
}

TEST_CASE("a device that somebody looks at is a block device") {
  shoal::test::conforms_to_block_device([] { return shoal::logged{memory_device{64_KiB}, collector{}}; });
}

TEST_CASE("with nobody to look, no clock is read") {
  shoal::logged disk{memory_device{4096}, shoal::ignore_io{}, no_clock{}};
  std::vector<std::byte> sector(512);
  CHECK(run(disk.read(0, sector)));
  CHECK(disk.try_read(0, sector));
  CHECK(disk.try_write(0, sector, io_flags::none));
  CHECK(disk.try_lend(0, 512));
}

TEST_CASE("every request is one event, with the time when it came") {
  const collector seen;
  shoal::logged disk{memory_device{64_KiB}, seen, step_clock{}};
  std::vector<std::byte> sector(512);
  CHECK(run(disk.read(1024, sector)));
  CHECK(run(disk.write(512, sector, io_flags::none)));
  CHECK(run(disk.flush()));
  CHECK(run(disk.trim(0, 4096, io_flags::none)));
  CHECK(run(disk.zero(4096, 8192, io_flags::none)));
  CHECK(run(disk.extents(0, 100)));
  CHECK(disk.try_read(5, sector));
  CHECK(disk.try_write(6, sector, io_flags::none));
  struct row {
    io_operation operation;
    std::uint64_t offset, length;
  };
  const std::vector<row> expected{{io_operation::read, 1024, 512},  {io_operation::write, 512, 512},
                                  {io_operation::flush, 0, 0},      {io_operation::trim, 0, 4096},
                                  {io_operation::zero, 4096, 8192}, {io_operation::extents, 0, 100},
                                  {io_operation::read, 5, 512},     {io_operation::write, 6, 512}};
  REQUIRE(seen.events->size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CAPTURE(i);
    const io_event& event = (*seen.events)[i];
    CHECK(event.operation == expected[i].operation);
    CHECK(event.offset == expected[i].offset);
    CHECK(event.length == expected[i].length);
    CHECK(event.time.time_since_epoch() == std::chrono::seconds{i + 1});
  }
}

TEST_CASE("an attempt that comes to nothing is no event: the request that follows it is") {
  const collector seen;
  shoal::logged disk{shoal::test::archetype::device<shoal::all_capabilities>{}, seen};
  std::vector<std::byte> sector(512);
  CHECK_FALSE(disk.try_read(0, sector));
  CHECK_FALSE(disk.try_write(0, sector, io_flags::none));
  CHECK(seen.events->empty());
  CHECK(run(disk.read(0, sector)));
  CHECK(seen.events->size() == 1);
}

}  // namespace
