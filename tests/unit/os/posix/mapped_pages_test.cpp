// SPDX-License-Identifier: BSL-1.0
#include <shoal/os/posix/mapped_pages.hpp>  // first: shows that the header stands alone

#include <cstddef>
#include <system_error>
#include <utility>

#include <doctest/doctest.h>

using shoal::posix::mapped_pages;

TEST_CASE("pages stay where they are when their owner moves, and go with the last one") {
  auto made = mapped_pages::map(8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
  REQUIRE(made);
  std::byte* const address = made->bytes().data();
  address[8191] = std::byte{7};
  mapped_pages moved{std::move(*made)};
  CHECK(made->bytes().empty());
  CHECK(moved.bytes().data() == address);
  mapped_pages other;
  CHECK(other.bytes().empty());
  other = std::move(moved);
  CHECK(other.bytes().size() == 8192);
  CHECK(other.bytes()[8191] == std::byte{7});
  {
    const mapped_pages last{std::move(other)};
  }
  CHECK(::madvise(address, 8192, MADV_NORMAL) != 0);  // nothing is mapped there
}

TEST_CASE("what the system refuses to map is told in its own words") {
  CHECK(mapped_pages::map(0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS).error() == std::errc::invalid_argument);
  CHECK(mapped_pages::map(4096, PROT_READ, MAP_SHARED, -1).error() == std::errc::bad_file_descriptor);
}
