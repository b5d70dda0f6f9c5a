// SPDX-License-Identifier: BSL-1.0
//
// Dates as HTTP writes them (RFC 9110, section 5.6.7). A server that has a clock sends one with each response.
//
//     http_date(784111777)      // "Sun, 06 Nov 1994 08:49:37 GMT"
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace shoal::http {

/// @param seconds  since 1970-01-01 00:00 UTC; the years 1970 to 9999
[[nodiscard]] inline std::string http_date(std::int64_t seconds) {
  constexpr std::string_view days = "SunMonTueWedThuFriSat";
  constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const std::chrono::sys_seconds when{std::chrono::seconds{seconds}};
  const auto midnight = std::chrono::floor<std::chrono::days>(when);
  const std::chrono::year_month_day date{midnight};
  const std::chrono::hh_mm_ss time{when - midnight};

  std::string out;
  const auto number = [&out](std::int64_t value, int width, char behind) {
    const std::string digits = std::to_string(value);
    out.append(static_cast<std::size_t>(width) - digits.size(), '0').append(digits).push_back(behind);
  };
  const std::size_t weekday = std::chrono::weekday{midnight}.c_encoding();
  const std::size_t month = static_cast<unsigned>(date.month()) - 1;
  out.append(days.substr(weekday * 3, 3)).append(", ");
  number(static_cast<unsigned>(date.day()), 2, ' ');
  out.append(months.substr(month * 3, 3)).push_back(' ');
  number(static_cast<int>(date.year()), 4, ' ');
  number(time.hours().count(), 2, ':');
  number(time.minutes().count(), 2, ':');
  number(time.seconds().count(), 2, ' ');
  return out + "GMT";
}

}  // namespace shoal::http
