// SPDX-License-Identifier: BSL-1.0
//
// access_record: one access to a device, as it is recorded: 32 bytes, copied as they are through the ring. So
// is what a disk was asked for, with whom a guest talked, and what was found in it. Freestanding.
//
//     sink.put({.cycles = now(), .address = 0x0900'0000, .value = 1, .what = access::store, .width = 4});
//
// How records are written to a file or a collector says monitor/; this is their form in memory, in the byte
// order of the machine.
#pragma once

#include <cstdint>

namespace shoal::hal {

enum class access : std::uint8_t {
  load,  ///< memory-mapped; address is a bus_address
  store,
  in,  ///< x86 port I/O; address is a port_address
  out,
  line_get,  ///< GPIO; address is the line, value 0 or 1
  line_set,
  line_request,  ///< value holds the bytes of gpio_config: direction, level, active_low, bias, edges, from the
                 ///< lowest
  line_release,
  lines_get,  ///< `width` lines side by side: address is the first, value their levels
  lines_set,
  line_event,  ///< an edge was told to the driver: value is 1 for rising, 2 for falling
  lost,        ///< value accesses before this one did not fit

  // events of other kinds, which a recording has from version 2 of its form on
  disk_read,  ///< address is the offset, value how many bytes
  disk_write,
  disk_trim,  ///< trimmed or zeroed
  flow_out,   ///< the guest began to talk to somebody; the fields as monitor/flow.hpp has them
  flow_in,    ///< somebody began to talk to the guest
  frame_out,  ///< the guest sent a frame, which belongs to such a flow
  frame_in,
  finding,    ///< introspection found what should not be: value is its kind, address where
  i2c_write,  ///< I2C; address is the device's, value the first 8 bytes, the first one lowest
  i2c_read,
  i2c_more,    ///< the next bytes of the write or read before, 8 at most
  i2c_failed,  ///< a transfer did not succeed: what it wrote, in the record before, may have been taken or not
};
/// The last of them.
inline constexpr access last_access = access::i2c_failed;

/// Whether it is an access to a register or a line, as every recording can have it.
[[nodiscard]] constexpr bool is_device_access(access what) noexcept {
  return what <= access::lost;
}
/// Whether the record is of a flow: `repeats` and `width` say then with whom (monitor/flow.hpp).
[[nodiscard]] constexpr bool is_flow(access what) noexcept {
  return what >= access::flow_out && what <= access::frame_in;
}

/// Whether the record is of a transfer on an I2C bus (hal/i2c_access.hpp).
[[nodiscard]] constexpr bool is_i2c(access what) noexcept {
  return what >= access::i2c_write && what <= access::i2c_failed;
}

/// True for what changes the device: store, out, line_set, line_request, line_release, lines_set, i2c_write,
/// and writes and trims of disks.
[[nodiscard]] constexpr bool is_write(access what) noexcept {
  switch (what) {
    case access::store:
    case access::out:
    case access::line_set:
    case access::line_request:
    case access::line_release:
    case access::lines_set:
    case access::disk_write:
    case access::disk_trim:
    case access::i2c_write: return true;
    default: return false;
  }
}

struct access_record {
  std::uint64_t cycles = 0;  ///< of the counter of the recorder, calibrated afterwards
  std::uint64_t address = 0;
  std::uint64_t value = 0;
  std::uint32_t repeats = 0;  ///< how often the same access came again, at once, behind this one
  std::uint16_t source = 0;   ///< which device, as the recorder numbers them
  access what = access::load;
  /// Bytes: 1, 2, 4, 8; of lines_get and lines_set, lines; of i2c_write, i2c_read and i2c_failed, bytes of all
  /// that is written or read, 255 for more; of i2c_more, bytes of this record; 0 where it has no meaning.
  std::uint8_t width = 0;
  friend constexpr bool operator==(const access_record&, const access_record&) noexcept = default;
};
static_assert(sizeof(access_record) == 32);

/// How often it took place.
[[nodiscard]] constexpr std::uint64_t times_of(const access_record& record) noexcept {
  return is_flow(record.what) ? 1 : std::uint64_t{1} + record.repeats;
}

/// True when both are the same access with the same value, whenever and however often.
[[nodiscard]] constexpr bool same_access(const access_record& a, const access_record& b) noexcept {
  return a.address == b.address && a.value == b.value && a.source == b.source && a.what == b.what &&
         a.width == b.width;
}

}  // namespace shoal::hal
