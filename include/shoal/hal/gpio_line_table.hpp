// SPDX-License-Identifier: BSL-1.0
//
// gpio_line_table: which lines of a chip are taken and how they are used, with the checks that the contract
// asks of every chip. For who implements a gpio_chip whose lines have no other owner. Freestanding.
//
//     if (const status s = lines_.check(line, config, features()); s != status::ok) return s;
//     ...                        // the hardware's part
//     lines_.take(line, config);
//
// Knows nothing of levels. Belongs to one strand.
#pragma once

#include <array>
#include <cstdint>

#include <shoal/base/status.hpp>
#include <shoal/hal/gpio_chip.hpp>

namespace shoal::hal {

/// What `config` asks for, of a chip that has `features`: unsupported for more than it has, invalid_argument
/// for edges of an output and for values that no enumerator has.
[[nodiscard]] constexpr status check_gpio_config(const gpio_config& config,
                                                 const gpio_features& features) noexcept {
  if (config.bias > gpio_bias::pull_down || config.edges > gpio_edge::both) return status::invalid_argument;
  if (config.direction > gpio_direction::output) return status::invalid_argument;
  if (config.bias != gpio_bias::as_is && !features.bias) return status::unsupported;
  if (config.edges == gpio_edge::none) return status::ok;
  if (!features.edges) return status::unsupported;
  return config.direction == gpio_direction::output ? status::invalid_argument : status::ok;
}

/// The bits of `mask` that say lines from `first` on, of `lines` lines in all: true when each of them exists.
[[nodiscard]] constexpr bool gpio_lines_exist(std::uint32_t lines, std::uint32_t first,
                                              std::uint64_t mask) noexcept {
  if (mask == 0) return true;
  if (first >= lines) return false;
  const std::uint32_t rest = lines - first;
  return rest >= 64 || mask >> rest == 0;
}

template <std::uint32_t Lines>
class gpio_line_table {
 public:
  /// What request() says before the hardware is touched.
  [[nodiscard]] constexpr status check(std::uint32_t line, const gpio_config& config,
                                       const gpio_features& features) const noexcept {
    return line < Lines ? check_gpio_config(config, features) : status::out_of_range;
  }
  constexpr void take(std::uint32_t line, const gpio_config& config) noexcept { lines_[line] = {config, true}; }
  constexpr void release(std::uint32_t line) noexcept { lines_[line] = {}; }

  /// How a line is used; inputs by default. @param line  exists
  [[nodiscard]] constexpr const gpio_config& operator[](std::uint32_t line) const noexcept {
    return lines_[line].config;
  }
  [[nodiscard]] constexpr bool taken(std::uint32_t line) const noexcept { return lines_[line].taken; }

  /// What read(line) says before the hardware is touched.
  [[nodiscard]] constexpr status readable(std::uint32_t line) const noexcept {
    if (line >= Lines) return status::out_of_range;
    return lines_[line].taken ? status::ok : status::invalid_argument;
  }
  /// What write(line) says.
  [[nodiscard]] constexpr status writable(std::uint32_t line) const noexcept {
    if (line >= Lines) return status::out_of_range;
    if (!lines_[line].taken) return status::invalid_argument;
    return lines_[line].config.direction == gpio_direction::output ? status::ok : status::invalid_argument;
  }
  /// What read_lines says.
  [[nodiscard]] constexpr status readable(std::uint32_t first, std::uint64_t mask) const noexcept {
    return each(first, mask, [this](std::uint32_t line) { return readable(line); });
  }
  /// What write_lines says.
  [[nodiscard]] constexpr status writable(std::uint32_t first, std::uint64_t mask) const noexcept {
    return each(first, mask, [this](std::uint32_t line) { return writable(line); });
  }
  /// The lines of a mask that are active low, in the mask's own bits. @param mask  of lines that exist
  [[nodiscard]] constexpr std::uint64_t active_low(std::uint32_t first, std::uint64_t mask) const noexcept {
    std::uint64_t inverted = 0;
    for (std::uint32_t i = 0; i < 64; ++i) {
      const std::uint64_t bit = std::uint64_t{1} << i;
      if ((mask & bit) != 0 && lines_[first + i].config.active_low) inverted |= bit;
    }
    return inverted;
  }

 private:
  struct line_state {
    gpio_config config;
    bool taken = false;
  };

  template <class Check>
  [[nodiscard]] static constexpr status each(std::uint32_t first, std::uint64_t mask, Check check) noexcept {
    if (!gpio_lines_exist(Lines, first, mask)) return status::out_of_range;
    for (std::uint32_t i = 0; i < 64; ++i) {
      if ((mask >> i & 1) == 0) continue;
      if (const status s = check(first + i); s != status::ok) return s;
    }
    return status::ok;
  }

  std::array<line_state, Lines> lines_{};
};

}  // namespace shoal::hal
