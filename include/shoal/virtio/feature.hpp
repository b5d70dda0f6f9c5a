// SPDX-License-Identifier: BSL-1.0
//
// What all virtio devices have in common (virtio 1.2, sections 2 and 6): kinds of devices, feature bits, the
// bits of the device status. Freestanding.
//
//     if ((accepted & feature::version_1) == 0) return refuse();
//
// Leaves out the legacy interface: a driver that does not know version 1 is refused.
#pragma once

#include <cstdint>

namespace shoal::virtio {

/// Section 5.
enum class device_id : std::uint32_t { none = 0, network = 1, block = 2, gpio = 41 };

/// Masks, not bit numbers. Section 6; bits 0 to 23 and from 50 on are the device's own.
namespace feature {
inline constexpr std::uint64_t indirect_descriptors = std::uint64_t{1} << 28;
inline constexpr std::uint64_t event_index = std::uint64_t{1} << 29;
inline constexpr std::uint64_t version_1 = std::uint64_t{1} << 32;
/// What split_queue can do, and demands.
inline constexpr std::uint64_t transport = indirect_descriptors | event_index | version_1;
}  // namespace feature

/// Section 2.1.
namespace device_status {
inline constexpr std::uint8_t acknowledge = 1;
inline constexpr std::uint8_t driver = 2;
inline constexpr std::uint8_t driver_ok = 4;
inline constexpr std::uint8_t features_ok = 8;
inline constexpr std::uint8_t needs_reset = 64;
inline constexpr std::uint8_t failed = 128;
}  // namespace device_status

}  // namespace shoal::virtio
