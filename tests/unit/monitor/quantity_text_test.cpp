// SPDX-License-Identifier: BSL-1.0
#include <shoal/monitor/quantity_text.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <string_view>

using namespace shoal::monitor;

TEST_CASE("numbers are decimal, or hexadecimal behind 0x, and nothing else") {
  CHECK(parse_number("0") == 0u);
  CHECK(parse_number("18446744073709551615") == ~std::uint64_t{0});
  CHECK(parse_number("0xffffffffffffffff") == ~std::uint64_t{0});
  for (const std::string_view wrong : {"", "0x", "-1", "+1", " 1", "1 ", "0xg", "18446744073709551616", "x1"}) {
    CHECK_FALSE(parse_number(wrong));
  }
}

TEST_CASE("durations have a unit, and are not 0") {
  CHECK(parse_duration("1ns") == 1u);
  CHECK(parse_duration("500ms") == 500'000'000u);
  CHECK(parse_duration("2h") == 7'200'000'000'000u);
  for (const std::string_view wrong : {"", "5", "s", "0s", "1.5s", "1d", "-1s", "99999999999h", "1 s"}) {
    CHECK_FALSE(parse_duration(wrong));
  }
}

TEST_CASE("times of the day are HH:MM, up to 24:00") {
  CHECK(parse_time_of_day("00:00") == 0u);
  CHECK(parse_time_of_day("06:30") == 390u);
  CHECK(parse_time_of_day("24:00") == 1440u);
  for (const std::string_view wrong : {"", "6:30", "24:01", "25:00", "06:60", "06-30", "ab:cd", "06:300"}) {
    CHECK_FALSE(parse_time_of_day(wrong));
  }
}
