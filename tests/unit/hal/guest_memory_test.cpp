// SPDX-License-Identifier: BSL-1.0
#include <shoal/hal/guest_memory.hpp>

#include <array>
#include <cstdint>

#include <doctest/doctest.h>

namespace {

using namespace shoal;
using namespace shoal::hal;

constexpr guest_address last_page{0xffff'ffff'ffff'f000u};

TEST_CASE("a window is inside one region or empty") {
  std::array<std::byte, 100> low{};
  std::array<std::byte, 50> high{};
  guest_regions<2> memory;
  REQUIRE(memory.add(guest_address{0x1000}, low) == status::ok);
  REQUIRE(memory.add(guest_address{0x1000 + 100}, high) == status::ok);

  CHECK(memory.window(guest_address{0x1000}, 100).data() == low.data());
  CHECK(memory.window(guest_address{0x1000 + 99}, 1).data() == low.data() + 99);
  CHECK(memory.window(guest_address{0x1000 + 149}, 1).data() == high.data() + 49);
  CHECK(memory.window(guest_address{0x1000}, 101).empty());
  CHECK(memory.window(guest_address{0x1000 + 90}, 20).empty());
  CHECK(memory.window(guest_address{0xfff}, 1).empty());
  CHECK(memory.window(guest_address{0x1000 + 150}, 1).empty());
  CHECK(memory.window(guest_address{0x1000}, SIZE_MAX).empty());
  CHECK(memory.window(guest_address{0x1000 + 99}, SIZE_MAX).empty());
  CHECK(memory.window(guest_address{UINT64_MAX}, 2).empty());
  CHECK(memory.window(guest_address{0x1000}, 0).empty());
}

TEST_CASE("a region may end with the last address and not behind it") {
  std::array<std::byte, 0x1000> page{};
  guest_regions<1> memory;
  CHECK(memory.add(last_page + 1, page) == status::invalid_argument);
  REQUIRE(memory.add(last_page, page) == status::ok);
  CHECK(memory.window(guest_address{UINT64_MAX}, 1).data() == &page.back());
  CHECK(memory.window(guest_address{UINT64_MAX}, 2).empty());
}

TEST_CASE("regions do not overlap, are not empty, and are no more than there is room for") {
  std::array<std::byte, 100> bytes{};
  guest_regions<2> memory;
  CHECK(memory.add(guest_address{0}, {}) == status::invalid_argument);
  REQUIRE(memory.add(guest_address{1000}, bytes) == status::ok);
  CHECK(memory.add(guest_address{1000}, bytes) == status::invalid_argument);
  CHECK(memory.add(guest_address{1099}, bytes) == status::invalid_argument);
  CHECK(memory.add(guest_address{901}, bytes) == status::invalid_argument);
  CHECK(memory.add(guest_address{900}, bytes) == status::ok);
  CHECK(memory.add(guest_address{1100}, bytes) == status::no_space);
  CHECK(memory.regions().size() == 2);
}

TEST_CASE("copies are whole or do not happen") {
  std::array<std::byte, 4> bytes{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};
  guest_regions<1> memory;
  REQUIRE(memory.add(guest_address{16}, bytes) == status::ok);

  std::array<std::byte, 2> two{};
  CHECK(copy_from(memory, guest_address{17}, two));
  CHECK(two == std::array{std::byte{2}, std::byte{3}});
  CHECK_FALSE(copy_from(memory, guest_address{19}, two));
  CHECK(two == std::array{std::byte{2}, std::byte{3}});
  CHECK(copy_to(memory, guest_address{18}, two));
  CHECK(bytes == std::array{std::byte{1}, std::byte{2}, std::byte{2}, std::byte{3}});
  CHECK_FALSE(copy_to(memory, guest_address{15}, two));
  CHECK(bytes[0] == std::byte{1});
  CHECK(copy_to(memory, guest_address{0}, {}));
}

}  // namespace
