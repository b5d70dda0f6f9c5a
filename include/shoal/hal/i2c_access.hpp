// SPDX-License-Identifier: BSL-1.0
//
// What a transfer on an i2c_bus looks like as records of accesses: for recorders, guards, and those who read
// recordings. Freestanding.
//
//     i2c_write 0x50, width 12, the first eight bytes           as pack_i2c_bytes() has them
//     i2c_more  0x50, width 4, the rest
//     i2c_read  0x50, width 1                                   or i2c_failed
//
// The first record of a write or read tells how long it is, so that rules look at one record.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include <shoal/base/bytes.hpp>
#include <shoal/hal/access_record.hpp>

namespace shoal::hal {

/// How many bytes the value of a record holds.
inline constexpr std::size_t i2c_record_bytes = 8;

/// The first bytes of these as the value of a record: the first one lowest, zeros behind the last.
[[nodiscard]] constexpr std::uint64_t pack_i2c_bytes(bytes_view bytes) noexcept {
  std::uint64_t value = 0;
  for (std::size_t i = std::min(bytes.size(), i2c_record_bytes); i-- > 0;) {
    value = value << 8 | std::to_integer<std::uint64_t>(bytes[i]);
  }
  return value;
}

/// The width of the first record of a write or read of so many bytes.
[[nodiscard]] constexpr std::uint8_t i2c_width(std::size_t bytes) noexcept {
  return static_cast<std::uint8_t>(std::min<std::size_t>(bytes, 255));
}

/// The bytes that a record holds.
struct i2c_record_data {
  std::array<std::byte, i2c_record_bytes> bytes{};
  std::size_t count = 0;
};
/// Of i2c_write, i2c_read and i2c_more; none of others. Of any width: a recording may come from anywhere.
[[nodiscard]] constexpr i2c_record_data unpack_i2c_bytes(const access_record& record) noexcept {
  i2c_record_data data;
  if (!is_i2c(record.what) || record.what == access::i2c_failed) return data;
  data.count = std::min<std::size_t>(record.width, i2c_record_bytes);
  for (std::size_t i = 0; i < data.count; ++i) {
    data.bytes[i] = static_cast<std::byte>(record.value >> (8 * i) & 0xff);
  }
  return data;
}

}  // namespace shoal::hal
