// SPDX-License-Identifier: BSL-1.0
//
// gpio_wires: the pins of a simulated GPIO device, up to 64, with what the device and the outside do to them.
// For models of registers. Freestanding.
//
//     gpio_wires wires;
//     wires.outputs = 0x20; wires.latches = 0x20;
//     wires.drive(3, true);
//     const std::uint64_t changed = wires.settle();
//
// A pin has the level of the device's latch when it is an output, else what the outside drives, else that of
// its pull, else the one it had. Leaves out short circuits: the device wins.
#pragma once

#include <cstdint>

namespace shoal::hal {

/// A bit a pin; pins from 64 on do not exist.
struct gpio_wires {
  std::uint64_t outputs = 0;
  std::uint64_t latches = 0;  ///< what outputs drive
  std::uint64_t pulls_up = 0;
  std::uint64_t pulls_down = 0;
  std::uint64_t driven = 0;  ///< by the outside
  std::uint64_t outside = 0;
  std::uint64_t levels = 0;  ///< as of the last settle()

  [[nodiscard]] static constexpr std::uint64_t bit(std::uint32_t pin) noexcept {
    return pin < 64 ? std::uint64_t{1} << pin : 0;
  }
  constexpr void drive(std::uint32_t pin, bool level) noexcept {
    driven |= bit(pin);
    outside = level ? outside | bit(pin) : outside & ~bit(pin);
  }
  constexpr void undrive(std::uint32_t pin) noexcept { driven &= ~bit(pin); }
  [[nodiscard]] constexpr bool level(std::uint32_t pin) const noexcept { return (levels & bit(pin)) != 0; }

  /// Brings `levels` up to date and gives the pins that changed.
  constexpr std::uint64_t settle() noexcept {
    const std::uint64_t resting = (levels | pulls_up) & ~pulls_down;
    const std::uint64_t in = (driven & outside) | (~driven & resting);
    const std::uint64_t before = levels;
    levels = (outputs & latches) | (~outputs & in);
    return before ^ levels;
  }
};

}  // namespace shoal::hal
