// SPDX-License-Identifier: BSL-1.0
//
// The registers of the ARM PrimeCell GPIO, PL061, as its technical reference manual (ARM DDI 0190B, chapter 3)
// has them. Freestanding.
//
//     register_block gpio{bus, bus_address{0x0903'0000}};
//     gpio.write<pl061::direction>(0x20);
//     gpio.write<pl061::data>(0x20, 0x20);       // index: the mask of the lines that change
//
// The driver is hal/pl061_chip.hpp, the device's side hal/pl061_model.hpp.
#pragma once

#include <cstdint>

#include <shoal/hal/device_register.hpp>

namespace shoal::hal::pl061 {

/// Bytes of registers.
constexpr std::uint64_t block_size = 0x1000;
constexpr std::uint32_t line_count = 8;

/// Eight bits, at 256 addresses: those of the lines that are ones in the index are read or written.
using data = device_register<0x000, access_rule::read_write, std::uint32_t, 256>;
using direction = device_register<0x400, access_rule::read_write>;        ///< 1: output
using level_sense = device_register<0x404, access_rule::read_write>;      ///< 0: edges are detected, 1: levels
using both_edges = device_register<0x408, access_rule::read_write>;       ///< 1: whatever rising_event says
using rising_event = device_register<0x40c, access_rule::read_write>;     ///< 1: rising edges, 0: falling
using interrupt_mask = device_register<0x410, access_rule::read_write>;   ///< 1: goes to the processor
using raw_interrupt = device_register<0x414, access_rule::read_only>;     ///< before the mask
using masked_interrupt = device_register<0x418, access_rule::read_only>;  ///< behind it
using interrupt_clear = device_register<0x41c, access_rule::write_only>;  ///< 1: forget the edge
using mode_control = device_register<0x420, access_rule::read_write>;     ///< 1: another device has the line
/// 0x61, 0x10, and two that say which designer and revision.
using peripheral_id = device_register<0xfe0, access_rule::read_only, std::uint32_t, 4>;
/// 0x0d, 0xf0, 0x05, 0xb1.
using cell_id = device_register<0xff0, access_rule::read_only, std::uint32_t, 4>;

}  // namespace shoal::hal::pl061
