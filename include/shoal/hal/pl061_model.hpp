// SPDX-License-Identifier: BSL-1.0
//
// pl061_model: the registers of an ARM PL061 from the device's side, and the world outside its eight pins. For
// tests of drivers. Freestanding.
//
//     pl061_model gpio;
//     simulated_bus bus{placed{bus_address{0x0903'0000}, gpio}};
//     gpio.drive(3, true);
//
// A store to the data of an input is ignored. Leaves out what mode control does.
#pragma once

#include <cstdint>

#include <shoal/hal/device_model.hpp>
#include <shoal/hal/gpio_wires.hpp>
#include <shoal/hal/pl061_registers.hpp>

namespace shoal::hal {

class pl061_model {
 public:
  // ---- the bus

  [[nodiscard]] constexpr std::uint64_t size() const noexcept { return pl061::block_size; }

  constexpr std::uint64_t load(std::uint64_t offset, std::uint8_t width) noexcept {
    if (width != 4) return ~std::uint64_t{0};
    if (offset < pl061::direction::offset) return wires_.levels & offset >> 2;
    switch (offset) {
      case pl061::direction::offset: return wires_.outputs;
      case pl061::level_sense::offset: return level_sense_;
      case pl061::both_edges::offset: return both_edges_;
      case pl061::rising_event::offset: return rising_;
      case pl061::interrupt_mask::offset: return mask_;
      case pl061::raw_interrupt::offset: return raw();
      case pl061::masked_interrupt::offset: return raw() & mask_;
      case pl061::mode_control::offset: return mode_;
      default: break;
    }
    constexpr std::uint8_t ids[] = {0x61, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
    return offset >= pl061::peripheral_id::offset ? ids[(offset - pl061::peripheral_id::offset) / 4] : 0;
  }
  constexpr void store(std::uint64_t offset, std::uint64_t value, std::uint8_t width) noexcept {
    if (width != 4) return;
    const std::uint64_t byte = value & 0xff;
    if (offset < pl061::direction::offset) {
      const std::uint64_t changing = offset >> 2 & wires_.outputs;
      wires_.latches = (wires_.latches & ~changing) | (byte & changing);
    }
    switch (offset) {
      case pl061::direction::offset: wires_.outputs = byte; break;
      case pl061::level_sense::offset: level_sense_ = byte; break;
      case pl061::both_edges::offset: both_edges_ = byte; break;
      case pl061::rising_event::offset: rising_ = byte; break;
      case pl061::interrupt_mask::offset: mask_ = byte; break;
      case pl061::interrupt_clear::offset: latched_ &= ~byte; break;
      case pl061::mode_control::offset: mode_ = byte; break;
      default: break;
    }
    settle();
  }

  // ---- the outside; pins that do not exist are ignored, and low

  constexpr void drive(std::uint32_t pin, bool level) noexcept {
    if (pin >= pl061::line_count) return;
    wires_.drive(pin, level);
    settle();
  }
  constexpr void undrive(std::uint32_t pin) noexcept {
    wires_.undrive(pin);
    settle();
  }
  [[nodiscard]] constexpr bool level(std::uint32_t pin) const noexcept { return wires_.level(pin); }
  [[nodiscard]] constexpr bool is_output(std::uint32_t pin) const noexcept {
    return (wires_.outputs & gpio_wires::bit(pin)) != 0;
  }
  /// Another device takes the pin, or lets go of it. False: it is in use.
  constexpr bool hold(std::uint32_t pin, bool held) noexcept {
    if (pin >= pl061::line_count || is_output(pin)) return false;
    mode_ = held ? mode_ | gpio_wires::bit(pin) : mode_ & ~gpio_wires::bit(pin);
    return true;
  }
  /// The line to the processor.
  [[nodiscard]] constexpr bool interrupts() const noexcept { return (raw() & mask_) != 0; }

 private:
  // Edges that are kept, and levels that are there: high where rising_event is one.
  [[nodiscard]] constexpr std::uint64_t raw() const noexcept {
    return (latched_ & ~level_sense_) | (~(wires_.levels ^ rising_) & level_sense_ & 0xff);
  }
  constexpr void settle() noexcept {
    const std::uint64_t changed = wires_.settle() & ~wires_.outputs & ~level_sense_;
    latched_ |= changed & (both_edges_ | ~(wires_.levels ^ rising_));
  }

  gpio_wires wires_;
  std::uint64_t level_sense_ = 0;
  std::uint64_t both_edges_ = 0;
  std::uint64_t rising_ = 0;
  std::uint64_t mask_ = 0;
  std::uint64_t mode_ = 0;
  std::uint64_t latched_ = 0;
};
static_assert(device_model<pl061_model>);

}  // namespace shoal::hal
