// SPDX-License-Identifier: BSL-1.0
#include <shoal/os/linux/gpio_uapi.hpp>

#include <string>
#include <string_view>

#include <doctest/doctest.h>

using namespace shoal;
using namespace shoal::linux_os;

TEST_CASE("a configuration goes to the kernel's flags and comes back, but for its level") {
  for (const auto direction : {hal::gpio_direction::input, hal::gpio_direction::output}) {
    for (const bool active_low : {false, true}) {
      for (unsigned bias = 0; bias < 4; ++bias) {
        for (unsigned edges = 0; edges < 4; ++edges) {
          const hal::gpio_config config{.direction = direction,
                                        .active_low = active_low,
                                        .bias = static_cast<hal::gpio_bias>(bias),
                                        .edges = static_cast<hal::gpio_edge>(edges)};
          CHECK(config_of(flags_of(config)) == config);
        }
      }
    }
  }
}

TEST_CASE("flags are those of the kernel's header") {
  CHECK(flags_of({}) == GPIO_V2_LINE_FLAG_INPUT);
  CHECK(flags_of({.direction = hal::gpio_direction::output, .level = true}) == GPIO_V2_LINE_FLAG_OUTPUT);
  CHECK(flags_of({.active_low = true, .bias = hal::gpio_bias::pull_up, .edges = hal::gpio_edge::falling}) ==
        (GPIO_V2_LINE_FLAG_INPUT | GPIO_V2_LINE_FLAG_ACTIVE_LOW | GPIO_V2_LINE_FLAG_BIAS_PULL_UP |
         GPIO_V2_LINE_FLAG_EDGE_FALLING));
}

TEST_CASE("an output is requested with its level, an input without one") {
  const gpio_v2_line_request high =
      line_request_of(17, {.direction = hal::gpio_direction::output, .level = true}, "blinker");
  CHECK(high.num_lines == 1);
  CHECK(high.offsets[0] == 17);
  CHECK(std::string_view{high.consumer} == "blinker");
  CHECK(high.config.flags == GPIO_V2_LINE_FLAG_OUTPUT);
  REQUIRE(high.config.num_attrs == 1);
  CHECK(high.config.attrs[0].attr.id == GPIO_V2_LINE_ATTR_ID_OUTPUT_VALUES);
  CHECK(high.config.attrs[0].attr.values == 1);
  CHECK(high.config.attrs[0].mask == 1);
  const gpio_v2_line_request low = line_request_of(17, {.direction = hal::gpio_direction::output}, "blinker");
  CHECK(low.config.num_attrs == 1);
  CHECK(low.config.attrs[0].attr.values == 0);
  const gpio_v2_line_request input = line_request_of(3, {.level = true}, "");
  CHECK(input.config.num_attrs == 0);
  CHECK(input.config.flags == GPIO_V2_LINE_FLAG_INPUT);
  CHECK(input.event_buffer_size >= 16);
}

TEST_CASE("names and consumers end inside the kernel's 32 bytes") {
  const gpio_v2_line_request request = line_request_of(0, {}, std::string(100, 'x'));
  CHECK(std::string_view{request.consumer} == std::string(31, 'x'));
  char full[GPIO_MAX_NAME_SIZE];
  std::fill(std::begin(full), std::end(full), 'y');
  CHECK(text_of(name_of(full)) == std::string(31, 'y'));
  const char empty[GPIO_MAX_NAME_SIZE] = {};
  CHECK(text_of(name_of(empty)).empty());
  const char shorter[GPIO_MAX_NAME_SIZE] = "LED";
  CHECK(text_of(name_of(shorter)) == "LED");
}

TEST_CASE("an event keeps line, edge and time") {
  gpio_v2_line_event event{};
  event.timestamp_ns = 123'456'789'012;
  event.offset = 7;
  event.id = GPIO_V2_LINE_EVENT_RISING_EDGE;
  CHECK(event_of(event) == hal::gpio_event{.line = 7, .edge = hal::gpio_edge::rising, .time = 123'456'789'012});
  event.id = GPIO_V2_LINE_EVENT_FALLING_EDGE;
  CHECK(event_of(event).edge == hal::gpio_edge::falling);
}
