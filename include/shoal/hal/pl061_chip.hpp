// SPDX-License-Identifier: BSL-1.0
//
// pl061_chip: the eight lines of an ARM PL061 by its registers, over any mmio_bus. Freestanding.
//
//     pl061_chip chip{bus, bus_address{0x0903'0000}};       // of QEMU's arm64 "virt" machine
//     if (!chip.is_present()) return status::failed;
//     chip.request(3, {.edges = gpio_edge::both});
//
// Edges are polled, by next_event() or poll(), with interrupts masked: see gpio_latched_edges.hpp for what that
// cannot see. A line that another device has (mode control) is busy. The hardware has no bias. Registers are
// read, changed and written back, so a kernel that uses the same chip meanwhile may undo a change.
#pragma once

#include <concepts>
#include <cstdint>

#include <shoal/base/status.hpp>
#include <shoal/hal/bus_address.hpp>
#include <shoal/hal/gpio_chip.hpp>
#include <shoal/hal/gpio_latched_edges.hpp>
#include <shoal/hal/gpio_line_table.hpp>
#include <shoal/hal/mmio_bus.hpp>
#include <shoal/hal/nanosecond_clock.hpp>
#include <shoal/hal/pl061_registers.hpp>
#include <shoal/hal/register_block.hpp>

namespace shoal::hal {

/// @tparam Bus    copied; a reference where that is wrong
/// @tparam Base   bus_address, or fixed_address where the code should hold it
/// @tparam Clock  of the events
template <mmio_bus Bus, std::convertible_to<bus_address> Base = bus_address,
          nanosecond_clock Clock = manual_clock>
class pl061_chip {
 public:
  constexpr pl061_chip(Bus bus, Base base, Clock clock = {}) noexcept : registers_(bus, base), clock_(clock) {}

  /// Whether the registers say that they are a PL061.
  [[nodiscard]] constexpr bool is_present() noexcept {
    constexpr std::uint32_t cell[] = {0x0d, 0xf0, 0x05, 0xb1};
    for (std::uint32_t i = 0; i < 4; ++i) {
      if ((registers_.template read<pl061::cell_id>(i) & 0xff) != cell[i]) return false;
    }
    return (registers_.template read<pl061::peripheral_id>(0) & 0xff) == 0x61 &&
           (registers_.template read<pl061::peripheral_id>(1) & 0x0f) == 0x0;
  }

  [[nodiscard]] constexpr std::uint32_t line_count() const noexcept { return pl061::line_count; }
  [[nodiscard]] constexpr gpio_features features() const noexcept {
    return {.edges = true, .atomic_lines = true};
  }

  constexpr status request(std::uint32_t line, const gpio_config& config) noexcept {
    if (const status s = lines_.check(line, config, features()); s != status::ok) return s;
    const std::uint32_t one = 1u << line;
    const bool other = (registers_.template read<pl061::mode_control>() & one) != 0;
    if (other && !lines_.taken(line)) return status::busy;
    registers_.template change<pl061::interrupt_mask>(one, 0);
    detecting_ &= ~std::uint64_t{one};
    if (config.direction == gpio_direction::output) {
      // The level before the direction, for chips that keep it, and behind it, for those that ignore stores to
      // inputs.
      const std::uint32_t level = config.level != config.active_low ? one : 0;
      registers_.template write<pl061::data>(level, one);
      registers_.template change<pl061::direction>(one, one);
      registers_.template write<pl061::data>(level, one);
    } else {
      registers_.template change<pl061::direction>(one, 0);
    }
    const bool rising = has_physical_rising(config);
    const bool falling = has_physical_falling(config);
    registers_.template change<pl061::level_sense>(one, 0);
    registers_.template change<pl061::both_edges>(one, rising && falling ? one : 0);
    registers_.template change<pl061::rising_event>(one, rising ? one : 0);
    registers_.template write<pl061::interrupt_clear>(one);
    lines_.take(line, config);
    edges_.start(line, registers_.template read<pl061::data>(one) != 0);
    if (rising || falling) detecting_ |= one;
    return status::ok;
  }
  constexpr status release(std::uint32_t line) noexcept {
    if (line >= pl061::line_count) return status::out_of_range;
    if (!lines_.taken(line)) return status::ok;
    const std::uint32_t one = 1u << line;
    detecting_ &= ~std::uint64_t{one};
    registers_.template change<pl061::direction>(one, 0);
    lines_.release(line);
    return status::ok;
  }
  constexpr status_or<bool> read(std::uint32_t line) noexcept {
    if (const status s = lines_.readable(line); s != status::ok) return s;
    return (registers_.template read<pl061::data>(1u << line) != 0) != lines_[line].active_low;
  }
  constexpr status write(std::uint32_t line, bool level) noexcept {
    if (const status s = lines_.writable(line); s != status::ok) return s;
    const std::uint32_t one = 1u << line;
    registers_.template write<pl061::data>(level != lines_[line].active_low ? one : 0, one);
    return status::ok;
  }
  /// One load.
  constexpr status_or<std::uint64_t> read_lines(std::uint32_t first, std::uint64_t mask) noexcept {
    if (const status s = lines_.readable(first, mask); s != status::ok) return s;
    if (mask == 0) return std::uint64_t{0};
    const auto wanted = static_cast<std::uint32_t>(mask << first);
    const std::uint64_t levels = registers_.template read<pl061::data>(wanted) & wanted;
    return (levels >> first) ^ lines_.active_low(first, mask);
  }
  /// One store.
  constexpr status write_lines(std::uint32_t first, std::uint64_t mask, std::uint64_t values) noexcept {
    if (const status s = lines_.writable(first, mask); s != status::ok) return s;
    if (mask == 0) return status::ok;
    const std::uint64_t levels = (values ^ lines_.active_low(first, mask)) & mask;
    registers_.template write<pl061::data>(static_cast<std::uint32_t>(levels << first),
                                           static_cast<std::uint32_t>(mask << first));
    return status::ok;
  }

  /// Asks the hardware for edges and keeps them as events.
  constexpr void poll() noexcept {
    edges_.poll(
        lines_, clock_(), [this] { return take_latched(); },
        [this] { return std::uint64_t{registers_.template read<pl061::data>(0xff)}; });
  }
  constexpr bool next_event(gpio_event& event) noexcept {
    if (edges_.pop(event)) return true;
    poll();
    return edges_.pop(event);
  }
  [[nodiscard]] constexpr std::uint64_t lost_events() const noexcept { return edges_.lost(); }

 private:
  [[nodiscard]] constexpr std::uint64_t take_latched() noexcept {
    if (detecting_ == 0) return 0;
    const std::uint64_t latched = registers_.template read<pl061::raw_interrupt>() & detecting_;
    if (latched != 0) registers_.template write<pl061::interrupt_clear>(static_cast<std::uint32_t>(latched));
    return latched;
  }

  register_block<Bus, Base> registers_;
  gpio_line_table<pl061::line_count> lines_;
  std::uint64_t detecting_ = 0;  // a bit a line with edges
  gpio_latched_edges edges_;
  Clock clock_;
};

}  // namespace shoal::hal
