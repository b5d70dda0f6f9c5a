// SPDX-License-Identifier: BSL-1.0
//
// bcm2835_model, bcm2711_model: the GPIO registers of a Raspberry Pi from the device's side, and the world
// outside its pins. For tests of drivers. Freestanding.
//
//     bcm2835_model gpio;
//     simulated_bus bus{placed{bus_address{0x3f20'0000}, gpio}};
//     gpio.drive(4, true);
//     gpio.level(17);
//
// Knows functions, levels, edges and the pulls of each kind; a pull of the BCM2835 takes only when the
// procedure of its manual is kept, where an access counts as a cycle. Leaves out what alternate functions do.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <shoal/hal/bcm2835_registers.hpp>
#include <shoal/hal/device_model.hpp>
#include <shoal/hal/gpio_wires.hpp>

namespace shoal::hal {

template <bcm_gpio Kind>
class basic_bcm2835_model {
  static constexpr std::uint32_t lines = bcm2835::line_count(Kind);

 public:
  // ---- the bus

  [[nodiscard]] constexpr std::uint64_t size() const noexcept { return bcm2835::block_size; }

  constexpr std::uint64_t load(std::uint64_t offset, std::uint8_t width) noexcept {
    ++cycles_;
    if (width != 4) return ~std::uint64_t{0};
    if (const std::uint32_t* stored = find(offset)) return *stored;
    std::uint32_t index = 0;
    if (holds<bcm2835::pin_level>(offset, index)) return half(wires_.levels, index);
    if (holds<bcm2835::event_detected>(offset, index)) return half(detected_, index);
    return 0;
  }
  constexpr void store(std::uint64_t offset, std::uint64_t value, std::uint8_t width) noexcept {
    ++cycles_;
    if (width != 4) return;
    const auto word = static_cast<std::uint32_t>(value);
    std::uint32_t index = 0;
    if (std::uint32_t* stored = find(offset)) {
      *stored = word;
      if (offset < bcm2835::output_set::offset) apply_functions();
      apply_pulls(offset);
    } else if (holds<bcm2835::output_set>(offset, index)) {
      wires_.latches |= place(word, index);
    } else if (holds<bcm2835::output_clear>(offset, index)) {
      wires_.latches &= ~place(word, index);
    } else if (holds<bcm2835::event_detected>(offset, index)) {
      detected_ &= ~place(word, index);
    }
    settle();
  }

  // ---- the outside; pins that do not exist are ignored, and low

  constexpr void drive(std::uint32_t pin, bool level) noexcept {
    if (pin >= lines) return;
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
  /// Another device of the board takes the pin, or lets go of it. False: it is in use.
  constexpr bool hold(std::uint32_t pin, bool held) noexcept {
    if (pin >= lines || function(pin) == bcm2835::function_output) return false;
    std::uint32_t& select = functions_[pin / 10];
    select = (select & ~(0b111u << pin % 10 * 3)) | (held ? 4u : 0u) << pin % 10 * 3;
    return true;
  }

 private:
  template <class Register>
  [[nodiscard]] static constexpr bool holds(std::uint64_t offset, std::uint32_t& index) noexcept {
    index = static_cast<std::uint32_t>((offset - Register::offset) / 4);
    return offset >= Register::offset && index < Register::count;
  }
  [[nodiscard]] static constexpr std::uint32_t half(std::uint64_t bits, std::uint32_t index) noexcept {
    return static_cast<std::uint32_t>(bits >> 32 * index);
  }
  [[nodiscard]] static constexpr std::uint64_t place(std::uint32_t word, std::uint32_t index) noexcept {
    return (std::uint64_t{word} << 32 * index) & all;
  }

  // A register that reads as it was written.
  [[nodiscard]] constexpr std::uint32_t* find(std::uint64_t offset) noexcept {
    std::uint32_t index = 0;
    if (holds<bcm2835::function_select>(offset, index)) return &functions_[index];
    if (holds<bcm2835::rising_enable>(offset, index)) return &rising_[index];
    if (holds<bcm2835::falling_enable>(offset, index)) return &falling_[index];
    if constexpr (Kind == bcm_gpio::bcm2711) {
      if (holds<bcm2835::pull_select>(offset, index)) return &pulls_[index];
    } else {
      if (holds<bcm2835::pull_control>(offset, index)) return &pull_control_;
      if (holds<bcm2835::pull_clock>(offset, index)) return &pull_clock_[index];
    }
    return nullptr;
  }

  [[nodiscard]] constexpr std::uint32_t function(std::uint32_t pin) const noexcept {
    return functions_[pin / 10] >> pin % 10 * 3 & 0b111;
  }
  constexpr void apply_functions() noexcept {
    wires_.outputs = 0;
    for (std::uint32_t pin = 0; pin < lines; ++pin) {
      if (function(pin) == bcm2835::function_output) wires_.outputs |= gpio_wires::bit(pin);
    }
  }

  constexpr void apply_pulls(std::uint64_t offset) noexcept {
    std::uint32_t index = 0;
    if constexpr (Kind == bcm_gpio::bcm2711) {
      if (!holds<bcm2835::pull_select>(offset, index)) return;
      for (std::uint32_t pin = 16 * index; pin < 16 * index + 16 && pin < lines; ++pin) {
        const std::uint32_t value = pulls_[index] >> pin % 16 * 2 & 0b11;
        set_pull(gpio_wires::bit(pin), value == 1, value == 2);
      }
    } else if (holds<bcm2835::pull_control>(offset, index)) {
      take_pull();
      control_since_ = cycles_;
    } else if (holds<bcm2835::pull_clock>(offset, index)) {
      if (pull_clock_[0] == 0 && pull_clock_[1] == 0) {
        take_pull();
      } else if (cycles_ - control_since_ > bcm2835::pull_cycles) {
        clocked_ = place(pull_clock_[0], 0) | place(pull_clock_[1], 1);
        clocked_control_ = pull_control_;
        clock_since_ = cycles_;
      }
    }
  }
  // The control signal or the clock goes: both have to have been there long enough.
  constexpr void take_pull() noexcept {
    if (cycles_ - clock_since_ > bcm2835::pull_cycles)
      set_pull(clocked_, clocked_control_ == 2, clocked_control_ == 1);
    clocked_ = 0;
  }
  constexpr void set_pull(std::uint64_t pins, bool up, bool down) noexcept {
    wires_.pulls_up = up ? wires_.pulls_up | pins : wires_.pulls_up & ~pins;
    wires_.pulls_down = down ? wires_.pulls_down | pins : wires_.pulls_down & ~pins;
  }

  constexpr void settle() noexcept {
    const std::uint64_t changed = wires_.settle();
    detected_ |= changed & wires_.levels & (place(rising_[0], 0) | place(rising_[1], 1));
    detected_ |= changed & ~wires_.levels & (place(falling_[0], 0) | place(falling_[1], 1));
  }

  static constexpr std::uint64_t all = (std::uint64_t{1} << lines) - 1;

  gpio_wires wires_;
  std::uint64_t detected_ = 0;
  std::array<std::uint32_t, 6> functions_{};
  std::array<std::uint32_t, 2> rising_{};
  std::array<std::uint32_t, 2> falling_{};
  std::array<std::uint32_t, 4> pulls_{};
  std::uint32_t pull_control_ = 0;
  std::array<std::uint32_t, 2> pull_clock_{};
  std::uint64_t clocked_ = 0;  // the pins whose pull is being changed
  std::uint32_t clocked_control_ = 0;
  std::uint64_t cycles_ = 0;
  std::uint64_t control_since_ = 0;
  std::uint64_t clock_since_ = 0;
};

using bcm2835_model = basic_bcm2835_model<bcm_gpio::bcm2835>;
using bcm2711_model = basic_bcm2835_model<bcm_gpio::bcm2711>;
static_assert(device_model<bcm2835_model> && device_model<bcm2711_model>);

}  // namespace shoal::hal
