// SPDX-License-Identifier: BSL-1.0
//
// simulated_i2c_devices: an I2C bus with as many simulated devices as a URI says, bytes in their registers, and
// registers that change with time, as those of a sensor do.
//
//     common::open_simulated_i2c_devices("0x48?0=1980&3=00-01/100ms,0x50");
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/status.hpp>
#include <shoal/hal/i2c_bus.hpp>
#include <shoal/hal/simulated_i2c.hpp>
#include <shoal/monitor/quantity_text.hpp>

#include "message.hpp"
#include "split.hpp"

namespace common {

class simulated_i2c_devices {
 public:
  using clock = std::chrono::steady_clock;

  /// What stands from a register on: each of these in turn, so long; for ever when it is one.
  struct content {
    std::size_t first = 0;
    std::vector<std::vector<std::byte>> turns;
    std::chrono::nanoseconds each{1};
  };
  struct device {
    shoal::hal::i2c_address address{};
    std::vector<content> contents;
    shoal::hal::i2c_registers<256> registers;
  };

  void add(device one) {
    for (const content& c : one.contents) put(one, c, 0);
    devices_.push_back(std::move(one));
  }

  shoal::status transfer(shoal::hal::i2c_address address, shoal::bytes_view out,
                         shoal::bytes_span in) noexcept {
    for (device& one : devices_) {
      if (one.address != address) continue;
      const std::chrono::nanoseconds passed = clock::now() - start_;
      for (const content& c : one.contents) {
        // what stands still was put there once, and is the guest's to change
        if (c.turns.size() > 1) put(one, c, static_cast<std::size_t>(passed / c.each) % c.turns.size());
      }
      shoal::hal::simulated_i2c bus{shoal::hal::i2c_placed{address, one.registers}};
      return bus.transfer(address, out, in);
    }
    return shoal::hal::simulated_i2c<>{}.transfer(address, out, in);
  }

 private:
  static void put(device& to, const content& c, std::size_t turn) noexcept {
    std::size_t at = c.first;
    for (const std::byte value : c.turns[turn]) to.registers[at++] = value;
  }

  std::vector<device> devices_;
  clock::time_point start_ = clock::now();
};

namespace detail {

/// Pairs of hexadecimal digits; none for what is not that.
inline std::vector<std::byte> parse_hex_bytes(std::string_view text) {
  std::vector<std::byte> bytes;
  for (; text.size() >= 2; text.remove_prefix(2)) {
    const auto value = shoal::monitor::parse_number("0x" + std::string{text.substr(0, 2)});
    if (!value) return {};
    bytes.push_back(static_cast<std::byte>(*value));
  }
  return text.empty() ? bytes : std::vector<std::byte>{};
}

/// REGISTER=BYTES[-BYTES...][/DURATION]
inline std::optional<simulated_i2c_devices::content> parse_i2c_content(std::string_view text) {
  const std::size_t equals = std::min(text.find('='), text.size());
  const std::size_t slash = std::min(text.find('/'), text.size());
  const auto first = shoal::monitor::parse_number(text.substr(0, equals));
  if (!first || equals >= slash) return std::nullopt;
  simulated_i2c_devices::content found;
  found.first = static_cast<std::size_t>(std::min<std::uint64_t>(*first, 256));
  for (const std::string_view turn : split(text.substr(equals + 1, slash - equals - 1), '-')) {
    found.turns.push_back(parse_hex_bytes(turn));
    if (found.turns.back().empty() || found.first + found.turns.back().size() > 256) return std::nullopt;
  }
  const bool changes = found.turns.size() > 1;
  if (found.turns.empty() || changes != (slash < text.size())) return std::nullopt;
  if (!changes) return found;
  const auto each = shoal::monitor::parse_duration(text.substr(slash + 1));
  constexpr std::uint64_t longest = 1'000'000'000'000'000;  // eleven days, which fits all clocks
  if (!each) return std::nullopt;
  found.each = std::chrono::nanoseconds{static_cast<std::int64_t>(std::min(*each, longest))};
  return found;
}

}  // namespace detail

/// @param text  ADDRESS[?REGISTER=BYTES[-BYTES.../DURATION][&...]][,...]: bytes are hexadecimal
/// @throws failure
inline simulated_i2c_devices open_simulated_i2c_devices(std::string_view text) {
  const failure wrong{"'sim:" + std::string{text} + "' is not a simulated I2C bus",
                      "write sim:0x48, or sim:0x48?0=1980&3=00-01/100ms,0x50: addresses from 0x08 to 0x77, "
                      "registers from 0 to 255, bytes in hexadecimal digits",
                      exit_usage};
  simulated_i2c_devices bus;
  const std::vector<std::string_view> devices = split(text, ',');
  if (devices.empty()) throw wrong;
  for (const std::string_view each : devices) {
    const std::size_t query = std::min(each.find('?'), each.size());
    const auto address = shoal::monitor::parse_number(each.substr(0, query));
    if (!address || *address < 0x08 || *address > 0x77) throw wrong;
    simulated_i2c_devices::device device;
    device.address = static_cast<shoal::hal::i2c_address>(*address);
    for (const std::string_view part : split(each.substr(std::min(query + 1, each.size())), '&')) {
      std::optional<simulated_i2c_devices::content> content = detail::parse_i2c_content(part);
      if (!content) throw wrong;
      device.contents.push_back(std::move(*content));
    }
    bus.add(std::move(device));
  }
  return bus;
}

}  // namespace common
