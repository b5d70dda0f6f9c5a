// SPDX-License-Identifier: BSL-1.0
#include <shoal/block/memory.hpp>  // first: shows that the header stands alone

#include <cstddef>
#include <new>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/test/block_device_conformance.hpp>
#include <shoal/test/run.hpp>

namespace {

using namespace shoal::literals;
using shoal::extent;
using shoal::io_flags;
using shoal::memory_device;
using shoal::test::run;

constexpr std::uint64_t chunk = memory_device::chunk_size;

TEST_CASE("memory is a block device") {
  shoal::test::conforms_to_block_device([] { return memory_device{256_KiB}; });
}

TEST_CASE("memory of an odd size is a block device") {
  shoal::test::conforms_to_block_device([] { return memory_device{100001}; });
}

TEST_CASE("a device far larger than the machine costs nothing until it is written") {
  memory_device disk{memory_device::max_size};
  const std::vector<std::byte> in(10, std::byte{1});
  CHECK(run(disk.write(memory_device::max_size - 10, in, io_flags::none)));
  std::vector<std::byte> out(20);
  CHECK(run(disk.read(memory_device::max_size - 20, out)));
  CHECK(out[9] == std::byte{0});
  CHECK(out[10] == std::byte{1});
}

TEST_CASE("a size beyond all memory is refused when the device is made") {
  CHECK_THROWS_AS(memory_device{memory_device::max_size + 1}, std::bad_alloc);
}

TEST_CASE("what was never written is a hole, chunk by chunk") {
  memory_device disk{10 * chunk};
  const std::vector<std::byte> in(2, std::byte{1});
  CHECK(run(disk.write(3 * chunk - 1, in, io_flags::none)));
  const std::vector<extent> expected{{.length = 2 * chunk, .hole = true, .zero = true},
                                     {.length = 2 * chunk},
                                     {.length = 6 * chunk, .hole = true, .zero = true}};
  CHECK(*run(disk.extents(0, 10 * chunk)) == expected);
}

TEST_CASE("trim gives whole chunks back, and zero without may_trim takes them") {
  memory_device disk{4 * chunk};
  const std::vector<std::byte> in(4 * chunk, std::byte{1});
  CHECK(run(disk.write(0, in, io_flags::none)));
  CHECK(run(disk.trim(1, 3 * chunk - 1, io_flags::none)));
  const std::vector<extent> trimmed{
      {.length = chunk}, {.length = 2 * chunk, .hole = true, .zero = true}, {.length = chunk}};
  CHECK(*run(disk.extents(0, 4 * chunk)) == trimmed);
  CHECK(run(disk.zero(0, 4 * chunk, io_flags::none)));
  CHECK(*run(disk.extents(0, 4 * chunk)) == std::vector<extent>{{.length = 4 * chunk}});
}

TEST_CASE("the last chunk can be given back although it is short") {
  memory_device disk{chunk + 100};
  const std::vector<std::byte> in(chunk + 100, std::byte{1});
  CHECK(run(disk.write(0, in, io_flags::none)));
  CHECK(run(disk.trim(0, chunk + 100, io_flags::none)));
  const std::vector<extent> all_hole{{.length = chunk + 100, .hole = true, .zero = true}};
  CHECK(*run(disk.extents(0, chunk + 100)) == all_hole);
}

TEST_CASE("a hole lends zeroes, which stay zeroes when it is written") {
  memory_device disk{chunk};
  const shoal::lease lent = disk.try_lend(0, 512);
  REQUIRE(lent.size() == 512);
  const std::vector<std::byte> in(512, std::byte{1});
  CHECK(disk.try_write(0, in, io_flags::none));
  CHECK(shoal::test::detail::all_zero(lent.bytes()));
}

TEST_CASE("memory that nobody holds any more is written in place, and copied no more") {
  memory_device disk{chunk};
  const std::vector<std::byte> in(512, std::byte{1});
  CHECK(disk.try_write(0, in, io_flags::none));
  const std::byte* home = disk.try_lend(0, 1).bytes().data();
  CHECK(disk.try_write(0, in, io_flags::none));
  CHECK(disk.try_lend(0, 1).bytes().data() == home);
  const shoal::lease kept = disk.try_lend(0, 1);
  CHECK(disk.try_write(0, in, io_flags::none));
  CHECK(disk.try_lend(0, 1).bytes().data() != home);
}

}  // namespace
