// SPDX-License-Identifier: BSL-1.0
//
// Sizes as people write them: 4096, 64K, 64M, 1.5G, 8GiB (powers of 1024), and back again.
#pragma once

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

namespace common {

/// Bytes, or nothing when the text is no size or does not fit 63 bits.
inline std::optional<std::uint64_t> parse_size(std::string_view text) {
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (error != std::errc{} || !(number >= 0)) return std::nullopt;
  std::string_view unit{rest, static_cast<std::size_t>(end - rest)};
  int power = 0;
  if (!unit.empty() && unit != "B") {
    power = static_cast<int>(std::string_view{"KMGTP"}.find(static_cast<char>(unit[0] & ~0x20))) + 1;
    unit.remove_prefix(1);
    if (power == 0 || !(unit.empty() || unit == "B" || unit == "iB")) return std::nullopt;
  }
  const double bytes = std::ldexp(number, 10 * power);
  if (bytes >= 9.2e18 || bytes != std::floor(bytes)) return std::nullopt;
  return static_cast<std::uint64_t>(bytes);
}

/// Three figures and a unit: "512 MiB", "1.33 GiB".
inline std::string format_size(std::uint64_t bytes) {
  static constexpr const char* units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double value = static_cast<double>(bytes);
  int unit = 0;
  while (value >= 1024 && unit < 6) {
    value /= 1024;
    ++unit;
  }
  const int decimals = unit == 0 || value >= 100 || value == std::floor(value) ? 0 : value >= 10 ? 1 : 2;
  char text[32];
  std::snprintf(text, sizeof text, "%.*f %s", decimals, value, units[unit]);
  return text;
}

}  // namespace common
