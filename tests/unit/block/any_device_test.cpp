// SPDX-License-Identifier: BSL-1.0
#include <shoal/block/any_device.hpp>  // first: shows that the header stands alone

#include <cstddef>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/block/filter/offset.hpp>
#include <shoal/block/filter/readonly.hpp>
#include <shoal/block/memory.hpp>
#include <shoal/test/archetypes.hpp>
#include <shoal/test/block_device_conformance.hpp>
#include <shoal/test/pattern_device.hpp>
#include <shoal/test/run.hpp>

namespace {

using namespace shoal::literals;
using shoal::any_device;
using shoal::capability;
using shoal::errc;
using shoal::io_flags;
using shoal::memory_device;
using shoal::test::run;
namespace archetype = shoal::test::archetype;

TEST_CASE("a device without a type is a block device") {
  shoal::test::conforms_to_block_device([] { return any_device{memory_device{256_KiB}}; });
}

TEST_CASE("a source without a type is a block source") {
  std::vector<std::byte> content(100000);
  shoal::test::pattern_device::fill(0, content);
  shoal::test::conforms_to_block_source([] { return any_device{shoal::test::pattern_device{100000}}; },
                                        content);
}

TEST_CASE("capabilities tell what the device inside can do") {
  CHECK(any_device{archetype::block_source{}}.capabilities() == capability::none);
  CHECK(any_device{archetype::block_device{}}.capabilities() == capability::write);
  CHECK(any_device{archetype::device<capability::write | capability::trim>{}}.capabilities() ==
        (capability::write | capability::trim));
  CHECK(any_device{archetype::device<shoal::all_capabilities>{}}.capabilities() == shoal::all_capabilities);
}

TEST_CASE("capabilities are told through a filter and a second erasure") {
  const any_device source{archetype::device<capability::lend>{}};
  CHECK(any_device{shoal::offset{source, 0, 4096}}.capabilities() == capability::lend);
  const any_device disk{archetype::device<shoal::all_capabilities>{}};
  CHECK_FALSE(has(any_device{shoal::readonly{disk}}.capabilities(), capability::write));
}

TEST_CASE("what the device cannot do fails as unsupported or gives nothing") {
  any_device device{archetype::block_source{}};
  std::vector<std::byte> sector(512);
  CHECK(run(device.write(0, sector, io_flags::none)).error() == errc::unsupported);
  CHECK(run(device.flush()).error() == errc::unsupported);
  CHECK(run(device.trim(0, 512, io_flags::none)).error() == errc::unsupported);
  CHECK(run(device.zero(0, 512, io_flags::none)).error() == errc::unsupported);
  CHECK(run(device.extents(0, 512)).error() == errc::unsupported);
  CHECK(run(device.cache(0, 512)).error() == errc::unsupported);
  CHECK_FALSE(device.try_lend(0, 512));
  CHECK_FALSE(device.try_read(0, sector));
  CHECK_FALSE(device.try_write(0, sector, io_flags::none));
}

TEST_CASE("a device that has no write is read-only whatever it says") {
  struct forgetful {
    shoal::device_info info() const noexcept { return {.size = 512}; }
    shoal::task<> read(std::uint64_t, shoal::bytes_span) { return shoal::done(); }
  };
  CHECK(any_device{forgetful{}}.info().read_only);
}

TEST_CASE("copies of a handle are one device") {
  any_device first{memory_device{4096}};
  any_device second = first;
  const std::vector<std::byte> in(16, std::byte{1});
  CHECK(run(first.write(0, in, io_flags::none)));
  std::vector<std::byte> out(16);
  CHECK(second.try_read(0, out));
  CHECK(out == in);
}

}  // namespace
