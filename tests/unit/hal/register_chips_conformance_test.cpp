// SPDX-License-Identifier: BSL-1.0
#include <shoal/hal/bcm2835_chip.hpp>

#include <cstdint>

#include <doctest/doctest.h>

#include <shoal/hal/bcm2835_model.hpp>
#include <shoal/hal/bus_address.hpp>
#include <shoal/hal/device_model.hpp>
#include <shoal/hal/pl061_chip.hpp>
#include <shoal/hal/pl061_model.hpp>
#include <shoal/hal/simulated_bus.hpp>
#include <shoal/test/gpio_chip_conformance.hpp>

using shoal::hal::bus_address;
using shoal::hal::fixed_address;
using shoal::hal::placed;
using shoal::hal::simulated_bus;
namespace hal = shoal::hal;
namespace test = shoal::test;

namespace {

constexpr bus_address base{0x3f20'0000};

// The outside of a chip that is polled: once for each time that the suite lets it notice.
template <class Chip, class Model>
struct model_outside {
  Chip& chip;
  Model& model;
  void drive(std::uint32_t line, bool level) { model.drive(line, level); }
  void undrive(std::uint32_t line) { model.undrive(line); }
  bool level(std::uint32_t line) { return model.level(line); }
  bool is_output(std::uint32_t line) { return model.is_output(line); }
  bool hold(std::uint32_t line, bool held) { return model.hold(line, held); }
  void settle() { chip.poll(); }
};

template <class Chip, class Model>
model_outside<Chip, Model> outside(Chip& chip, Model& model) {
  return {chip, model};
}

// What an earlier part of the suite did to the model is still there, as with real hardware.
template <class Model, class MakeChip>
void check(MakeChip make_chip) {
  static Model model;
  test::conforms_to_gpio_chip([&] { return make_chip(simulated_bus{placed{base, model}}); },
                              [&](auto& chip) { return outside(chip, model); });
}

}  // namespace

TEST_CASE("the driver of the BCM2835 over its registers is a GPIO chip") {
  check<hal::bcm2835_model>([](auto bus) { return hal::bcm2835_chip{bus, base}; });
}

TEST_CASE("the driver of the BCM2711 over its registers is a GPIO chip") {
  check<hal::bcm2711_model>([](auto bus) { return hal::bcm2711_chip{bus, fixed_address<0x3f20'0000>{}}; });
}

TEST_CASE("the driver of the PL061 over its registers is a GPIO chip") {
  check<hal::pl061_model>([](auto bus) { return hal::pl061_chip{bus, base}; });
}
