// SPDX-License-Identifier: BSL-1.0
//
// simulated_bus, simulated_port_bus: models of devices at their addresses, for drivers to be tried without
// hardware. Freestanding.
//
//     pl061_model gpio;
//     simulated_bus bus{placed{bus_address{0x0903'0000}, gpio}};
//     bus.load<std::uint32_t>(bus_address{0x0903'0400});
//
// Where nothing is, and for an access that is not at a multiple of its width or that leaves a device, it reads
// ones and ignores stores. Of devices in the same place the first answers. A bus is a handle: copies are the
// same devices.
#pragma once

#include <concepts>
#include <cstdint>
#include <tuple>

#include <shoal/base/bytes.hpp>
#include <shoal/hal/bus_address.hpp>
#include <shoal/hal/device_model.hpp>
#include <shoal/hal/mmio_bus.hpp>

namespace shoal::hal {

namespace detail {

template <class Address, class... Models>
class model_map {
 public:
  constexpr explicit model_map(placed<Models, Address>... places) noexcept : places_(places...) {}

  template <class T>
  [[nodiscard]] constexpr T load(Address address) const noexcept {
    T value = static_cast<T>(~T{0});
    find<T>(address, [&](auto& model, std::uint64_t offset) {
      value = static_cast<T>(model.load(offset, std::uint8_t{sizeof(T)}));
    });
    return value;
  }
  template <class T>
  constexpr void store(Address address, T value) const noexcept {
    find<T>(address,
            [&](auto& model, std::uint64_t offset) { model.store(offset, value, std::uint8_t{sizeof(T)}); });
  }

 private:
  template <class T, class Use>
  constexpr void find(Address address, Use use) const noexcept {
    std::apply([&](const auto&... one) { static_cast<void>((try_one<T>(one, address, use) || ...)); }, places_);
  }
  template <class T, class Placed, class Use>
  static constexpr bool try_one(const Placed& one, Address address, Use& use) noexcept {
    const std::uint64_t offset = static_cast<std::uint64_t>(address) - static_cast<std::uint64_t>(one.base);
    if (!contains(one.model.size(), offset, sizeof(T)) || offset % sizeof(T) != 0) return false;
    use(one.model, offset);
    return true;
  }

  std::tuple<placed<Models, Address>...> places_;
};

}  // namespace detail

/// Memory-mapped models.
template <device_model... Models>
class simulated_bus {
 public:
  constexpr explicit simulated_bus(placed<Models, bus_address>... places) noexcept : map_(places...) {}

  template <register_word T>
  [[nodiscard]] constexpr T load(bus_address address) noexcept {
    return map_.template load<T>(address);
  }
  template <register_word T>
  constexpr void store(bus_address address, T value) noexcept {
    map_.template store<T>(address, value);
  }

 private:
  detail::model_map<bus_address, Models...> map_;
};
static_assert(mmio_bus<simulated_bus<>>);

/// Models in the x86 I/O space.
template <device_model... Models>
class simulated_port_bus {
 public:
  constexpr explicit simulated_port_bus(placed<Models, port_address>... places) noexcept : map_(places...) {}

  template <register_word T>
    requires(sizeof(T) <= 4)
  [[nodiscard]] constexpr T in(port_address port) noexcept {
    return map_.template load<T>(port);
  }
  template <register_word T>
    requires(sizeof(T) <= 4)
  constexpr void out(port_address port, T value) noexcept {
    map_.template store<T>(port, value);
  }

 private:
  detail::model_map<port_address, Models...> map_;
};
static_assert(port_bus<simulated_port_bus<>>);

}  // namespace shoal::hal
