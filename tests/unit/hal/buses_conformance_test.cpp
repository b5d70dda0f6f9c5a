// SPDX-License-Identifier: BSL-1.0
#include <shoal/hal/mapped_bus.hpp>

#include <array>
#include <bit>
#include <cstdint>

#include <doctest/doctest.h>

#include <shoal/hal/bus_address.hpp>
#include <shoal/hal/device_model.hpp>
#include <shoal/hal/i2c_bus.hpp>
#include <shoal/hal/register_file.hpp>
#include <shoal/hal/simulated_bus.hpp>
#include <shoal/hal/simulated_i2c.hpp>
#include <shoal/test/i2c_bus_conformance.hpp>
#include <shoal/test/mmio_bus_conformance.hpp>

using namespace shoal::hal;
namespace test = shoal::test;

TEST_CASE("mapped memory is an mmio_bus") {
  alignas(8) std::array<std::uint32_t, 4> memory{};
  test::conforms_to_mmio_bus([&] { return mapped_bus{bus_range{bus_address{0x1000}, 16}, memory.data()}; },
                             {.scratch = bus_address{0x1004},
                              .other = bus_address{0x1008},
                              .nothing = bus_address{0x1010},
                              .narrow = std::endian::native == std::endian::little});
}

TEST_CASE("models on a simulated bus are an mmio_bus") {
  register_file<2> device;
  device[1].writable = 0x0ff0;
  device[0].writable = 0x0ff0;
  test::conforms_to_mmio_bus([&] { return simulated_bus{placed{bus_address{0x1000}, device}}; },
                             {.scratch = bus_address{0x1004},
                              .mask = 0x0ff0,
                              .other = bus_address{0x1000},
                              .nothing = bus_address{0x1008}});
}

TEST_CASE("models on a simulated I2C bus are an i2c_bus") {
  i2c_registers<256> device;
  test::conforms_to_i2c_bus([&] { return simulated_i2c{i2c_placed{i2c_address{0x50}, device}}; },
                            {.device = i2c_address{0x50}, .nobody = i2c_address{0x51}, .longest = 200});
}
