// SPDX-License-Identifier: BSL-1.0
//
// watched_i2c: an I2C bus by URI whose transfers a watch_post records and allows.
//
//     common::watched_i2c sensors{"sim:0x48", post, 0};
//     sensors.bus().transfer(shoal::hal::i2c_address{0x48}, reg, value);
#pragma once

#include <cstdint>
#include <string>

#include <shoal/hal/recording_i2c.hpp>
#include <shoal/monitor/checked_bus.hpp>

#include "../shoal-record/clocks.hpp"
#include "i2c_buses.hpp"
#include "watch_post.hpp"

namespace common {

class watched_i2c {
  using recorded = shoal::hal::recording_i2c<any_i2c_bus, watch_post&, watch_post&, wall_clock>;

 public:
  /// @param post    outlives this
  /// @param source  the number of this bus in the records
  /// @throws failure
  watched_i2c(const std::string& uri, watch_post& post, std::uint16_t source)
      : hardware_(open_i2c_bus(uri)),
        recorded_(hardware_, post, post, source),
        checked_(recorded_, post, wall_clock{}, source) {}
  watched_i2c(const watched_i2c&) = delete;
  watched_i2c& operator=(const watched_i2c&) = delete;

  using type = shoal::monitor::checked_i2c<recorded, watch_post, wall_clock>;
  [[nodiscard]] type& bus() noexcept { return checked_; }

 private:
  any_i2c_bus hardware_;
  recorded recorded_;
  type checked_;
};

}  // namespace common
