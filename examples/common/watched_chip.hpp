// SPDX-License-Identifier: BSL-1.0
//
// watched_chip: a GPIO chip by URI whose accesses a watch_post records and allows.
//
//     common::watched_chip pins{common::open_gpio_chip("sim:8", "shoal-tender"), post, 0};
//     pins.chip().request(3, {});
#pragma once

#include <cstdint>
#include <utility>

#include <shoal/hal/gpio_lookahead.hpp>
#include <shoal/hal/recording_gpio.hpp>
#include <shoal/monitor/checked_bus.hpp>

#include "../shoal-record/clocks.hpp"
#include "any_gpio_chip.hpp"
#include "watch_post.hpp"

namespace common {

class watched_chip {
  using recorded = shoal::hal::recording_gpio<any_gpio_chip, watch_post&, watch_post&, wall_clock>;
  using checked = shoal::monitor::checked_gpio<recorded, watch_post, wall_clock>;

 public:
  /// @param post    outlives this
  /// @param source  the number of this chip in the records
  watched_chip(any_gpio_chip hardware, watch_post& post, std::uint16_t source)
      : hardware_(std::move(hardware)),
        recorded_(hardware_, post, post, source),
        checked_(recorded_, post, wall_clock{}, source) {}
  watched_chip(const watched_chip&) = delete;
  watched_chip& operator=(const watched_chip&) = delete;

  using type = shoal::hal::gpio_lookahead<checked>;
  [[nodiscard]] type& chip() noexcept { return ahead_; }
  /// See any_gpio_chip.
  [[nodiscard]] int native_handle() const noexcept { return hardware_.native_handle(); }

 private:
  any_gpio_chip hardware_;
  recorded recorded_;
  checked checked_;
  type ahead_{checked_};
};

}  // namespace common
