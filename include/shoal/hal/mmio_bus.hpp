// SPDX-License-Identifier: BSL-1.0
//
// The contracts of the two ways to a register: memory-mapped and x86 port I/O. Freestanding.
//
//     template <mmio_bus Bus>
//     void light(Bus& bus) { bus.template store<std::uint32_t>(led, 1); }
//
// For drivers, which take any bus: mapped registers, simulated ones, another machine's, and wrappers that
// record. An access happens once, in the order of the program, with exactly the width that is asked for. Leaves
// out failure: hardware does not report it here, and a driver that wants to know reads back. A bus that has
// nothing at an address reads as all ones and ignores stores, as a PCI bus does.
#pragma once

#include <concepts>
#include <cstdint>

#include <shoal/hal/bus_address.hpp>

namespace shoal::hal {

/// `load<T>(address)`, `store<T>(address, value)`, for each register_word that the hardware knows; 32 bits
/// always.
template <class B>
concept mmio_bus = requires(B& bus, bus_address address, std::uint32_t value) {
  { bus.template load<std::uint32_t>(address) } noexcept -> std::same_as<std::uint32_t>;
  { bus.template store<std::uint32_t>(address, value) } noexcept -> std::same_as<void>;
};

/// `in<T>(port)`, `out<T>(port, value)`; 8, 16 and 32 bits.
template <class B>
concept port_bus =
    requires(B& bus, port_address port, std::uint8_t byte, std::uint16_t word, std::uint32_t dword) {
      { bus.template in<std::uint8_t>(port) } noexcept -> std::same_as<std::uint8_t>;
      { bus.template in<std::uint16_t>(port) } noexcept -> std::same_as<std::uint16_t>;
      { bus.template in<std::uint32_t>(port) } noexcept -> std::same_as<std::uint32_t>;
      { bus.template out<std::uint8_t>(port, byte) } noexcept -> std::same_as<void>;
      { bus.template out<std::uint16_t>(port, word) } noexcept -> std::same_as<void>;
      { bus.template out<std::uint32_t>(port, dword) } noexcept -> std::same_as<void>;
    };

}  // namespace shoal::hal
