// SPDX-License-Identifier: BSL-1.0
//
// physical_address, virtual_address: the two kinds of number that a guest calls an address, as types that do
// not mix. Freestanding.
//
//     const virtual_address next = task + offset_of_tasks;
//     const std::uint64_t page = value(next) >> 12;
//
// Both are chosen by the guest and may be anything: arithmetic wraps around as the guest's own does, and
// whoever reads at an address checks it.
#pragma once

#include <compare>
#include <cstdint>

namespace shoal::vmi {

/// Where something is in the memory of a guest's machine, in bytes.
enum class physical_address : std::uint64_t {};
/// What a program or the kernel in a guest calls it, in bytes. On a 32-bit guest the upper half is zero.
enum class virtual_address : std::uint64_t {};

[[nodiscard]] constexpr std::uint64_t value(physical_address address) noexcept {
  return static_cast<std::uint64_t>(address);
}
[[nodiscard]] constexpr std::uint64_t value(virtual_address address) noexcept {
  return static_cast<std::uint64_t>(address);
}

[[nodiscard]] constexpr physical_address operator+(physical_address base, std::uint64_t offset) noexcept {
  return physical_address{value(base) + offset};
}
[[nodiscard]] constexpr virtual_address operator+(virtual_address base, std::uint64_t offset) noexcept {
  return virtual_address{value(base) + offset};
}
[[nodiscard]] constexpr virtual_address operator-(virtual_address base, std::uint64_t offset) noexcept {
  return virtual_address{value(base) - offset};
}

/// Bytes [base, base + size) of a machine's memory.
struct physical_range {
  physical_address base{};
  std::uint64_t size = 0;
  friend bool operator==(const physical_range&, const physical_range&) = default;
};

/// The width of a guest's pointers, in bytes.
enum class pointer_width : std::uint8_t { four = 4, eight = 8 };

}  // namespace shoal::vmi
