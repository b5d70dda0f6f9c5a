// SPDX-License-Identifier: BSL-1.0
#include <shoal/hal/gpio_access.hpp>

#include <cstdint>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/hal/gpio_chip.hpp>

using namespace shoal::hal;

TEST_CASE("a configuration comes back from the value of a record") {
  for (const auto direction : {gpio_direction::input, gpio_direction::output}) {
    for (const bool level : {false, true}) {
      for (const bool active_low : {false, true}) {
        for (const auto bias :
             {gpio_bias::as_is, gpio_bias::disabled, gpio_bias::pull_up, gpio_bias::pull_down}) {
          for (const auto edges : {gpio_edge::none, gpio_edge::rising, gpio_edge::falling, gpio_edge::both}) {
            const gpio_config config{direction, level, active_low, bias, edges};
            CHECK(unpack_gpio_config(pack_gpio_config(config)) == config);
          }
        }
      }
    }
  }
  CHECK(pack_gpio_config({gpio_direction::output, true, false, gpio_bias::pull_down, gpio_edge::both}) ==
        0x03'0300'0101);
}

TEST_CASE("any value is some configuration") {
  CHECK(unpack_gpio_config(~std::uint64_t{0}) ==
        gpio_config{gpio_direction::output, true, true, gpio_bias::pull_down, gpio_edge::both});
  CHECK(unpack_gpio_config(0xfefefefefefefefe) ==
        gpio_config{gpio_direction::input, false, false, gpio_bias::pull_up, gpio_edge::falling});
}

TEST_CASE("a mask is taken apart into runs") {
  using runs = std::vector<std::pair<std::uint32_t, unsigned>>;
  const auto runs_of = [](std::uint64_t mask) {
    runs found;
    for_each_run(mask, [&](std::uint32_t first, std::uint8_t count) { found.emplace_back(first, count); });
    return found;
  };
  CHECK(runs_of(0).empty());
  CHECK(runs_of(~std::uint64_t{0}) == runs{{0, 64}});
  CHECK(runs_of(0b1011'0110) == runs{{1, 2}, {4, 2}, {7, 1}});
  CHECK(runs_of(std::uint64_t{1} << 63 | 1) == runs{{0, 1}, {63, 1}});
  CHECK(runs_of(~std::uint64_t{0} << 1) == runs{{1, 63}});
}

TEST_CASE("the bits of a run are taken out of the values") {
  CHECK(bits_of_run(0b1011'0110, 4, 3) == 0b011);
  CHECK(bits_of_run(~std::uint64_t{0}, 0, 64) == ~std::uint64_t{0});
  CHECK(bits_of_run(~std::uint64_t{0}, 63, 1) == 1);
}
