// SPDX-License-Identifier: BSL-1.0
#include <shoal/hal/mapped_bus.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

#include <doctest/doctest.h>

#include <shoal/hal/bus_address.hpp>

using namespace shoal::hal;

namespace {

constexpr std::uint64_t base = 0x3f20'0000;

struct page {
  alignas(8) std::array<std::byte, 64> bytes{};
};

template <class Bus>
void check_edges(Bus bus, page& memory) {
  bus.template store<std::uint32_t>(bus_address{base + 8}, 0x1122'3344);
  CHECK(bus.template load<std::uint32_t>(bus_address{base + 8}) == 0x1122'3344);
  bus.template store<std::uint32_t>(bus_address{base + 12}, 0x5566'7788);  // the range ends at 16
  CHECK(bus.template load<std::uint8_t>(bus_address{base + 15}) != 0xff);
  const page before = memory;
  for (const std::uint64_t outside : {base + 16, base - 4, base - 1, std::uint64_t{0}, UINT64_MAX - 3,
                                      base + 13, base + 14, base + 1, base + (std::uint64_t{1} << 32)}) {
    CAPTURE(outside);
    CHECK(bus.template load<std::uint32_t>(bus_address{outside}) == 0xffff'ffff);
    bus.template store<std::uint32_t>(bus_address{outside}, 0);
  }
  CHECK(bus.template load<std::uint8_t>(bus_address{base + 16}) == 0xff);
  CHECK(bus.template load<std::uint16_t>(bus_address{base + 15}) == 0xffff);
  CHECK(memory.bytes == before.bytes);
}

// Where the machine moves eight bytes at once.
template <class Bus>
void check_wide(Bus bus) {
  if constexpr (requires { bus.template load<std::uint64_t>(bus_address{base}); }) {
    bus.template store<std::uint64_t>(bus_address{base + 8}, 0x0102'0304'0506'0708);
    CHECK(bus.template load<std::uint64_t>(bus_address{base + 8}) == 0x0102'0304'0506'0708);
    CHECK(bus.template load<std::uint64_t>(bus_address{base + 12}) == UINT64_MAX);
  }
}

}  // namespace

TEST_CASE("an access outside the range, or across its end, or not aligned reads ones and changes nothing") {
  page memory;
  check_edges(mapped_bus{bus_range{bus_address{base}, 16}, memory.bytes.data()}, memory);
  check_edges(mapped_bus<fixed_range<base, 16>>{{}, memory.bytes.data()}, memory);
}

TEST_CASE("a range that would wrap around is empty") {
  page memory;
  const bus_range wrapping{bus_address{UINT64_MAX - 7}, 16};
  CHECK(wrapping.size() == 0);
  mapped_bus bus{wrapping, memory.bytes.data()};
  CHECK(bus.load<std::uint32_t>(bus_address{UINT64_MAX - 7}) == 0xffff'ffff);
  CHECK(bus.load<std::uint32_t>(bus_address{0}) == 0xffff'ffff);
}

TEST_CASE("each width reads and writes its own bytes, in the order of the machine") {
  page memory;
  mapped_bus bus{bus_range{bus_address{base}, 16}, memory.bytes.data()};
  bus.store<std::uint8_t>(bus_address{base + 1}, 0xab);
  CHECK(memory.bytes[0] == std::byte{});
  CHECK(memory.bytes[1] == std::byte{0xab});
  CHECK(memory.bytes[2] == std::byte{});
  bus.store<std::uint16_t>(bus_address{base + 2}, 0xcdef);
  CHECK(bus.load<std::uint16_t>(bus_address{base + 2}) == 0xcdef);
  CHECK(memory.bytes[4] == std::byte{});
  check_wide(bus);
}

TEST_CASE("a fixed range costs the pointer and nothing else") {
  static_assert(sizeof(mapped_bus<fixed_range<0, 4096>>) == sizeof(void*));
}
