// SPDX-License-Identifier: BSL-1.0
//
// The registers of a virtio device on a memory-mapped bus (virtio 1.2, section 4.2, version 2). Freestanding.
//
//     if (bus.load<std::uint32_t>(base + 0x000) != mmio_magic) return status::unsupported;
//
// For both sides: mmio_registers.hpp is the device's, gpio_driver.hpp a driver's.
#pragma once

#include <cstdint>

namespace shoal::virtio {

/// Offsets, section 4.2.2.
enum class mmio_register : std::uint32_t {
  magic = 0x000,
  version = 0x004,
  device_id = 0x008,
  vendor_id = 0x00c,
  device_features = 0x010,
  device_features_select = 0x014,
  driver_features = 0x020,
  driver_features_select = 0x024,
  queue_select = 0x030,
  queue_size_max = 0x034,
  queue_size = 0x038,
  queue_ready = 0x044,
  queue_notify = 0x050,
  interrupt_status = 0x060,
  interrupt_acknowledge = 0x064,
  status = 0x070,
  queue_descriptors_low = 0x080,
  queue_descriptors_high = 0x084,
  queue_available_low = 0x090,
  queue_available_high = 0x094,
  queue_used_low = 0x0a0,
  queue_used_high = 0x0a4,
  config_generation = 0x0fc,
  config = 0x100,
};
inline constexpr std::uint32_t mmio_magic = 0x7472'6976;  // "virt"
inline constexpr std::uint32_t mmio_version = 2;

}  // namespace shoal::virtio
