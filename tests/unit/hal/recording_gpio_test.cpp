// SPDX-License-Identifier: BSL-1.0
#include <shoal/hal/recording_gpio.hpp>

#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/base/status.hpp>
#include <shoal/hal/access_filter.hpp>
#include <shoal/hal/access_record.hpp>
#include <shoal/hal/address_set.hpp>
#include <shoal/hal/gpio_access.hpp>
#include <shoal/hal/gpio_chip.hpp>
#include <shoal/hal/simulated_chip.hpp>
#include <shoal/test/gpio_chip_conformance.hpp>
#include <shoal/test/gpio_outside.hpp>

#include "records.hpp"

using namespace shoal::hal;
using shoal::status;

namespace {

using chip8 = simulated_chip<8>;
using watched8 = recording_gpio<chip8, every_access, kept_records&, steps>;
static_assert(gpio_chip<watched8> && can_gpio_lines<watched8> && can_gpio_events<watched8> &&
              can_gpio_names<watched8>);

/// A chip that can do nothing but what it must.
struct plain_chip {
  std::uint32_t line_count() const noexcept { return 1; }
  gpio_features features() const noexcept { return {}; }
  status request(std::uint32_t, const gpio_config&) noexcept { return status::ok; }
  status release(std::uint32_t) noexcept { return status::ok; }
  shoal::status_or<bool> read(std::uint32_t) noexcept { return true; }
  status write(std::uint32_t, bool) noexcept { return status::ok; }
};
using watched_plain = recording_gpio<plain_chip, every_access, kept_records&>;
static_assert(gpio_chip<watched_plain> && !can_gpio_lines<watched_plain> && !can_gpio_events<watched_plain> &&
              !can_gpio_names<watched_plain>);

}  // namespace

TEST_CASE("what a chip did is recorded, call by call") {
  chip8 chip;
  kept_records kept;
  steps::count = 0;
  watched8 watched{chip, every_access{}, kept, 3};
  const gpio_config led{.direction = gpio_direction::output, .level = true, .active_low = true};
  const gpio_config button{.bias = gpio_bias::pull_up, .edges = gpio_edge::both};
  REQUIRE(watched.request(2, led) == status::ok);
  REQUIRE(watched.request(5, button) == status::ok);
  REQUIRE(watched.write(2, false) == status::ok);
  REQUIRE(watched.read(2));
  chip.drive(5, false);
  gpio_event event;
  REQUIRE(watched.next_event(event));
  CHECK(event.line == 5);
  CHECK_FALSE(watched.next_event(event));
  REQUIRE(watched.release(2) == status::ok);
  CHECK(kept.records == std::vector<access_record>{
                            {1, 2, pack_gpio_config(led), 0, 3, access::line_request, 0},
                            {2, 5, pack_gpio_config(button), 0, 3, access::line_request, 0},
                            {3, 2, 0, 0, 3, access::line_set, 0},
                            {4, 2, 0, 0, 3, access::line_get, 0},
                            {5, 5, 2, 0, 3, access::line_event, 0},
                            {6, 2, 0, 0, 3, access::line_release, 0},
                        });
}

TEST_CASE("lines taken together are a record for each run side by side") {
  chip8 chip;
  kept_records kept;
  watched8 watched{chip, every_access{}, kept};
  for (const std::uint32_t line : {1u, 2u, 3u, 6u}) {
    REQUIRE(chip.request(line, {.direction = gpio_direction::output}) == status::ok);
  }
  REQUIRE(watched.write_lines(1, 0b100111, 0b100101) == status::ok);
  const auto levels = watched.read_lines(2, 0b11);
  REQUIRE(levels);
  CHECK(*levels == 0b10);
  for (access_record& record : kept.records) record.cycles = 0;
  CHECK(kept.records == std::vector<access_record>{
                            {0, 1, 0b101, 0, 0, access::lines_set, 3},
                            {0, 6, 1, 0, 0, access::lines_set, 1},
                            {0, 2, 0b10, 0, 0, access::lines_get, 2},
                        });
}

TEST_CASE("what failed is not recorded") {
  chip8 chip;
  kept_records kept;
  watched8 watched{chip, every_access{}, kept};
  CHECK(watched.request(8, {}) == status::out_of_range);
  CHECK(watched.write(1, true) == status::invalid_argument);
  CHECK_FALSE(watched.read(1));
  CHECK_FALSE(watched.read_lines(0, 1));
  CHECK(watched.write_lines(0, 1, 1) == status::invalid_argument);
  CHECK(watched.release(9) == status::out_of_range);
  CHECK(kept.records.empty());
}

TEST_CASE("chosen lines are recorded, and no others") {
  chip8 chip;
  kept_records kept;
  recording_gpio watched{chip, address_set<8, 1>{0, {6}}, kept};
  for (std::uint32_t line = 0; line < 8; ++line) {
    REQUIRE(watched.request(line, {.direction = gpio_direction::output}) == status::ok);
  }
  REQUIRE(watched.write_lines(0, 0b00001111, 1) == status::ok);
  REQUIRE(watched.write_lines(0, 0b11110000, 1) == status::ok);
  REQUIRE(kept.records.size() == 2);
  CHECK(kept.records[0].what == access::line_request);
  CHECK(kept.records[0].address == 6);
  CHECK(kept.records[1].address == 4);
  CHECK(kept.records[1].width == 4);
}

TEST_CASE("a chip that is recorded is a GPIO chip") {
  chip8 chip;
  kept_records kept;
  shoal::test::conforms_to_gpio_chip(
      [&] {
        chip = chip8{};
        return recording_gpio{chip, every_access{}, kept};
      },
      [&](auto&) { return shoal::test::own_outside<chip8>{chip}; });
  CHECK_FALSE(kept.records.empty());
}
