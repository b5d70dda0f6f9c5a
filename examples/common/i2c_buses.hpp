// SPDX-License-Identifier: BSL-1.0
//
// I2C buses by URI. The one place where programs turn such a name into a bus.
//
//     common::any_i2c_bus bus = common::open_i2c_bus("cdev:/dev/i2c-1");
//     bus.transfer(shoal::hal::i2c_address{0x76}, reg, value);
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/base/status.hpp>
#include <shoal/hal/i2c_bus.hpp>
#include <shoal/os/linux/device_node.hpp>
#include <shoal/os/linux/i2c_dev.hpp>

#include "message.hpp"
#include "simulated_i2c_devices.hpp"

namespace common {

inline constexpr std::string_view i2c_bus_help =
    "an I2C bus is named by a URI:\n"
    "  cdev:/dev/i2c-1                         a bus of Linux\n"
    "  sim:0x48, sim:0x48,0x50                 simulated devices of 256 registers each\n"
    "  sim:0x48?0=1980&3=00-01/100ms           with bytes in them, or with several in turn";

/// An i2c_bus of a type that only the command line decides.
class any_i2c_bus {
 public:
  explicit any_i2c_bus(shoal::linux_os::i2c_dev bus) : bus_(std::move(bus)) {}
  explicit any_i2c_bus(simulated_i2c_devices bus) : bus_(std::move(bus)) {}

  shoal::status transfer(shoal::hal::i2c_address address, shoal::bytes_view out,
                         shoal::bytes_span in) noexcept {
    return std::visit([&](auto& bus) { return bus.transfer(address, out, in); }, bus_);
  }

 private:
  std::variant<shoal::linux_os::i2c_dev, simulated_i2c_devices> bus_;
};
static_assert(shoal::hal::i2c_bus<any_i2c_bus>);

/// @throws failure
inline any_i2c_bus open_i2c_bus(const std::string& uri) {
  using shoal::linux_os::i2c_dev;
  if (uri.starts_with("sim:")) return any_i2c_bus{open_simulated_i2c_devices(uri.substr(4))};
  if (!uri.starts_with("cdev:") || uri.size() == 5) {
    throw failure{"'" + uri + "' is not an I2C bus", std::string{i2c_bus_help}, exit_usage};
  }
  const std::string node = uri.substr(5);
  shoal::result<i2c_dev> opened = i2c_dev::open(node);
  if (opened) return any_i2c_bus{std::move(*opened)};
  const std::string next = opened.error() == shoal::errc::unsupported
                               ? "it is no I2C bus; those are /dev/i2c-N, which the module i2c-dev makes"
                               : shoal::linux_os::next_step(node, opened.error());
  throw failure{"cannot open " + node, opened.error(), next};
}

}  // namespace common
