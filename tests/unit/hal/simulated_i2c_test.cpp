// SPDX-License-Identifier: BSL-1.0
#include <shoal/hal/simulated_i2c.hpp>

#include <array>
#include <cstddef>

#include <doctest/doctest.h>

#include <shoal/base/bytes.hpp>
#include <shoal/base/status.hpp>

using namespace shoal::hal;
using shoal::status;

namespace {

// Acknowledges its address and then nothing.
struct stubborn {
  bool write(shoal::bytes_view) noexcept { return false; }
  bool read(shoal::bytes_span) noexcept { return false; }
};

constexpr i2c_address sensor_address{0x76};

}  // namespace

TEST_CASE("registers count up and wrap, over writes and reads") {
  i2c_registers<16> sensor;
  simulated_i2c bus{i2c_placed{sensor_address, sensor}};
  const std::array<std::byte, 4> out{std::byte{14}, std::byte{1}, std::byte{2}, std::byte{3}};
  CHECK(bus.transfer(sensor_address, out, {}) == status::ok);
  CHECK(sensor[14] == std::byte{1});
  CHECK(sensor[15] == std::byte{2});
  CHECK(sensor[0] == std::byte{3});
  const std::array<std::byte, 1> reg{std::byte{15}};
  std::array<std::byte, 2> in{};
  CHECK(bus.transfer(sensor_address, reg, in) == status::ok);
  CHECK(in == std::array<std::byte, 2>{std::byte{2}, std::byte{3}});
  CHECK(bus.transfer(sensor_address, {}, in) == status::ok);
  CHECK(in[0] == std::byte{});
}

TEST_CASE("a device that does not acknowledge fails a transfer, as an address does at which nobody is") {
  stubborn device;
  simulated_i2c bus{i2c_placed{i2c_address{0x20}, device}};
  std::array<std::byte, 1> one{};
  CHECK(bus.transfer(i2c_address{0x20}, one, {}) == status::failed);
  CHECK(bus.transfer(i2c_address{0x20}, {}, one) == status::failed);
  CHECK(bus.transfer(i2c_address{0x21}, one, one) == status::failed);
}
