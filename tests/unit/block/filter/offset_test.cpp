// SPDX-License-Identifier: BSL-1.0
#include <shoal/block/filter/offset.hpp>  // first: shows that the header stands alone

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/block/any_device.hpp>
#include <shoal/block/memory.hpp>
#include <shoal/test/block_device_conformance.hpp>
#include <shoal/test/pattern_device.hpp>
#include <shoal/test/run.hpp>

namespace {

using namespace shoal::literals;
using shoal::io_flags;
using shoal::test::pattern_device;
using shoal::test::run;

// Sectors that cannot be taken apart.
struct sectors {
  shoal::device_info info() const noexcept { return {.size = 8192, .min_io = 512}; }
  shoal::task<> read(std::uint64_t, shoal::bytes_span) { return shoal::done(); }
};

TEST_CASE("a window is a block device") {
  shoal::test::conforms_to_block_device(
      [] { return shoal::offset{shoal::memory_device{200000}, 5000, 100000}; });
}

TEST_CASE("a window onto a source is a block source") {
  std::vector<std::byte> content(20000);
  pattern_device::fill(777, content);
  shoal::test::conforms_to_block_source([] { return shoal::offset{pattern_device{30000}, 777, 20000}; },
                                        content);
}

TEST_CASE("position 0 of the window is byte `start` of the device") {
  shoal::offset window{pattern_device{8192}, 512, 1024};
  std::array<std::byte, 4> out{};
  CHECK(run(window.read(0, out)));
  CHECK(out == pattern_device::bytes<4>(512));
}

TEST_CASE("a change in the window leaves the device around it alone") {
  shoal::any_device disk{shoal::memory_device{16384}};
  shoal::offset window{disk, 4096, 4096};
  const std::vector<std::byte> in(4096, std::byte{1});
  CHECK(run(window.write(0, in, io_flags::none)));
  CHECK(run(window.write(1, in, io_flags::none)).error() == shoal::errc::out_of_range);
  CHECK(run(window.trim(1, 4096, io_flags::none)).error() == shoal::errc::out_of_range);
  CHECK(run(window.zero(4096, 1, io_flags::none)).error() == shoal::errc::out_of_range);
  CHECK_FALSE(window.try_write(1, in, io_flags::none));
  std::vector<std::byte> expected(16384);
  std::fill_n(expected.begin() + 4096, 4096, std::byte{1});
  std::vector<std::byte> found(16384);
  CHECK(run(disk.read(0, found)));
  CHECK(found == expected);
}

TEST_CASE("a window that is not inside the device is refused when it is made") {
  CHECK_THROWS_AS(shoal::offset(shoal::memory_device{4096}, 4096, 1), std::invalid_argument);
  CHECK_THROWS_AS(shoal::offset(shoal::memory_device{4096}, 1, UINT64_MAX), std::invalid_argument);
}

TEST_CASE("a window that cuts through a sector is refused when it is made") {
  CHECK_THROWS_AS(shoal::offset(sectors{}, 100, 512), std::invalid_argument);
  CHECK_THROWS_AS(shoal::offset(sectors{}, 512, 100), std::invalid_argument);
  CHECK_NOTHROW(shoal::offset(sectors{}, 512, 1024));
}

}  // namespace
