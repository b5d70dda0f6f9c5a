// SPDX-License-Identifier: BSL-1.0
//
// bus_address, port_address: where a register is, as types that do not mix with each other or with numbers.
// Freestanding.
//
//     constexpr bus_address uart{0x0900'0000};
//     const bus_address status = uart + 0x18;
#pragma once

#include <concepts>
#include <cstdint>

namespace shoal::hal {

/// A physical address of memory-mapped registers, in bytes.
enum class bus_address : std::uint64_t {};
/// A number in the x86 I/O space.
enum class port_address : std::uint16_t {};

[[nodiscard]] constexpr bus_address operator+(bus_address base, std::uint64_t offset) noexcept {
  return static_cast<bus_address>(static_cast<std::uint64_t>(base) + offset);
}
[[nodiscard]] constexpr port_address operator+(port_address base, std::uint16_t offset) noexcept {
  return static_cast<port_address>(static_cast<std::uint16_t>(base) + offset);
}

/// What one access moves: 1, 2, 4 or 8 bytes.
template <class T>
concept register_word = std::same_as<T, std::uint8_t> || std::same_as<T, std::uint16_t> ||
                        std::same_as<T, std::uint32_t> || std::same_as<T, std::uint64_t>;

}  // namespace shoal::hal
