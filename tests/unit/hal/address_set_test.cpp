// SPDX-License-Identifier: BSL-1.0
#include <shoal/hal/address_set.hpp>

#include <cstdint>

#include <doctest/doctest.h>

#include <shoal/hal/access_record.hpp>
#include <shoal/hal/bus_address.hpp>

using namespace shoal::hal;

namespace {

access_record at(std::uint64_t address, std::uint8_t width = 4) {
  access_record record;
  record.address = address;
  record.width = width;
  return record;
}

}  // namespace

TEST_CASE("a set wants its addresses and no others") {
  address_set<0x1000> chosen{bus_address{0x9000}, {0x3fc, 0x400}};
  for (std::uint64_t address = 0x8000; address < 0xb000; address += 4) {
    CAPTURE(address);
    CHECK(chosen.wants(at(address)) == (address == 0x93fc || address == 0x9400));
  }
  CHECK(chosen.wants(at(0x9402, 1)));
  chosen.erase(0x400);
  CHECK_FALSE(chosen.wants(at(0x9400)));
  chosen.insert(0x1000);
  CHECK_FALSE(chosen.wants(at(0xa000)));
  chosen.insert_all();
  CHECK(chosen.wants(at(0x9ffc)));
  CHECK_FALSE(chosen.wants(at(0xa000)));
  CHECK_FALSE(chosen.wants(at(0x8ffc)));
  chosen.clear();
  CHECK_FALSE(chosen.wants(at(0x9ffc)));
}

TEST_CASE("a set moves with its base") {
  address_set<0x100> chosen{bus_address{0x1000}, {0x10}};
  chosen.move_to(bus_address{~std::uint64_t{0} - 0xff});
  CHECK(chosen.wants(at(~std::uint64_t{0} - 0xef)));
  CHECK_FALSE(chosen.wants(at(0x1010)));
  CHECK_FALSE(chosen.wants(at(0)));
}

TEST_CASE("an access wider than the grain counts with all its parts") {
  const address_set<0x10000, 1> ports{port_address{0}, {0x71}};
  CHECK(ports.wants(at(0x71, 1)));
  CHECK(ports.wants(at(0x70, 2)));
  CHECK(ports.wants(at(0x6e, 4)));
  CHECK_FALSE(ports.wants(at(0x72, 4)));
  CHECK_FALSE(ports.wants(at(0x6d, 4)));
  const address_set<0x100> words{bus_address{0}, {4}};
  CHECK(words.wants(at(0, 8)));
  CHECK_FALSE(words.wants(at(8, 8)));
  CHECK_FALSE(words.wants(at(0x100, 8)));
}

TEST_CASE("a window smaller than a word of bits is a window") {
  const address_set<54, 1> lines{0, {17, 53}};
  CHECK(lines.wants(at(17, 0)));
  CHECK(lines.wants(at(10, 8)));
  CHECK_FALSE(lines.wants(at(9, 8)));
  CHECK(lines.wants(at(53, 0)));
  CHECK_FALSE(lines.wants(at(54, 0)));
}
