// SPDX-License-Identifier: BSL-1.0
#include <shoal/hal/simulated_bus.hpp>

#include <cstdint>

#include <doctest/doctest.h>

#include <shoal/hal/bus_address.hpp>
#include <shoal/hal/device_model.hpp>
#include <shoal/hal/register_file.hpp>

using namespace shoal::hal;

TEST_CASE("devices answer at their addresses, and between them is nothing") {
  register_file<2> first;
  register_file<4, std::uint8_t> second;
  simulated_bus bus{placed{bus_address{0x1000}, first}, placed{bus_address{0x2000}, second}};
  bus.store<std::uint32_t>(bus_address{0x1004}, 7);
  bus.store<std::uint8_t>(bus_address{0x2003}, 9);
  CHECK(first[1].value == 7);
  CHECK(second[3].value == 9);
  CHECK(bus.load<std::uint8_t>(bus_address{0x2003}) == 9);
  for (const std::uint64_t nothing : {0x0ffcu, 0x1008u, 0x1ffcu, 0x2004u, 0xffff'fffcu}) {
    CAPTURE(nothing);
    CHECK(bus.load<std::uint32_t>(bus_address{nothing}) == 0xffff'ffff);
    bus.store<std::uint32_t>(bus_address{nothing}, 0);
  }
  CHECK(bus.load<std::uint32_t>(bus_address{UINT64_MAX - 3}) == 0xffff'ffff);
  CHECK(first[0].loads + first[1].loads + first[0].stores == 0);
}

TEST_CASE("an access that leaves a device or is not aligned does not reach it") {
  register_file<2> device;
  simulated_bus bus{placed{bus_address{0x1000}, device}};
  CHECK(bus.load<std::uint32_t>(bus_address{0x1002}) == 0xffff'ffff);
  CHECK(bus.load<std::uint32_t>(bus_address{0x1006}) == 0xffff'ffff);
  bus.store<std::uint32_t>(bus_address{0x1001}, 1);
  CHECK(device[0].stores == 0);
}

TEST_CASE("of devices at the same place the first answers") {
  register_file<1> first;
  register_file<2> second;
  simulated_bus bus{placed{bus_address{0}, first}, placed{bus_address{0}, second}};
  bus.store<std::uint32_t>(bus_address{0}, 1);
  bus.store<std::uint32_t>(bus_address{4}, 2);
  CHECK(first[0].value == 1);
  CHECK(second[0].value == 0);
  CHECK(second[1].value == 2);
}

TEST_CASE("a port bus reaches its devices by port") {
  register_file<8, std::uint8_t> uart;
  register_file<1, std::uint16_t> status;
  simulated_port_bus bus{placed{port_address{0x3f8}, uart}, placed{port_address{0xfffe}, status}};
  bus.out<std::uint8_t>(port_address{0x3f8}, 'A');
  CHECK(uart[0].value == 'A');
  uart[5].value = 0x60;
  CHECK(bus.in<std::uint8_t>(port_address{0x3fd}) == 0x60);
  bus.out<std::uint16_t>(port_address{0xfffe}, 3);
  CHECK(bus.in<std::uint16_t>(port_address{0xfffe}) == 3);
  CHECK(bus.in<std::uint8_t>(port_address{0x400}) == 0xff);
  CHECK(bus.in<std::uint16_t>(port_address{0x3f8}) == 0xffff);
  CHECK(bus.in<std::uint32_t>(port_address{0xffff}) == 0xffff'ffff);
}
