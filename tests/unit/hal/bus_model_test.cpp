// SPDX-License-Identifier: BSL-1.0
#include <shoal/hal/bus_model.hpp>

#include <cstdint>

#include <doctest/doctest.h>

#include <shoal/hal/pl061_chip.hpp>
#include <shoal/hal/pl061_model.hpp>
#include <shoal/hal/simulated_bus.hpp>

using namespace shoal;
using namespace shoal::hal;

TEST_CASE("a piece of a bus is a device, which is on another bus a device again") {
  pl061_model gpio;
  simulated_bus inner{placed{bus_address{0x0903'0000}, gpio}};
  bus_model piece{inner, bus_address{0x0903'0000}, pl061::block_size};
  simulated_bus outer{placed{bus_address{0x1000}, piece}};
  pl061_chip chip{outer, bus_address{0x1000}};
  CHECK(chip.is_present());
  REQUIRE(chip.request(3, {.direction = gpio_direction::output}) == status::ok);
  REQUIRE(chip.write(3, true) == status::ok);
  CHECK(gpio.level(3));
}

namespace {

/// A bus that has 32 bits and nothing else.
struct narrow_bus {
  std::uint32_t* word;
  template <class T>
    requires std::same_as<T, std::uint32_t>
  T load(bus_address) noexcept {
    return *word;
  }
  template <class T>
    requires std::same_as<T, std::uint32_t>
  void store(bus_address, T value) noexcept {
    *word = value;
  }
};

}  // namespace

TEST_CASE("widths that the bus does not have read ones and are not written") {
  std::uint32_t word = 5;
  bus_model model{narrow_bus{&word}, bus_address{0}, 8};
  CHECK(model.size() == 8);
  CHECK(model.load(0, 4) == 5);
  CHECK(model.load(0, 1) == 0xff);
  CHECK(model.load(0, 2) == 0xffff);
  CHECK(model.load(0, 8) == ~std::uint64_t{0});
  model.store(0, 9, 1);
  model.store(0, 9, 2);
  model.store(0, 9, 8);
  CHECK(word == 5);
  model.store(4, 9, 4);
  CHECK(word == 9);
}
