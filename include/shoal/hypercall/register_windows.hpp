// SPDX-License-Identifier: BSL-1.0
//
// register_windows: devices that a guest reaches by loads and stores: each gets a page above the guest's
// memory, and its address goes into the manifest. Freestanding.
//
//     register_windows<my_registers> windows;                            // any hal::device_model
//     if (const status s = windows.attach(devices, "pins", device_type::virtio_gpio, gpio); s != status::ok)
//     ... hypercall_table table{..., windows};                               // it serves no calls
//     device_window machine{cpu, windows.range(), windows};
//     const ending e = serve(machine, table, memory);
//
// Of the tender. An mmio_bus: where a device has no registers it reads ones, and ignores stores. What is in no
// page of a device ends the guest. Leaves out interrupts: hvt has none, a guest looks.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <shoal/base/bytes.hpp>
#include <shoal/base/status.hpp>
#include <shoal/hal/bus_address.hpp>
#include <shoal/hal/device_model.hpp>
#include <shoal/hal/guest_memory.hpp>
#include <shoal/hal/mapped_bus.hpp>
#include <shoal/hal/mmio_bus.hpp>
#include <shoal/hypercall/handler.hpp>
#include <shoal/hypercall/manifest.hpp>
#include <shoal/hypercall/vendor_abi.hpp>

namespace shoal::hypercall {

template <hal::device_model Device>
class register_windows {
 public:
  static constexpr std::array<std::uint32_t, 0> numbers{};
  static constexpr std::array devices{device_type::virtio_gpio, device_type::bcm2835_gpio,
                                      device_type::pl061_gpio};
  static constexpr std::size_t max_devices = 16;

  /// Gives a device to the name that a unikernel asks for. It outlives this.
  /// Errors: out_of_range (it does not ask for it), busy (it has one), no_space (too many devices, or one with
  /// more than a page of registers).
  [[nodiscard]] status attach(manifest& wanted, std::string_view name, device_type kind,
                              Device& device) noexcept {
    const std::uint64_t handle = wanted.find(name, kind);
    if (handle == 0 || !has_registers(kind)) return status::out_of_range;
    if (wanted[handle].attached != 0) return status::busy;
    if (count_ == max_devices || device.size() > register_layout::step) return status::no_space;
    wanted[handle].attach_registers(register_layout::first + count_ * register_layout::step,
                                    static_cast<std::uint32_t>(device.size()));
    placed_[count_++] = &device;
    return status::ok;
  }

  /// The pages of all devices, without gaps.
  [[nodiscard]] hal::bus_range range() const noexcept {
    return {hal::bus_address{register_layout::first}, count_ * register_layout::step};
  }

  template <hal::register_word T>
  [[nodiscard]] T load(hal::bus_address address) noexcept {
    const place at = find(address, sizeof(T));
    return at.device == nullptr ? static_cast<T>(~T{0})
                                : static_cast<T>(at.device->load(at.offset, std::uint8_t{sizeof(T)}));
  }
  template <hal::register_word T>
  void store(hal::bus_address address, T value) noexcept {
    const place at = find(address, sizeof(T));
    if (at.device != nullptr) at.device->store(at.offset, value, std::uint8_t{sizeof(T)});
  }

  /// No call is for these devices.
  template <hal::guest_memory M>
  outcome handle(call, M&) noexcept {
    return outcome::not_mine;
  }

 private:
  struct place {
    Device* device;
    std::uint64_t offset;
  };
  [[nodiscard]] place find(hal::bus_address address, std::size_t width) const noexcept {
    const std::uint64_t offset = static_cast<std::uint64_t>(address) - register_layout::first;
    const std::uint64_t index = offset / register_layout::step;
    const std::uint64_t inside = offset % register_layout::step;
    if (index >= count_) return {};
    Device* const device = placed_[static_cast<std::size_t>(index)];
    if (!contains(device->size(), inside, width) || inside % width != 0) return {};
    return {device, inside};
  }

  std::array<Device*, max_devices> placed_{};
  std::size_t count_ = 0;
};

}  // namespace shoal::hypercall
