// SPDX-License-Identifier: BSL-1.0
//
// The papers' program, written once: a LED follows a switch, on any chip. Freestanding.
#pragma once

#include <cstdint>

#include <shoal/base/status.hpp>
#include <shoal/hal/gpio_chip.hpp>

inline constexpr std::uint32_t switch_line = 17;
inline constexpr std::uint32_t led_line = 25;

/// Until the switch has changed ten times. @param pause  waits a little. 0, or which step failed.
template <shoal::hal::gpio_chip Chip, class Pause>
int follow_switch(Chip& chip, Pause pause) {
  using namespace shoal;
  if (chip.request(switch_line, {}) != status::ok) return 1;
  if (chip.request(led_line, {.direction = hal::gpio_direction::output}) != status::ok) return 2;
  bool last = false;
  for (int changes = 0; changes < 10; pause()) {
    const status_or<bool> pressed = chip.read(switch_line);
    if (!pressed) return 3;
    if (*pressed == last) continue;
    last = *pressed;
    ++changes;
    if (chip.write(led_line, last) != status::ok) return 4;
  }
  if (chip.release(led_line) != status::ok || chip.release(switch_line) != status::ok) return 5;
  return 0;
}
