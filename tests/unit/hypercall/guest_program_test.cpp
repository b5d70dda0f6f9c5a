// SPDX-License-Identifier: BSL-1.0
#include <shoal/hypercall/guest/start.hpp>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/hal/simulated_chip.hpp>

#include "../../guest/follow_switch.hpp"

using namespace shoal;
using namespace shoal::hypercall;

TEST_CASE("a unikernel's program runs as an ordinary one") {
  hal::simulated_chip<32> chip;
  int pauses = 0;
  int wrong = 0;
  const int ended = follow_switch(chip, [&] {
    wrong += chip.level(led_line) != chip.level(switch_line) ? 1 : 0;
    if (++pauses % 3 == 0) chip.drive(switch_line, !chip.level(switch_line));
  });
  CHECK(ended == 0);
  CHECK(pauses == 31);
  CHECK(wrong == 0);
  CHECK(!chip.is_output(led_line));
}

TEST_CASE("a unikernel's program says which step fails") {
  hal::simulated_chip<32> chip;
  REQUIRE(chip.hold(led_line, true));
  CHECK(follow_switch(chip, [] {}) == 2);
  hal::simulated_chip<8> small;
  CHECK(follow_switch(small, [] {}) == 1);
}

TEST_CASE("a guest finds its devices and its command line") {
  manifest devices;
  REQUIRE(devices.add("disk", device_type::block) == status::ok);
  REQUIRE(devices.add("pins", device_type::gpio) == status::ok);
  REQUIRE(devices.add("board", device_type::bcm2835_gpio) == status::ok);
  devices[2].attach_gpio(8, 0);
  std::uint32_t hardware[2] = {7, 8};
  devices[3].attach_registers(reinterpret_cast<std::uintptr_t>(hardware), sizeof hardware);
  const std::string words = "verbose now";
  boot_info info;
  info.memory_size = 64_MiB;
  info.cycle_frequency = 1'000'000'000;
  info.manifest = reinterpret_cast<std::uintptr_t>(devices.bytes().data());
  info.command_line = reinterpret_cast<std::uintptr_t>(words.c_str());
  const guest::start found{info};
  CHECK(found.memory_size() == 64_MiB);
  CHECK(found.cycle_frequency() == 1'000'000'000);
  CHECK(found.device(1).name_text() == "disk");
  CHECK(found.device(2).line_count() == 8);
  CHECK(found.command_line() == words);
  hal::mapped_bus<> bus = found.registers(3);
  CHECK(bus.load<std::uint32_t>(bus.range().base() + 4) == 8);
  CHECK(bus.load<std::uint32_t>(bus.range().base() + 8) == ~std::uint32_t{0});
}
