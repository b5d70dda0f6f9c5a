// SPDX-License-Identifier: BSL-1.0
//
// bus: an I2C bus of a unikernel by hypercall, as a hal::i2c_bus. Of the guest. Freestanding.
//
//     bus sensors{hypercall_instruction{}, handle};
//     if (const status s = sensors.transfer(i2c_address{0x76}, reg, value); s != status::ok) return s;
//
// What a transfer may be is what the tender's bus allows.
#pragma once

#include <cstdint>
#include <utility>

#include <shoal/base/bytes.hpp>
#include <shoal/base/status.hpp>
#include <shoal/hal/i2c_bus.hpp>
#include <shoal/hypercall/guest/transport.hpp>
#include <shoal/hypercall/vendor_abi.hpp>

namespace shoal::hypercall::guest {

template <transport T>
class bus {
 public:
  bus(T way, std::uint64_t handle) noexcept : way_(std::move(way)), handle_(handle) {}

  status transfer(hal::i2c_address address, bytes_view out, bytes_span in) noexcept {
    if (const status s = hal::check_i2c_transfer(address, out, in); s != status::ok) return s;
    i2c_call asked{.handle = handle_,
                   .out = address_of(out.data()),
                   .in = address_of(in.data()),
                   .out_length = static_cast<std::uint32_t>(out.size()),
                   .in_length = static_cast<std::uint32_t>(in.size()),
                   .address = static_cast<std::uint32_t>(address)};
    way_.call(vendor::i2c_transfer, &asked);
    return status_of(asked.result);
  }

 private:
  T way_;
  std::uint64_t handle_;
};

}  // namespace shoal::hypercall::guest
