// SPDX-License-Identifier: BSL-1.0
//
// Numbers, durations and times of the day, as people write them in rules and on command lines.
//
//     parse_number("0x3f200000");  parse_duration("500ms");  parse_time_of_day("06:30");     // 390 minutes
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <system_error>

namespace shoal::monitor {

/// Decimal, or hexadecimal behind 0x.
inline std::optional<std::uint64_t> parse_number(std::string_view text) noexcept {
  const bool hex = text.starts_with("0x");
  if (hex) text.remove_prefix(2);
  std::uint64_t value = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), value, hex ? 16 : 10);
  if (wrong != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Of durations, the longest first.
struct duration_unit {
  std::string_view name;
  std::uint64_t nanoseconds;
};
inline constexpr std::array<duration_unit, 6> duration_units{{{"h", 3'600'000'000'000},
                                                              {"m", 60'000'000'000},
                                                              {"s", 1'000'000'000},
                                                              {"ms", 1'000'000},
                                                              {"us", 1'000},
                                                              {"ns", 1}}};

/// A whole number with a unit, as in 500ms; not 0. In nanoseconds.
inline std::optional<std::uint64_t> parse_duration(std::string_view text) noexcept {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::optional<std::uint64_t> count = parse_number(text.substr(0, digits));
  for (const duration_unit& unit : duration_units) {
    if (text.substr(digits) != unit.name || !count || *count == 0) continue;
    if (*count > std::numeric_limits<std::uint64_t>::max() / unit.nanoseconds) return std::nullopt;
    return *count * unit.nanoseconds;
  }
  return std::nullopt;
}

/// HH:MM, up to 24:00. In minutes.
inline std::optional<std::uint32_t> parse_time_of_day(std::string_view text) noexcept {
  const auto digit = [&](std::size_t i) { return text[i] >= '0' && text[i] <= '9'; };
  if (text.size() != 5 || text[2] != ':' || !digit(0) || !digit(1) || !digit(3) || !digit(4))
    return std::nullopt;
  const auto number = [&](std::size_t i) {
    return static_cast<std::uint32_t>((text[i] - '0') * 10 + text[i + 1] - '0');
  };
  if (number(3) > 59 || number(0) * 60 + number(3) > 24 * 60) return std::nullopt;
  return number(0) * 60 + number(3);
}

}  // namespace shoal::monitor
