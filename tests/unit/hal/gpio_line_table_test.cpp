// SPDX-License-Identifier: BSL-1.0
#include <shoal/hal/gpio_line_table.hpp>

#include <cstdint>

#include <doctest/doctest.h>

#include <shoal/base/status.hpp>
#include <shoal/hal/gpio_chip.hpp>

using namespace shoal::hal;
using shoal::status;

TEST_CASE("a mask ends where the lines end") {
  CHECK(gpio_lines_exist(8, 0, 0xff));
  CHECK_FALSE(gpio_lines_exist(8, 0, 0x100));
  CHECK(gpio_lines_exist(8, 7, 1));
  CHECK_FALSE(gpio_lines_exist(8, 7, 2));
  CHECK_FALSE(gpio_lines_exist(8, 8, 1));
  CHECK(gpio_lines_exist(8, 100, 0));
  CHECK(gpio_lines_exist(64, 0, UINT64_MAX));
  CHECK_FALSE(gpio_lines_exist(64, 1, UINT64_MAX));
  CHECK(gpio_lines_exist(1000, 936, UINT64_MAX));
  CHECK_FALSE(gpio_lines_exist(1000, UINT32_MAX, 1));
}

TEST_CASE("a configuration is checked for what it says, then for what the chip has") {
  const gpio_features all{.bias = true, .edges = true};
  CHECK(check_gpio_config({}, {}) == status::ok);
  CHECK(check_gpio_config({.bias = gpio_bias::disabled}, {}) == status::unsupported);
  CHECK(check_gpio_config({.bias = gpio_bias::disabled}, all) == status::ok);
  CHECK(check_gpio_config({.edges = gpio_edge::both}, {}) == status::unsupported);
  CHECK(check_gpio_config({.direction = gpio_direction::output, .edges = gpio_edge::both}, all) ==
        status::invalid_argument);
  CHECK(check_gpio_config({.direction = static_cast<gpio_direction>(2)}, all) == status::invalid_argument);
  CHECK(check_gpio_config({.bias = static_cast<gpio_bias>(4)}, all) == status::invalid_argument);
  CHECK(check_gpio_config({.edges = static_cast<gpio_edge>(4)}, all) == status::invalid_argument);
}

TEST_CASE("the lines of a mask that are active low are told in its bits, up to the last") {
  gpio_line_table<70> lines;
  lines.take(6, {.active_low = true});
  lines.take(69, {.active_low = true});
  CHECK(lines.active_low(6, UINT64_MAX) == (std::uint64_t{1} | std::uint64_t{1} << 63));
  CHECK(lines.active_low(6, 2) == 0);
}
