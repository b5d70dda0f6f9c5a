// SPDX-License-Identifier: BSL-1.0
//
// recorded_chip: a GPIO chip by URI whose accesses go to a recording, if there is one.
//
//     common::chip_recording recording{{.uri = "cbor:pins.rec"}, {"pins"}};
//     common::recorded_chip pins{common::open_gpio_chip("sim:8", "shoal-tender"), &recording, 0};
//     pins.chip().request(3, {});
#pragma once

#include <cstdint>
#include <utility>

#include <shoal/hal/access_record.hpp>
#include <shoal/hal/gpio_lookahead.hpp>
#include <shoal/hal/recording_gpio.hpp>

#include "../shoal-record/clocks.hpp"
#include "any_gpio_chip.hpp"
#include "chip_recording.hpp"

namespace common {

/// To a recording, or nowhere.
struct maybe_recording {
  chip_recording* recording = nullptr;
  [[nodiscard]] bool wants(const shoal::hal::access_record&) const noexcept { return recording != nullptr; }
  void put(const shoal::hal::access_record& seen) const noexcept { recording->put(seen); }
};

class recorded_chip {
 public:
  /// @param recording  outlives this; null for none
  /// @param source     the number of this chip in the records
  recorded_chip(any_gpio_chip hardware, chip_recording* recording, std::uint16_t source)
      : hardware_(std::move(hardware)),
        recorded_(hardware_, maybe_recording{recording}, maybe_recording{recording}, source) {}
  recorded_chip(const recorded_chip&) = delete;
  recorded_chip& operator=(const recorded_chip&) = delete;

  using type = shoal::hal::gpio_lookahead<
      shoal::hal::recording_gpio<any_gpio_chip, maybe_recording, maybe_recording, wall_clock>>;
  [[nodiscard]] type& chip() noexcept { return ahead_; }
  /// See any_gpio_chip.
  [[nodiscard]] int native_handle() const noexcept { return hardware_.native_handle(); }

 private:
  any_gpio_chip hardware_;
  shoal::hal::recording_gpio<any_gpio_chip, maybe_recording, maybe_recording, wall_clock> recorded_;
  type ahead_{recorded_};
};

}  // namespace common
