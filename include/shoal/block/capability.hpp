// SPDX-License-Identifier: BSL-1.0
//
// capability: what a device can do beyond reading, as a set. The concepts of block/concepts.hpp answer the
// same question while compiling; the set carries the answer to run time.
//
//     static_assert(has(capabilities_of<memory_device>, capability::trim | capability::lend));
//
// For any_device, for servers that advertise what an export can do, and for tests that go through all of them.
#pragma once

#include <concepts>
#include <cstdint>

#include <shoal/block/concepts.hpp>

namespace shoal {

/// A set of optional abilities. Combine with `|`.
enum class capability : std::uint32_t {
  none = 0,
  write = 1,       ///< block_device: write and flush
  trim = 2,        ///< can_trim
  zero = 4,        ///< can_zero
  extents = 8,     ///< can_extents
  cache = 16,      ///< can_cache
  lend = 32,       ///< can_lend
  try_read = 64,   ///< can_try_read
  try_write = 128  ///< can_try_write
};
[[nodiscard]] constexpr capability operator|(capability a, capability b) noexcept {
  return static_cast<capability>(static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b));
}
/// True when `set` has every capability of `wanted`.
[[nodiscard]] constexpr bool has(capability set, capability wanted) noexcept {
  return (static_cast<std::uint32_t>(set) & static_cast<std::uint32_t>(wanted)) ==
         static_cast<std::uint32_t>(wanted);
}
/// `set` and not `taken`.
[[nodiscard]] constexpr capability without(capability set, capability taken) noexcept {
  return static_cast<capability>(static_cast<std::uint32_t>(set) & ~static_cast<std::uint32_t>(taken));
}

/// Every capability there is.
inline constexpr capability all_capabilities = capability::write | capability::trim | capability::zero |
                                               capability::extents | capability::cache | capability::lend |
                                               capability::try_read | capability::try_write;

/// What the type `D` declares.
template <block_source D>
inline constexpr capability capabilities_of =
    (block_device<D> ? capability::write : capability::none) |
    (can_trim<D> ? capability::trim : capability::none) | (can_zero<D> ? capability::zero : capability::none) |
    (can_extents<D> ? capability::extents : capability::none) |
    (can_cache<D> ? capability::cache : capability::none) |
    (can_lend<D> ? capability::lend : capability::none) |
    (can_try_read<D> ? capability::try_read : capability::none) |
    (can_try_write<D> ? capability::try_write : capability::none);

/// What this very device can do. Less than its type declares where an any_device is below it: such a device,
/// and every filter, has a member `capabilities()` that knows.
template <block_source D>
[[nodiscard]] constexpr capability actual_capabilities(const D& device) noexcept {
  if constexpr (requires {
                  { device.capabilities() } noexcept -> std::same_as<capability>;
                }) {
    return device.capabilities();
  } else {
    return capabilities_of<D>;
  }
}

}  // namespace shoal
