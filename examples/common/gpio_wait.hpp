// SPDX-License-Identifier: BSL-1.0
//
// Waiting for the edges of a GPIO line until the user has had enough.
//
//     while (common::wait_for_edge(chip, ctrl_c)) look(chip);
#pragma once

#include <chrono>

#include <poll.h>

#include "any_gpio_chip.hpp"
#include "interrupt.hpp"

namespace common {

/// Until a chip may have an event, or changed lines if it has no events; comes back now and then for nothing.
/// False when the user wants to end.
inline bool wait_for_edge(const any_gpio_chip& chip, const interrupt& ctrl_c) {
  constexpr std::chrono::milliseconds longest{50};  // what Ctrl-C may take
  constexpr std::chrono::milliseconds between_looks{1};
  pollfd ready{.fd = chip.native_handle(), .events = POLLIN, .revents = 0};
  if (ready.fd < 0) return ctrl_c.sleep_for(between_looks);
  ::poll(&ready, 1, static_cast<int>(longest.count()));
  return !ctrl_c.token().stop_requested();
}

}  // namespace common
