// SPDX-License-Identifier: BSL-1.0
//
// What every i2c_bus has to do, as a test of yours can ask of a bus of yours:
//
//     TEST_CASE("my bus is an I2C bus") {
//       test::conforms_to_i2c_bus([] { return my_bus{"/dev/i2c-1"}; },
//                                 {.device = i2c_address{0x50}, .nobody = i2c_address{0x51}});
//     }
//
// Needs a device of 256 registers behind a one-byte address, each of which reads as it was written. A shape of
// transfer that the bus says is unsupported is left out, but for the one that every bus can: a register is
// written, or read.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <type_traits>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/base/bytes.hpp>
#include <shoal/base/status.hpp>
#include <shoal/hal/i2c_bus.hpp>

namespace shoal::test {

/// What a test may talk to.
struct i2c_places {
  hal::i2c_address device{};  ///< registers, all of which may be written
  hal::i2c_address nobody{};  ///< where nobody acknowledges
  std::size_t longest = 32;   ///< bytes that one transfer of the bus can move
};

namespace detail {

template <class Bus>
status put_register(Bus& bus, hal::i2c_address device, std::uint8_t index, std::uint8_t value) {
  const std::array<std::byte, 2> out{std::byte{index}, std::byte{value}};
  return bus.transfer(device, out, {});
}

template <class Bus>
status_or<std::uint8_t> get_register(Bus& bus, hal::i2c_address device, std::uint8_t index) {
  const std::array<std::byte, 1> out{std::byte{index}};
  std::array<std::byte, 1> in{};
  if (const status s = bus.transfer(device, out, in); s != status::ok) return s;
  return std::to_integer<std::uint8_t>(in[0]);
}

}  // namespace detail

/// @param make    gives the bus each time it is called, or a reference to it
/// @param places  on it
template <class Make>
void conforms_to_i2c_bus(Make make, const i2c_places& places, std::uint32_t seed = 20240917) {
  decltype(auto) bus = make();
  static_assert(hal::i2c_bus<std::remove_reference_t<decltype(bus)>>);
  std::array<std::byte, 1> one{};
  CAPTURE(seed);

  SUBCASE("a transfer that cannot be is refused") {
    CHECK(bus.transfer(places.device, {}, {}) == status::invalid_argument);
    for (const unsigned number : {0x00u, 0x07u, 0x78u, 0x7fu, 0x80u, 0xffu}) {
      CAPTURE(number);
      const auto address = static_cast<hal::i2c_address>(number);
      CHECK(bus.transfer(address, one, {}) == status::invalid_argument);
      CHECK(bus.transfer(address, {}, one) == status::invalid_argument);
    }
    std::vector<std::byte> long_one(8193);
    CHECK(bus.transfer(places.device, long_one, {}) == status::invalid_argument);
    CHECK(bus.transfer(places.device, one, long_one) == status::invalid_argument);
  }
  SUBCASE("nobody answers where nobody is") {
    CHECK(detail::get_register(bus, places.nobody, 0).code == status::failed);
    CHECK(detail::put_register(bus, places.nobody, 0, 1) == status::failed);
  }
  SUBCASE("a register is read as it was written, and others are as they were") {
    std::array<std::uint8_t, 256> model{};
    std::mt19937 random{seed};
    for (unsigned i = 0; i < 256; ++i) {
      model[i] = static_cast<std::uint8_t>(random());
      CHECK(detail::put_register(bus, places.device, static_cast<std::uint8_t>(i), model[i]) == status::ok);
    }
    for (unsigned i = 256; i-- > 0;) {
      const status_or<std::uint8_t> read =
          detail::get_register(bus, places.device, static_cast<std::uint8_t>(i));
      CHECK(read.code == status::ok);
      CHECK(read.value == model[i]);
    }
  }
  SUBCASE("several registers are written and read in a row, up to what the bus can move") {
    std::mt19937 random{seed};
    for (const std::size_t length : {std::size_t{2}, std::size_t{3}, std::size_t{16}, places.longest}) {
      if (length > places.longest) continue;
      CAPTURE(length);
      std::vector<std::byte> out(length + 1);
      std::ranges::generate(out, [&] { return static_cast<std::byte>(random()); });
      out[0] = std::byte{5};
      const bytes_view reg = bytes_view{out}.first(1);
      const status written = bus.transfer(places.device, out, {});
      if (written == status::unsupported) {
        for (std::size_t i = 0; i < length; ++i) {
          CHECK(detail::put_register(bus, places.device, static_cast<std::uint8_t>(5 + i),
                                     std::to_integer<std::uint8_t>(out[1 + i])) == status::ok);
        }
      } else {
        CHECK(written == status::ok);
      }
      std::vector<std::byte> in(length);
      const status read = bus.transfer(places.device, reg, in);
      if (read != status::unsupported) {
        CHECK(read == status::ok);
        CHECK(std::ranges::equal(in, bytes_view{out}.subspan(1)));
      }
      for (std::size_t i = 0; i < length; ++i) {
        const status_or<std::uint8_t> single =
            detail::get_register(bus, places.device, static_cast<std::uint8_t>(5 + i));
        CHECK(single.code == status::ok);
        CHECK(single.value == std::to_integer<std::uint8_t>(out[1 + i]));
      }
    }
  }
  SUBCASE("a write of the register's number alone, then a read, finds the register") {
    CHECK(detail::put_register(bus, places.device, 9, 0x5a) == status::ok);
    const std::array<std::byte, 1> reg{std::byte{9}};
    const status written = bus.transfer(places.device, reg, {});
    if (written != status::unsupported) {
      CHECK(written == status::ok);
      const status read = bus.transfer(places.device, {}, one);
      if (read != status::unsupported) {
        CHECK(read == status::ok);
        CHECK(one[0] == std::byte{0x5a});
      }
    }
  }
}

}  // namespace shoal::test
