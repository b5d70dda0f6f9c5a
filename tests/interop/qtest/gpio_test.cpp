// SPDX-License-Identifier: BSL-1.0
//
// The drivers of hal/ over the registers that QEMU models: run by gpio_qtest.sh, which starts QEMU and says in
// the environment where it listens (QTEST), what GPIO it has (CHIP: bcm2835 or pl061), at which addresses
// (BASES), as what QEMU knows the first (DEVICE), and where RAM is (RAM).
#include <cstdint>
#include <cstdlib>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <shoal/base/result.hpp>
#include <shoal/base/status.hpp>
#include <shoal/hal/bcm2835_chip.hpp>
#include <shoal/hal/bus_address.hpp>
#include <shoal/hal/gpio_chip.hpp>
#include <shoal/hal/pl061_chip.hpp>
#include <shoal/os/posix/qtest_bus.hpp>
#include <shoal/test/gpio_chip_conformance.hpp>
#include <shoal/test/mmio_bus_conformance.hpp>

using namespace shoal;
using hal::bus_address;
using posix::qtest_bus;
using bcm2835 = hal::bcm2835_chip<qtest_bus&>;
using pl061 = hal::pl061_chip<qtest_bus&>;

namespace {

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  REQUIRE(value != nullptr);
  return value;
}

bool machine_has(const char* chip) {
  return variable("CHIP") == chip;
}

// One connection, which is all that QEMU takes; watches the device's outputs.
qtest_bus& bus() {
  static qtest_bus instance = [] {
    result<qtest_bus> connected = qtest_bus::connect(variable("QTEST"));
    REQUIRE(connected);
    REQUIRE(connected->watch_outputs(variable("DEVICE")));
    return std::move(*connected);
  }();
  return instance;
}

std::vector<bus_address> bases() {
  std::istringstream words{variable("BASES")};
  std::vector<bus_address> found;
  for (std::string word; words >> word;) found.push_back(bus_address{std::stoull(word, nullptr, 0)});
  REQUIRE_FALSE(found.empty());
  return found;
}

// What is connected to the PL061's lines is QEMU's own wiring, moved by qtest.
struct pl061_outside {
  pl061& chip;
  std::string device = variable("DEVICE");
  void drive(std::uint32_t line, bool level) { REQUIRE(bus().set_input(device, line, level)); }
  bool level(std::uint32_t line) { return bus().output(line); }
  void settle() { chip.poll(); }
};

}  // namespace

TEST_CASE("QEMU's memory is an mmio_bus") {
  const bus_address ram{std::stoull(variable("RAM"), nullptr, 0)};
  test::conforms_to_mmio_bus([]() -> qtest_bus& { return bus(); },
                             {.scratch = ram + 0x1004, .other = ram + 0x1000, .narrow = true});
  CHECK_FALSE(bus().error());
}

TEST_CASE("the driver of the PL061 over QEMU's registers is a GPIO chip") {
  if (!machine_has("pl061")) return;
  test::conforms_to_gpio_chip([] { return pl061{bus(), bases()[0]}; },
                              [](pl061& chip) { return pl061_outside{chip}; });
  CHECK_FALSE(bus().error());
}

TEST_CASE("each PL061 of the machine is found, and conforms as far as it can be seen") {
  if (!machine_has("pl061")) return;
  for (const bus_address base : bases()) {
    CHECK(pl061{bus(), base}.is_present());
    CHECK_FALSE(pl061{bus(), base + 0x10'0000}.is_present());
    test::conforms_to_gpio_chip([&] { return pl061{bus(), base}; });
  }
  CHECK_FALSE(bus().error());
}

// QEMU moves none of its inputs, and an input that was written before it became an output is not raised: the
// outside is not the suite's here.
TEST_CASE("the driver of the BCM2835 over QEMU's registers is a GPIO chip") {
  if (!machine_has("bcm2835")) return;
  test::conforms_to_gpio_chip([] { return bcm2835{bus(), bases()[0]}; });
  CHECK_FALSE(bus().error());
}

TEST_CASE("QEMU's pins follow what is written to the BCM2835") {
  if (!machine_has("bcm2835")) return;
  bcm2835 chip{bus(), bases()[0]};
  for (std::uint32_t line = 0; line < chip.line_count(); ++line) {
    CAPTURE(line);
    REQUIRE(chip.request(line, {.direction = hal::gpio_direction::output}) == status::ok);
    for (const bool level : {true, false, true, true, false}) {
      CHECK(chip.write(line, level) == status::ok);
      CHECK(bus().output(line) == level);
      CHECK(chip.read(line).value == level);
    }
    CHECK(chip.release(line) == status::ok);
  }
  CHECK_FALSE(bus().error());
}
