// SPDX-License-Identifier: BSL-1.0
//
// The contract of an I2C bus, seen by the controller. Freestanding.
//
//     const std::array<std::byte, 1> reg{std::byte{0x0f}};
//     std::array<std::byte, 1> id;
//     if (const status s = bus.transfer(i2c_address{0x76}, reg, id); s != status::ok) return s;
//
// Leaves out ten-bit addresses and the SMBus protocols: those that matter are a write, a read, or both.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

#include <shoal/base/bytes.hpp>
#include <shoal/base/status.hpp>

namespace shoal::hal {

/// Seven bits, without the read/write bit: 0x08 to 0x77 are devices.
enum class i2c_address : std::uint8_t {};

/// `transfer(address, out, in)`: writes `out`, then, after a repeated start, fills `in`; either may be empty.
/// At most 8192 bytes each. Errors: invalid_argument (address, both empty, too long), failed (nobody
/// acknowledges), timed_out, unsupported (a shape that this controller cannot do).
template <class B>
concept i2c_bus = requires(B& bus, i2c_address address, bytes_view out, bytes_span in) {
  { bus.transfer(address, out, in) } noexcept -> std::same_as<status>;
};

/// What every model says first: invalid_argument, or ok.
[[nodiscard]] constexpr status check_i2c_transfer(i2c_address address, bytes_view out, bytes_span in) noexcept {
  constexpr std::size_t longest = 8192;
  const auto number = static_cast<std::uint8_t>(address);
  const bool right = number >= 0x08 && number <= 0x77 && out.size() <= longest && in.size() <= longest &&
                     !(out.empty() && in.empty());
  return right ? status::ok : status::invalid_argument;
}

}  // namespace shoal::hal
