// SPDX-License-Identifier: BSL-1.0
#include <shoal/block/filter/readonly.hpp>  // first: shows that the header stands alone

#include <cstddef>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/block/any_device.hpp>
#include <shoal/block/memory.hpp>
#include <shoal/test/block_source_conformance.hpp>
#include <shoal/test/pattern_device.hpp>
#include <shoal/test/run.hpp>

namespace {

std::vector<std::byte> pattern() {
  std::vector<std::byte> content(100000);
  shoal::test::pattern_device::fill(0, content);
  return content;
}

shoal::memory_device filled(const std::vector<std::byte>& content) {
  shoal::memory_device disk{content.size()};
  REQUIRE(disk.try_write(0, content, shoal::io_flags::none));
  return disk;
}

TEST_CASE("a read-only view is a block source") {
  const std::vector<std::byte> content = pattern();
  shoal::test::conforms_to_block_source([&] { return shoal::readonly{filled(content)}; }, content);
}

TEST_CASE("a read-only view says that it is one, and promises nothing about writes") {
  const shoal::readonly view{shoal::memory_device{4096}};
  CHECK(view.info().read_only);
  CHECK_FALSE(view.info().fua);
}

TEST_CASE("a read-only view refuses changes at run time as it does while compiling") {
  shoal::any_device view{shoal::readonly{shoal::any_device{shoal::memory_device{4096}}}};
  const std::vector<std::byte> in(16);
  CHECK(shoal::test::run(view.write(0, in, shoal::io_flags::none)).error() == shoal::errc::unsupported);
  CHECK(shoal::test::run(view.zero(0, 16, shoal::io_flags::none)).error() == shoal::errc::unsupported);
  CHECK_FALSE(view.try_write(0, in, shoal::io_flags::none));
}

}  // namespace
