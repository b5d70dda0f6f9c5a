// SPDX-License-Identifier: BSL-1.0
//
// Accesses to the GPIO of a BCM2835, by the library and by hand. as_by_hand.sh compiles this, for each
// architecture, and compares what became of NAME_by_library and NAME_by_hand; nobody runs it.
#include <cstdint>

#include <shoal/base/status.hpp>
#include <shoal/hal/bcm2835_chip.hpp>
#include <shoal/hal/bcm2835_registers.hpp>
#include <shoal/hal/gpio_chip.hpp>
#include <shoal/hal/mapped_bus.hpp>
#include <shoal/hal/register_block.hpp>

using namespace shoal::hal;
using shoal::status;

using registers = mapped_bus<fixed_range<0x3f20'0000, 0x1000>>;
using address = fixed_address<0x3f20'0000>;
using block = register_block<registers, address>;
using chip = bcm2835_chip<registers, address>;

// What the chip knows, as one would write it down.
struct plain_line {
  gpio_config config;
  bool taken;
};
struct plain_chip {
  volatile std::uint32_t* gpio;
  plain_line lines[54];
};

extern "C" {

// ---- one line, known when the program is compiled

void set_by_library(block& gpio) {
  gpio.write<bcm2835::output_set>(1u << 17);
}
void set_by_hand(volatile std::uint32_t*& gpio) {
  gpio[0x1c / 4] = 1u << 17;
}

std::uint32_t level_by_library(block& gpio) {
  return gpio.read<bcm2835::pin_level>(1) >> 8 & 1;
}
std::uint32_t level_by_hand(volatile std::uint32_t*& gpio) {
  return gpio[0x38 / 4] >> 8 & 1;
}

void clear_by_library(block& gpio) {
  gpio.write<bcm2835::output_clear>(1u << 9, 1);
}
void clear_by_hand(volatile std::uint32_t*& gpio) {
  gpio[0x2c / 4] = 1u << 9;
}

// ---- any line, with everything that the contract asks for

status write_by_library(chip& c, std::uint32_t line, bool level) {
  return c.write(line, level);
}
status write_by_hand(plain_chip& c, std::uint32_t line, bool level) {
  if (line >= 54) return status::out_of_range;
  if (!c.lines[line].taken || c.lines[line].config.direction != gpio_direction::output) {
    return status::invalid_argument;
  }
  if (level != c.lines[line].config.active_low) {
    c.gpio[0x1c / 4 + line / 32] = 1u << line % 32;
  } else {
    c.gpio[0x28 / 4 + line / 32] = 1u << line % 32;
  }
  return status::ok;
}
}
