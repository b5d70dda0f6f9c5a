// SPDX-License-Identifier: BSL-1.0
#include <shoal/block/filter/cow.hpp>  // first: shows that the header stands alone

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/block/any_device.hpp>
#include <shoal/block/filter/readonly.hpp>
#include <shoal/block/memory.hpp>
#include <shoal/test/archetypes.hpp>
#include <shoal/test/block_device_conformance.hpp>
#include <shoal/test/pattern_device.hpp>
#include <shoal/test/run.hpp>
#include <shoal/test/yielding.hpp>

namespace {

using namespace shoal::literals;
using shoal::any_device;
using shoal::cow;
using shoal::errc;
using shoal::extent;
using shoal::io_flags;
using shoal::memory_device;
using shoal::test::pattern_device;
using shoal::test::run;
using shoal::test::yielding;

std::vector<std::byte> pattern(std::size_t size) {
  std::vector<std::byte> content(size);
  pattern_device::fill(0, content);
  return content;
}

// A device that fails every request of one kind.
struct broken_reads {
  std::uint64_t size;
  shoal::device_info info() const noexcept { return {.size = size}; }
  shoal::task<> read(std::uint64_t, shoal::bytes_span) { return shoal::failed(errc::failed); }
};

// Sectors that cannot be taken apart.
struct sectors : memory_device {
  using memory_device::memory_device;
  shoal::device_info info() const noexcept {
    shoal::device_info told = memory_device::info();
    told.min_io = 512;
    return told;
  }
  shoal::task<> read(std::uint64_t offset, shoal::bytes_span out) {
    return offset % 512 == 0 && out.size() % 512 == 0 ? memory_device::read(offset, out)
                                                      : shoal::failed(errc::invalid_argument);
  }
};

// Lends what it has and can do nothing else at once, like an image whose blocks are cached.
struct lender {
  memory_device bytes;
  shoal::device_info info() const noexcept { return bytes.info(); }
  shoal::task<> read(std::uint64_t, shoal::bytes_span) { return shoal::failed(errc::failed); }
  shoal::lease try_lend(std::uint64_t offset, std::size_t n) noexcept { return bytes.try_lend(offset, n); }
};

TEST_CASE("an overlay that answers at once is a block device") {
  shoal::test::conforms_to_block_device([] { return cow{memory_device{256_KiB}}; });
}

TEST_CASE("an overlay of an odd size is a block device") {
  shoal::test::conforms_to_block_device([] { return cow{memory_device{100001}}; });
}

TEST_CASE("an overlay whose base and top take their time is a block device") {
  shoal::test::conforms_to_block_device(
      [] { return cow{yielding{memory_device{128_KiB}, 1}, yielding{memory_device{128_KiB}, 2}}; });
}

TEST_CASE("an overlay whose base alone takes its time is a block device") {
  shoal::test::conforms_to_block_device([] { return cow{yielding{memory_device{128_KiB}, 3}}; });
}

TEST_CASE("an overlay of sectors that cannot be taken apart is a block device") {
  shoal::test::conforms_to_block_device([] { return cow{sectors{128_KiB}, sectors{128_KiB}}; });
}

TEST_CASE("an overlay chosen at run time is a block device") {
  shoal::test::conforms_to_block_device(
      [] { return any_device{cow{any_device{memory_device{64_KiB}}, any_device{memory_device{70000}}}}; });
}

TEST_CASE("a fresh overlay shows the base") {
  shoal::test::conforms_to_block_source([] { return cow{pattern_device{100000}}; }, pattern(100000));
}

TEST_CASE("random changes over a pattern, with everything late, for many seeds") {
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    std::vector<std::byte> model = pattern(150000);
    cow disk{yielding{pattern_device{150000}, seed}, yielding{memory_device{150000}, seed + 100}};
    CHECK(run(shoal::test::detail::change_at_random(disk, model, seed)));
    shoal::test::detail::check_holds(disk, model);
  }
}

TEST_CASE("parts of one block written at once over a late base all arrive, and the rest is the base") {
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    std::vector<std::byte> model = pattern(16384);
    cow disk{yielding{pattern_device{16384}, seed}, yielding{memory_device{16384}, seed + 100}};
    std::vector<shoal::task<>> writers;
    for (std::size_t i = 0; i < 16; ++i) {
      writers.push_back(shoal::test::detail::change_own_slices(disk, model, i, 16, seed));
    }
    CHECK(shoal::test::run_all(std::move(writers)));
    shoal::test::detail::check_holds(disk, model);
  }
}

TEST_CASE("two overlays of one base do not see each other") {
  const any_device golden{pattern_device{64_KiB}};
  cow first{golden};
  cow second{golden};
  const std::vector<std::byte> in(5000, std::byte{1});
  CHECK(run(first.write(100, in, io_flags::none)));
  shoal::test::detail::check_holds(second, pattern(64_KiB));
}

TEST_CASE("a small write takes one block into the top and leaves its neighbours in the base") {
  memory_device base{64_KiB};
  REQUIRE(base.try_write(0, pattern(64_KiB), io_flags::none));
  cow disk{std::move(base)};
  const std::byte* before = disk.try_lend(4096, 1).bytes().data();
  const std::byte* behind = disk.try_lend(12288, 1).bytes().data();
  const std::vector<std::byte> in(1, std::byte{1});
  CHECK(disk.try_write(8192 + 77, in, io_flags::none));
  CHECK(disk.try_lend(4096, 1).bytes().data() == before);
  CHECK(disk.try_lend(4096, 8192).size() == 4096);
  CHECK(disk.try_lend(8192, 8192).size() == 4096);
  CHECK(disk.try_lend(12288, 4096).bytes().data() == behind);
}

TEST_CASE("what the base lends is lent, without a copy, until it is overwritten") {
  any_device golden{memory_device{64_KiB}};
  CHECK(golden.try_write(0, pattern(64_KiB), io_flags::none));
  cow disk{golden};
  CHECK(disk.try_lend(4096, 4096).bytes().data() == golden.try_lend(4096, 4096).bytes().data());
  const std::vector<std::byte> in(4096, std::byte{1});
  CHECK(run(disk.write(4096, in, io_flags::none)));
  CHECK(disk.try_lend(4096, 4096).bytes().data() != golden.try_lend(4096, 4096).bytes().data());
}

TEST_CASE("a base that only lends is enough to read across and to write a part of a block at once") {
  lender base{memory_device{64_KiB}};
  REQUIRE(base.bytes.try_write(0, pattern(64_KiB), io_flags::none));
  cow disk{std::move(base)};
  const std::vector<std::byte> in(10, std::byte{1});
  CHECK(disk.try_write(20000, in, io_flags::none));
  std::vector<std::byte> expected = pattern(64_KiB);
  std::ranges::copy(in, expected.begin() + 20000);
  std::vector<std::byte> found(64_KiB);
  CHECK(disk.try_read(0, found));
  CHECK(found == expected);
}

TEST_CASE("extents come from the holder of each block, and join") {
  memory_device base{64_KiB};
  const std::vector<std::byte> in(16384, std::byte{1});
  REQUIRE(base.try_write(16384, in, io_flags::none));
  cow disk{std::move(base)};
  CHECK(disk.try_write(4096, {in.data(), 4096}, io_flags::none));
  CHECK(run(disk.zero(16384, 16384, io_flags::may_trim)));
  const std::vector<extent> expected{{.length = 4096, .hole = true, .zero = true},
                                     {.length = 4096},
                                     {.length = 57344, .hole = true, .zero = true}};
  CHECK(*run(disk.extents(0, 64_KiB)) == expected);
}

TEST_CASE("where the base cannot tell its extents, it is all data") {
  cow disk{pattern_device{8192}};
  CHECK(*run(disk.extents(0, 8192)) == std::vector<extent>{{.length = 8192}});
}

TEST_CASE("trim forgets what was written but does not touch the base") {
  cow disk{pattern_device{16384}};
  const std::vector<std::byte> in(4096, std::byte{1});
  CHECK(run(disk.write(4096, in, io_flags::none)));
  CHECK(run(disk.trim(0, 16384, io_flags::none)));
  std::vector<std::byte> expected = pattern(16384);
  std::fill_n(expected.begin() + 4096, 4096, std::byte{});
  shoal::test::detail::check_holds(disk, expected);
}

TEST_CASE("a partial write whose base cannot be read fails and changes nothing; a whole block needs no base") {
  cow disk{broken_reads{8192}};
  const std::vector<std::byte> in(4096, std::byte{1});
  CHECK(run(disk.write(1, in, io_flags::none)).error() == errc::failed);
  CHECK(run(disk.write(4096, in, io_flags::none)));
  std::vector<std::byte> out(4096);
  CHECK(run(disk.read(0, out)).error() == errc::failed);
  CHECK(run(disk.read(4096, out)));
  CHECK(out == in);
}

TEST_CASE("a top that is too small or read-only is refused when the overlay is made") {
  CHECK_THROWS_AS((cow{pattern_device{8192}, memory_device{8191}}), std::invalid_argument);
  CHECK_THROWS_AS((cow{pattern_device{8192}, any_device{shoal::readonly{memory_device{8192}}}}),
                  std::invalid_argument);
}

}  // namespace
