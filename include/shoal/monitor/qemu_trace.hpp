// SPDX-License-Identifier: BSL-1.0
//
// qemu_trace: the lines in which QEMU tells of register accesses, as access_records: how a guest is recorded
// that runs no code of ours. For attach.hpp, which finds out what they belong to.
//
//     $ qemu-system-x86_64 ... -trace 'memory_region_ops_*' -D PIPE
//     memory_region_ops_write cpu 0 mr 0x55eca5be40a0 addr 0xcf8 value 0x80001810 size 4 name 'pci-conf-idx'
//
//     const status_or<traced_access> got = parse_qemu_trace(line);
//
// Understands the "log" back end of QEMU 2.12 to 9, which Debian's has, with and without `-msg timestamp=on`.
// Leaves out accesses that QEMU handles without telling: RAM, and doorbells that have an eventfd.
#pragma once

#include <charconv>
#include <cstdint>
#include <limits>
#include <string_view>

#include <shoal/base/status.hpp>
#include <shoal/hal/access_record.hpp>

namespace shoal::monitor {

/// One access of a guest.
struct traced_access {
  hal::access_record record;  ///< cycles and source are 0
  std::int32_t cpu = 0;       ///< of the guest; -1 when a device did it
  std::uint64_t time = 0;     ///< nanoseconds since 1970 as QEMU stamped it, or 0
  std::string_view region;    ///< QEMU's name for the registers; a part of the line
};

namespace detail {

/// Takes the parts of a line off its front.
struct trace_cursor {
  std::string_view rest;

  constexpr bool take(std::string_view text) noexcept {
    if (!rest.starts_with(text)) return false;
    rest.remove_prefix(text.size());
    return true;
  }
  template <class T>
  bool number(T& value, int base) noexcept {
    const auto [end, wrong] = std::from_chars(rest.data(), rest.data() + rest.size(), value, base);
    if (wrong != std::errc{}) return false;
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    return true;
  }
  bool hex(std::uint64_t& value) noexcept { return take("0x") && number(value, 16); }
};

/// `PID@SECONDS.MICROSECONDS:` or nothing.
inline std::uint64_t take_stamp(trace_cursor& line) noexcept {
  trace_cursor trial = line;
  std::uint64_t pid = 0;
  std::uint64_t seconds = 0;
  std::uint64_t microseconds = 0;
  constexpr std::uint64_t billion = 1'000'000'000;
  const bool stamped = trial.number(pid, 10) && trial.take("@") && trial.number(seconds, 10) &&
                       trial.take(".") && trial.number(microseconds, 10) && trial.take(":") &&
                       microseconds < 1'000'000 &&
                       seconds < std::numeric_limits<std::uint64_t>::max() / billion;
  if (!stamped) return 0;
  line = trial;
  return seconds * billion + microseconds * 1000;
}

}  // namespace detail

/// Addresses below this are I/O ports: a PC has RAM there in its memory.
inline constexpr std::uint64_t first_memory_address = 0x1'0000;

/// Reads one line, without its end. unsupported: it tells of something else. malformed: it should tell of an
/// access, and does not.
///
/// @param ports  whether low addresses are x86 ports: not so on other machines
[[nodiscard]] inline status_or<traced_access> parse_qemu_trace(std::string_view line,
                                                               bool ports = true) noexcept {
  detail::trace_cursor at{line};
  traced_access out;
  out.time = detail::take_stamp(at);
  if (!at.take("memory_region_ops_")) return status::unsupported;
  const bool write = at.take("write ");
  if (!write && !at.take("read ")) return status::malformed;
  std::uint64_t region = 0;
  std::uint32_t size = 0;
  const bool whole = at.take("cpu ") && at.number(out.cpu, 10) && at.take(" mr ") && at.hex(region) &&
                     at.take(" addr ") && at.hex(out.record.address) && at.take(" value ") &&
                     at.hex(out.record.value) && at.take(" size ") && at.number(size, 10) &&
                     (size == 1 || size == 2 || size == 4 || size == 8);
  if (!whole) return status::malformed;
  out.record.width = static_cast<std::uint8_t>(size);
  // a register narrower than what QEMU's model returns: the guest sees so many bytes
  if (size < 8) out.record.value &= (std::uint64_t{1} << (8 * size)) - 1;
  const bool port = ports && out.record.address < first_memory_address;
  out.record.what =
      port ? (write ? hal::access::out : hal::access::in) : (write ? hal::access::store : hal::access::load);
  if (at.take(" name '")) {  // since QEMU 6.2
    if (!at.rest.ends_with('\'')) return status::malformed;
    out.region = at.rest.substr(0, at.rest.size() - 1);
  } else if (!at.rest.empty()) {
    return status::malformed;
  }
  return out;
}

}  // namespace shoal::monitor
