// SPDX-License-Identifier: BSL-1.0
//
// device_model: the device's side of registers, and where it stands on a simulated bus. Freestanding.
//
//     struct counter {
//       std::uint64_t size() const noexcept { return 4; }
//       std::uint64_t load(std::uint64_t, std::uint8_t) noexcept { return ++reads; }
//       void store(std::uint64_t, std::uint64_t value, std::uint8_t) noexcept { reads = value; }
//       std::uint64_t reads = 0;
//     };
//
// For models of hardware that a driver is tested against (hal/simulated_bus.hpp).
#pragma once

#include <concepts>
#include <cstdint>

#include <shoal/hal/bus_address.hpp>

namespace shoal::hal {

/// `load(offset, width)` and `store(offset, value, width)`: offset and width in bytes, inside size(), a
/// multiple of the width; a value has no more bits than the width. Does with a width that the hardware does not
/// know what the hardware does, which is often: all ones, and nothing.
template <class M>
concept device_model =
    requires(M& model, const M& constant, std::uint64_t offset, std::uint64_t value, std::uint8_t width) {
      { constant.size() } noexcept -> std::same_as<std::uint64_t>;
      { model.load(offset, width) } noexcept -> std::same_as<std::uint64_t>;
      { model.store(offset, value, width) } noexcept -> std::same_as<void>;
    };

/// A model and its first address: a bus_address or a port_address. The model lives as long as the bus.
template <device_model Model, class Address = bus_address>
struct placed {
  Address base{};
  Model& model;
};

}  // namespace shoal::hal
