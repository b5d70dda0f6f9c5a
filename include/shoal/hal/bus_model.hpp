// SPDX-License-Identifier: BSL-1.0
//
// bus_model: a piece of a bus as a device model: registers that are somewhere else, seen as a device. The
// inverse of simulated_bus. Freestanding.
//
//     bus_model gpio{mapped.bus(), bus_address{0x3f20'0000}, bcm2835::block_size};
//     windows.attach(devices, "board", device_type::bcm2835_gpio, gpio);          // a guest drives hardware
//
// An access of a width that the bus does not have reads ones, or is ignored.
#pragma once

#include <concepts>
#include <cstdint>
#include <type_traits>

#include <shoal/hal/bus_address.hpp>
#include <shoal/hal/device_model.hpp>
#include <shoal/hal/mapped_bus.hpp>
#include <shoal/hal/mmio_bus.hpp>

namespace shoal::hal {

/// @tparam Bus  copied, as buses are handles; a reference where that is wrong
template <class Bus>
  requires mmio_bus<std::remove_reference_t<Bus>>
class bus_model {
 public:
  /// @param size  bytes from `base` on
  constexpr bus_model(Bus bus, bus_address base, std::uint64_t size) noexcept
      : bus_(bus), base_(base), size_(size) {}

  [[nodiscard]] constexpr std::uint64_t size() const noexcept { return size_; }
  constexpr std::uint64_t load(std::uint64_t offset, std::uint8_t width) noexcept {
    switch (width) {
      case 1: return load_as<std::uint8_t>(offset);
      case 2: return load_as<std::uint16_t>(offset);
      case 4: return load_as<std::uint32_t>(offset);
      default: return load_as<std::uint64_t>(offset);
    }
  }
  constexpr void store(std::uint64_t offset, std::uint64_t value, std::uint8_t width) noexcept {
    switch (width) {
      case 1: return store_as<std::uint8_t>(offset, value);
      case 2: return store_as<std::uint16_t>(offset, value);
      case 4: return store_as<std::uint32_t>(offset, value);
      default: return store_as<std::uint64_t>(offset, value);
    }
  }

 private:
  using bus_type = std::remove_reference_t<Bus>;

  template <class T>
  constexpr T load_as(std::uint64_t offset) noexcept {
    if constexpr (requires(bus_type& bus) {
                    { bus.template load<T>(base_) } -> std::same_as<T>;
                  }) {
      return bus_.template load<T>(base_ + offset);
    } else {
      return static_cast<T>(~T{0});
    }
  }
  template <class T>
  constexpr void store_as([[maybe_unused]] std::uint64_t offset,
                          [[maybe_unused]] std::uint64_t value) noexcept {
    if constexpr (requires(bus_type& bus, T word) { bus.template store<T>(base_, word); }) {
      bus_.template store<T>(base_ + offset, static_cast<T>(value));
    }
  }

  Bus bus_;
  bus_address base_;
  std::uint64_t size_;
};
static_assert(device_model<bus_model<mapped_bus<>>>);

}  // namespace shoal::hal
