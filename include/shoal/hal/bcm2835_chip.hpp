// SPDX-License-Identifier: BSL-1.0
//
// bcm2835_chip, bcm2711_chip: the GPIO of a Raspberry Pi by its registers, over any mmio_bus. Freestanding.
//
//     bcm2835_chip chip{bus, bus_address{0x3f20'0000}};     // Pi 2 and 3; 0x2020'0000 on a Pi 1 or Zero
//     chip.request(17, {.direction = gpio_direction::output});
//     chip.write(17, true);
//
// Edges are polled, by next_event() or poll(): see gpio_latched_edges.hpp for what that cannot see. A line that
// another device of the board has (alternate function) is busy. Registers are read, changed and written back,
// so a kernel that uses the same chip meanwhile may undo a change. Leaves out interrupts and drive strength.
#pragma once

#include <concepts>
#include <cstdint>

#include <shoal/base/status.hpp>
#include <shoal/hal/bcm2835_registers.hpp>
#include <shoal/hal/bus_address.hpp>
#include <shoal/hal/gpio_chip.hpp>
#include <shoal/hal/gpio_latched_edges.hpp>
#include <shoal/hal/gpio_line_table.hpp>
#include <shoal/hal/mmio_bus.hpp>
#include <shoal/hal/nanosecond_clock.hpp>
#include <shoal/hal/register_block.hpp>

namespace shoal::hal {

/// @tparam Bus    copied; a reference where that is wrong
/// @tparam Base   bus_address, or fixed_address where the code should hold it
/// @tparam Clock  of the events
template <bcm_gpio Kind, mmio_bus Bus, std::convertible_to<bus_address> Base = bus_address,
          nanosecond_clock Clock = manual_clock>
class basic_bcm2835_chip {
  static constexpr std::uint32_t lines = bcm2835::line_count(Kind);

 public:
  constexpr basic_bcm2835_chip(Bus bus, Base base, Clock clock = {}) noexcept
      : registers_(bus, base), clock_(clock) {}

  [[nodiscard]] constexpr std::uint32_t line_count() const noexcept { return lines; }
  [[nodiscard]] constexpr gpio_features features() const noexcept { return {.bias = true, .edges = true}; }

  constexpr status request(std::uint32_t line, const gpio_config& config) noexcept {
    if (const status s = lines_.check(line, config, features()); s != status::ok) return s;
    if (!lines_.taken(line) && function(line) > bcm2835::function_output) return status::busy;
    detect(line, false, false);
    // the level first: an output must not show the old one
    if (config.direction == gpio_direction::output) drive(line, config.level != config.active_low);
    set_function(
        line, config.direction == gpio_direction::output ? bcm2835::function_output : bcm2835::function_input);
    if (config.bias != gpio_bias::as_is) pull(line, config.bias);
    registers_.template clear<bcm2835::event_detected>(bit(line), line / 32);
    lines_.take(line, config);
    edges_.start(line, physical(line));
    detect(line, has_physical_rising(config), has_physical_falling(config));
    return status::ok;
  }
  constexpr status release(std::uint32_t line) noexcept {
    if (line >= lines) return status::out_of_range;
    if (!lines_.taken(line)) return status::ok;
    detect(line, false, false);
    set_function(line, bcm2835::function_input);
    registers_.template clear<bcm2835::event_detected>(bit(line), line / 32);
    lines_.release(line);
    return status::ok;
  }
  constexpr status_or<bool> read(std::uint32_t line) noexcept {
    if (const status s = lines_.readable(line); s != status::ok) return s;
    return physical(line) != lines_[line].active_low;
  }
  constexpr status write(std::uint32_t line, bool level) noexcept {
    if (const status s = lines_.writable(line); s != status::ok) return s;
    drive(line, level != lines_[line].active_low);
    return status::ok;
  }
  /// One load for each 32 lines.
  constexpr status_or<std::uint64_t> read_lines(std::uint32_t first, std::uint64_t mask) noexcept {
    if (const status s = lines_.readable(first, mask); s != status::ok) return s;
    if (mask == 0) return std::uint64_t{0};
    const std::uint64_t wanted = mask << first;
    return ((both<bcm2835::pin_level>(wanted) >> first) & mask) ^ lines_.active_low(first, mask);
  }
  /// At most two stores for each 32 lines: those that rise, then those that fall.
  constexpr status write_lines(std::uint32_t first, std::uint64_t mask, std::uint64_t values) noexcept {
    if (const status s = lines_.writable(first, mask); s != status::ok) return s;
    if (mask == 0) return status::ok;
    const std::uint64_t high = ((values ^ lines_.active_low(first, mask)) & mask) << first;
    const std::uint64_t low = (mask << first) & ~high;
    for (std::uint32_t bank = 0; bank < 2; ++bank) {
      const auto rising = static_cast<std::uint32_t>(high >> 32 * bank);
      const auto falling = static_cast<std::uint32_t>(low >> 32 * bank);
      if (rising != 0) registers_.template write<bcm2835::output_set>(rising, bank);
      if (falling != 0) registers_.template write<bcm2835::output_clear>(falling, bank);
    }
    return status::ok;
  }

  /// Asks the hardware for edges and keeps them as events.
  constexpr void poll() noexcept {
    edges_.poll(
        lines_, clock_(), [this] { return take_detected(); },
        [this] { return both<bcm2835::pin_level>(~std::uint64_t{0}); });
  }
  constexpr bool next_event(gpio_event& event) noexcept {
    if (edges_.pop(event)) return true;
    poll();
    return edges_.pop(event);
  }
  [[nodiscard]] constexpr std::uint64_t lost_events() const noexcept { return edges_.lost(); }

 private:
  [[nodiscard]] static constexpr std::uint32_t bit(std::uint32_t line) noexcept { return 1u << line % 32; }

  [[nodiscard]] constexpr bool physical(std::uint32_t line) noexcept {
    return (registers_.template read<bcm2835::pin_level>(line / 32) & bit(line)) != 0;
  }
  constexpr void drive(std::uint32_t line, bool level) noexcept {
    if (level) {
      registers_.template write<bcm2835::output_set>(bit(line), line / 32);
    } else {
      registers_.template write<bcm2835::output_clear>(bit(line), line / 32);
    }
  }

  [[nodiscard]] static constexpr std::uint32_t function_shift(std::uint32_t line) noexcept {
    return line % bcm2835::lines_of_function_select * 3;
  }
  [[nodiscard]] constexpr std::uint32_t function(std::uint32_t line) noexcept {
    const std::uint32_t index = line / bcm2835::lines_of_function_select;
    return registers_.template read<bcm2835::function_select>(index) >> function_shift(line) & 0b111;
  }
  constexpr void set_function(std::uint32_t line, std::uint32_t function) noexcept {
    const std::uint32_t shift = function_shift(line);
    registers_.template change<bcm2835::function_select>(0b111u << shift, function << shift,
                                                         line / bcm2835::lines_of_function_select);
  }

  // No edges on lines that never had any: two loads, and no store.
  constexpr void detect(std::uint32_t line, bool rising, bool falling) noexcept {
    enable<bcm2835::rising_enable>(line, rising);
    enable<bcm2835::falling_enable>(line, falling);
    const std::uint64_t one = std::uint64_t{1} << line;
    detecting_ = rising || falling ? detecting_ | one : detecting_ & ~one;
  }
  template <class Register>
  constexpr void enable(std::uint32_t line, bool on) noexcept {
    const std::uint32_t before = registers_.template read<Register>(line / 32);
    const std::uint32_t after = on ? before | bit(line) : before & ~bit(line);
    if (after != before) registers_.template write<Register>(after, line / 32);
  }
  [[nodiscard]] constexpr std::uint64_t take_detected() noexcept {
    const std::uint64_t detected = both<bcm2835::event_detected>(detecting_) & detecting_;
    for (std::uint32_t bank = 0; bank < 2; ++bank) {
      const auto flags = static_cast<std::uint32_t>(detected >> 32 * bank);
      if (flags != 0) registers_.template clear<bcm2835::event_detected>(flags, bank);
    }
    return detected;
  }

  // The registers of a row that hold any of these lines, side by side.
  template <class Register>
  [[nodiscard]] constexpr std::uint64_t both(std::uint64_t wanted) noexcept {
    std::uint64_t value = 0;
    if (static_cast<std::uint32_t>(wanted) != 0) value = registers_.template read<Register>(0);
    if (wanted >> 32 != 0) value |= std::uint64_t{registers_.template read<Register>(1)} << 32;
    return value;
  }

  constexpr void pull(std::uint32_t line, gpio_bias bias) noexcept {
    const bool up = bias == gpio_bias::pull_up;
    const bool down = bias == gpio_bias::pull_down;
    if constexpr (Kind == bcm_gpio::bcm2711) {
      const std::uint32_t shift = line % 16 * 2;
      const std::uint32_t value = up ? 1u : down ? 2u : 0u;
      registers_.template change<bcm2835::pull_select>(0b11u << shift, value << shift, line / 16);
    } else {
      registers_.template write<bcm2835::pull_control>(down ? 1u : up ? 2u : 0u);
      wait();
      registers_.template write<bcm2835::pull_clock>(bit(line), line / 32);
      wait();
      registers_.template write<bcm2835::pull_control>(0);
      registers_.template write<bcm2835::pull_clock>(0, line / 32);
    }
  }
  // A load of a device's register takes a cycle of its clock at the least, and needs no clock of ours.
  constexpr void wait() noexcept {
    for (int i = 0; i < bcm2835::pull_cycles; ++i) {
      static_cast<void>(registers_.template read<bcm2835::pin_level>(0));
    }
  }

  register_block<Bus, Base> registers_;
  gpio_line_table<lines> lines_;
  std::uint64_t detecting_ = 0;  // a bit a line with edges
  gpio_latched_edges edges_;
  Clock clock_;
};

/// Raspberry Pi 1 to 3 and Zero: 54 lines.
template <mmio_bus Bus, std::convertible_to<bus_address> Base = bus_address,
          nanosecond_clock Clock = manual_clock>
class bcm2835_chip : public basic_bcm2835_chip<bcm_gpio::bcm2835, Bus, Base, Clock> {
 public:
  constexpr bcm2835_chip(Bus bus, Base base, Clock clock = {}) noexcept
      : basic_bcm2835_chip<bcm_gpio::bcm2835, Bus, Base, Clock>(bus, base, clock) {}
};

/// Raspberry Pi 4: 58 lines.
template <mmio_bus Bus, std::convertible_to<bus_address> Base = bus_address,
          nanosecond_clock Clock = manual_clock>
class bcm2711_chip : public basic_bcm2835_chip<bcm_gpio::bcm2711, Bus, Base, Clock> {
 public:
  constexpr bcm2711_chip(Bus bus, Base base, Clock clock = {}) noexcept
      : basic_bcm2835_chip<bcm_gpio::bcm2711, Bus, Base, Clock>(bus, base, clock) {}
};

}  // namespace shoal::hal
