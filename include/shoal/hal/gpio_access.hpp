// SPDX-License-Identifier: BSL-1.0
//
// What the calls of a gpio_chip look like as records of accesses: for recorders, replays, and those who read
// recordings. Freestanding.
//
//     const gpio_config config = unpack_gpio_config(record.value);     // of an access::line_request
//     for_each_run(mask, [&](std::uint32_t first, std::uint8_t count) { ... });
#pragma once

#include <bit>
#include <cstdint>

#include <shoal/hal/access_record.hpp>
#include <shoal/hal/gpio_chip.hpp>

namespace shoal::hal {

/// The value of an access::line_request.
[[nodiscard]] constexpr std::uint64_t pack_gpio_config(const gpio_config& config) noexcept {
  return static_cast<std::uint64_t>(config.direction) | std::uint64_t{config.level} << 8 |
         std::uint64_t{config.active_low} << 16 | static_cast<std::uint64_t>(config.bias) << 24 |
         static_cast<std::uint64_t>(config.edges) << 32;
}

/// The other way. Bits that mean nothing are dropped: a recording may come from anywhere.
[[nodiscard]] constexpr gpio_config unpack_gpio_config(std::uint64_t value) noexcept {
  gpio_config config;
  config.direction = (value & 1) != 0 ? gpio_direction::output : gpio_direction::input;
  config.level = (value >> 8 & 1) != 0;
  config.active_low = (value >> 16 & 1) != 0;
  config.bias = static_cast<gpio_bias>(value >> 24 & 3);
  config.edges = static_cast<gpio_edge>(value >> 32 & 3);
  return config;
}

/// Calls `use(first, count)` for each run of ones in the mask, from the lowest on: lines that are not side by
/// side are accesses of their own.
template <class Use>
constexpr void for_each_run(std::uint64_t mask, Use use) noexcept {
  std::uint32_t at = 0;
  while (mask != 0) {
    const auto gap = static_cast<std::uint32_t>(std::countr_zero(mask));
    mask >>= gap;
    at += gap;
    const auto count = static_cast<std::uint32_t>(std::countr_one(mask));
    use(at, static_cast<std::uint8_t>(count));
    mask = count == 64 ? 0 : mask >> count;
    at += count;
  }
}

/// The `count` bits of `values` from bit `first` on.
[[nodiscard]] constexpr std::uint64_t bits_of_run(std::uint64_t values, std::uint32_t first,
                                                  std::uint8_t count) noexcept {
  const std::uint64_t all = count >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
  return values >> first & all;
}

}  // namespace shoal::hal
