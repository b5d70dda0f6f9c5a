// SPDX-License-Identifier: BSL-1.0
//
// Between the words of hal/gpio_chip.hpp and those of the kernel's GPIO character devices (uAPI v2,
// Linux 5.10). For linux_os::cdev_gpio and for other users of <linux/gpio.h>.
//
//     gpio_v2_line_request request = linux_os::line_request_of(17, config, "blinker");
//     ::ioctl(chip, GPIO_V2_GET_LINE_IOCTL, &request);
//
// One line a request: each line of a gpio_chip has a configuration of its own and goes when it is released.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <linux/gpio.h>

#include <shoal/hal/gpio_chip.hpp>

namespace shoal::linux_os {

/// Names and labels of the kernel have at most this many bytes.
inline constexpr std::size_t longest_gpio_name = GPIO_MAX_NAME_SIZE - 1;
/// What waits of each line, at least, until it is read.
inline constexpr std::uint32_t gpio_events_kept = 64;

/// A name as the kernel keeps it: up to the first zero.
using gpio_name = std::array<char, GPIO_MAX_NAME_SIZE>;
[[nodiscard]] inline gpio_name name_of(const char (&text)[GPIO_MAX_NAME_SIZE]) noexcept {
  gpio_name name{};
  std::copy_n(text, longest_gpio_name, name.begin());
  return name;
}
[[nodiscard]] inline std::string_view text_of(const gpio_name& name) noexcept {
  return {name.data(), static_cast<std::size_t>(std::find(name.begin(), name.end(), '\0') - name.begin())};
}

/// GPIO_V2_LINE_FLAG_*.
[[nodiscard]] inline std::uint64_t flags_of(const hal::gpio_config& config) noexcept {
  const bool output = config.direction == hal::gpio_direction::output;
  std::uint64_t flags = output ? GPIO_V2_LINE_FLAG_OUTPUT : GPIO_V2_LINE_FLAG_INPUT;
  if (config.active_low) flags |= GPIO_V2_LINE_FLAG_ACTIVE_LOW;
  switch (config.bias) {
    case hal::gpio_bias::as_is: break;
    case hal::gpio_bias::disabled: flags |= GPIO_V2_LINE_FLAG_BIAS_DISABLED; break;
    case hal::gpio_bias::pull_up: flags |= GPIO_V2_LINE_FLAG_BIAS_PULL_UP; break;
    case hal::gpio_bias::pull_down: flags |= GPIO_V2_LINE_FLAG_BIAS_PULL_DOWN; break;
  }
  if (has(config.edges, hal::gpio_edge::rising)) flags |= GPIO_V2_LINE_FLAG_EDGE_RISING;
  if (has(config.edges, hal::gpio_edge::falling)) flags |= GPIO_V2_LINE_FLAG_EDGE_FALLING;
  return flags;
}

/// The configuration that flags of the kernel tell; its `level` they do not.
[[nodiscard]] inline hal::gpio_config config_of(std::uint64_t flags) noexcept {
  const auto set = [flags](std::uint64_t flag) { return (flags & flag) != 0; };
  hal::gpio_config config;
  if (set(GPIO_V2_LINE_FLAG_OUTPUT)) config.direction = hal::gpio_direction::output;
  config.active_low = set(GPIO_V2_LINE_FLAG_ACTIVE_LOW);
  if (set(GPIO_V2_LINE_FLAG_BIAS_DISABLED)) config.bias = hal::gpio_bias::disabled;
  if (set(GPIO_V2_LINE_FLAG_BIAS_PULL_UP)) config.bias = hal::gpio_bias::pull_up;
  if (set(GPIO_V2_LINE_FLAG_BIAS_PULL_DOWN)) config.bias = hal::gpio_bias::pull_down;
  const unsigned edges =
      (set(GPIO_V2_LINE_FLAG_EDGE_RISING) ? 1u : 0u) | (set(GPIO_V2_LINE_FLAG_EDGE_FALLING) ? 2u : 0u);
  config.edges = static_cast<hal::gpio_edge>(edges);
  return config;
}

/// For GPIO_V2_LINE_SET_CONFIG_IOCTL, of a request for one line.
[[nodiscard]] inline gpio_v2_line_config line_config_of(const hal::gpio_config& config) noexcept {
  gpio_v2_line_config line{};
  line.flags = flags_of(config);
  if (config.direction == hal::gpio_direction::output) {
    line.num_attrs = 1;
    line.attrs[0].attr.id = GPIO_V2_LINE_ATTR_ID_OUTPUT_VALUES;
    line.attrs[0].attr.values = config.level ? 1 : 0;
    line.attrs[0].mask = 1;
  }
  return line;
}

/// For GPIO_V2_GET_LINE_IOCTL. @param consumer  who uses it, for people; cut off after 31 bytes
[[nodiscard]] inline gpio_v2_line_request line_request_of(std::uint32_t line, const hal::gpio_config& config,
                                                          std::string_view consumer) noexcept {
  gpio_v2_line_request request{};
  request.offsets[0] = line;
  request.num_lines = 1;
  request.event_buffer_size = gpio_events_kept;
  request.config = line_config_of(config);
  consumer.copy(request.consumer, longest_gpio_name);
  return request;
}

/// What the kernel read from a line, with its time (CLOCK_MONOTONIC).
[[nodiscard]] inline hal::gpio_event event_of(const gpio_v2_line_event& event) noexcept {
  const bool rising = event.id == GPIO_V2_LINE_EVENT_RISING_EDGE;
  return {.line = event.offset,
          .edge = rising ? hal::gpio_edge::rising : hal::gpio_edge::falling,
          .time = event.timestamp_ns};
}

}  // namespace shoal::linux_os
