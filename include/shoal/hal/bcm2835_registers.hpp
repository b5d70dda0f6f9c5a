// SPDX-License-Identifier: BSL-1.0
//
// The GPIO registers of the BCM2835 family (Raspberry Pi 1 to 3, Zero) and of the BCM2711 (Raspberry Pi 4), as
// the "BCM2835 ARM Peripherals" (chapter 6) and "BCM2711 ARM Peripherals" (chapter 5) manuals have them.
// Freestanding.
//
//     register_block gpio{bus, bus_address{0x3f20'0000}};
//     gpio.write<bcm2835::output_set>(1u << 17);
//
// The driver is hal/bcm2835_chip.hpp, the device's side hal/bcm2835_model.hpp.
#pragma once

#include <cstdint>

#include <shoal/hal/device_register.hpp>

namespace shoal::hal {

enum class bcm_gpio : std::uint8_t {
  bcm2835,  ///< and BCM2836, BCM2837: 54 lines, pulls by a procedure
  bcm2711,  ///< 58 lines, a register of pulls
};

namespace bcm2835 {

/// Bytes of registers.
constexpr std::uint64_t block_size = 0xf4;

[[nodiscard]] constexpr std::uint32_t line_count(bcm_gpio kind) noexcept {
  return kind == bcm_gpio::bcm2711 ? 58 : 54;
}

/// Three bits a line, ten lines a register: 0 input, 1 output, others belong to another device.
using function_select = device_register<0x00, access_rule::read_write, std::uint32_t, 6>;
constexpr std::uint32_t function_input = 0;
constexpr std::uint32_t function_output = 1;
constexpr std::uint32_t lines_of_function_select = 10;

// A bit a line, 32 lines a register.
using output_set = device_register<0x1c, access_rule::write_only, std::uint32_t, 2>;
using output_clear = device_register<0x28, access_rule::write_only, std::uint32_t, 2>;
using pin_level = device_register<0x34, access_rule::read_only, std::uint32_t, 2>;
using event_detected = device_register<0x40, access_rule::write_one_to_clear, std::uint32_t, 2>;
using rising_enable = device_register<0x4c, access_rule::read_write, std::uint32_t, 2>;
using falling_enable = device_register<0x58, access_rule::read_write, std::uint32_t, 2>;
using high_enable = device_register<0x64, access_rule::read_write, std::uint32_t, 2>;
using low_enable = device_register<0x70, access_rule::read_write, std::uint32_t, 2>;

/// BCM2835: what the lines that pull_clock names become: 0 none, 1 down, 2 up.
using pull_control = device_register<0x94, access_rule::read_write>;
using pull_clock = device_register<0x98, access_rule::read_write, std::uint32_t, 2>;
/// For how many cycles pull_control stands before the clock, and the clock before both go.
constexpr int pull_cycles = 150;

/// BCM2711: two bits a line, 16 lines a register: 0 none, 1 up, 2 down.
using pull_select = device_register<0xe4, access_rule::read_write, std::uint32_t, 4>;

}  // namespace bcm2835
}  // namespace shoal::hal
