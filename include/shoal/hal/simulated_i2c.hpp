// SPDX-License-Identifier: BSL-1.0
//
// simulated_i2c: an i2c_bus with models of devices at it, and i2c_registers, the most common of them.
// Freestanding.
//
//     i2c_registers<256> sensor;
//     sensor[0x0f] = std::byte{0x33};
//     simulated_i2c bus{i2c_placed{i2c_address{0x76}, sensor}};
//     bus.transfer(i2c_address{0x76}, reg, value);
//
// For tests of drivers. Of devices at one address the first answers. A bus is a handle: copies are the same
// devices.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <tuple>

#include <shoal/base/bytes.hpp>
#include <shoal/base/status.hpp>
#include <shoal/hal/i2c_bus.hpp>

namespace shoal::hal {

/// `write(bytes)` and `read(bytes)`: one part of a transfer each, never empty; false where the device does not
/// acknowledge.
template <class M>
concept i2c_model = requires(M& model, bytes_view out, bytes_span in) {
  { model.write(out) } noexcept -> std::same_as<bool>;
  { model.read(in) } noexcept -> std::same_as<bool>;
};

/// Bytes behind a one-byte address that counts up and wraps: sensors, clocks, small EEPROMs.
template <std::size_t Size>
class i2c_registers {
  static_assert(Size > 0 && Size <= 256, "the address is one byte");

 public:
  constexpr bool write(bytes_view out) noexcept {
    next_ = std::to_integer<std::size_t>(out[0]) % Size;
    for (const std::byte value : out.subspan(1)) {
      bytes_[next_] = value;
      next_ = (next_ + 1) % Size;
    }
    return true;
  }
  constexpr bool read(bytes_span in) noexcept {
    for (std::byte& value : in) {
      value = bytes_[next_];
      next_ = (next_ + 1) % Size;
    }
    return true;
  }
  /// @param index  below Size
  [[nodiscard]] constexpr std::byte& operator[](std::size_t index) noexcept { return bytes_[index]; }

 private:
  std::array<std::byte, Size> bytes_{};
  std::size_t next_ = 0;
};
static_assert(i2c_model<i2c_registers<256>>);

/// A model and its address. The model lives as long as the bus.
template <i2c_model Model>
struct i2c_placed {
  i2c_address address{};
  Model& model;
};

template <i2c_model... Models>
class simulated_i2c {
 public:
  constexpr explicit simulated_i2c(i2c_placed<Models>... places) noexcept : places_(places...) {}

  constexpr status transfer(i2c_address address, bytes_view out, bytes_span in) noexcept {
    if (const status s = check_i2c_transfer(address, out, in); s != status::ok) return s;
    status result = status::failed;  // where nobody is
    std::apply(
        [&](const auto&... one) {
          static_cast<void>(((one.address == address && (result = ask(one.model, out, in), true)) || ...));
        },
        places_);
    return result;
  }

 private:
  template <class Model>
  static constexpr status ask(Model& model, bytes_view out, bytes_span in) noexcept {
    const bool done = (out.empty() || model.write(out)) && (in.empty() || model.read(in));
    return done ? status::ok : status::failed;
  }

  std::tuple<i2c_placed<Models>...> places_;
};
static_assert(i2c_bus<simulated_i2c<>>);

}  // namespace shoal::hal
