// SPDX-License-Identifier: BSL-1.0
//
// What a server tells a client about an export, and which requests to it are in order.
//
//     if (const nbd::error e = nbd::check(info, request, structured); e != nbd::error::ok) refuse(request, e);
#pragma once

#include <cstdint>
#include <string>

#include <shoal/base/bytes.hpp>
#include <shoal/nbd/wire.hpp>

namespace shoal::nbd {

struct export_info {
  std::string name;         ///< at most max_string bytes, UTF-8; the empty name is the default export
  std::string description;  ///< for people; at most max_string bytes
  std::uint64_t size = 0;
  std::uint16_t flags = transmission_flag::has_flags;
  std::uint32_t min_block = 1;           ///< a power of two, at most 64 KiB
  std::uint32_t preferred_block = 4096;  ///< a power of two, at least 512
  bool allocation = false;               ///< the metadata context base:allocation is to be had

  [[nodiscard]] bool has(std::uint16_t flag) const noexcept { return (flags & flag) != 0; }
  friend bool operator==(const export_info&, const export_info&) = default;
};

/// What a well-behaved server answers to a request before it looks at the device: error::ok to carry it out.
///
/// Every flag is held against what this export offers, so that nothing below has to ask again ("Request types";
/// errors as "Error values" asks for them: EPERM for a change to a read-only export, ENOSPC for a write past
/// the end, EINVAL for anything else that is wrong).
/// @param structured  structured replies were negotiated
/// @param allocation  base:allocation was selected
[[nodiscard]] inline error check(const export_info& info, const request& r, bool structured,
                                 bool allocation) noexcept {
  using namespace command_flag;
  const bool inside = contains(info.size, r.offset, r.length);
  const bool aligned = ((r.offset | r.length) & (info.min_block - 1)) == 0;
  if (!aligned && r.type != command::flush && r.type != command::disc) return error::inval;
  std::uint16_t allowed = info.has(transmission_flag::send_fua) ? fua : std::uint16_t{0};
  switch (r.type) {
    case command::read:
      if (structured) allowed |= df;
      if ((r.flags & ~allowed) != 0 || !inside) return error::inval;
      return r.length > max_payload ? error::inval : error::ok;
    case command::write:
      if ((r.flags & ~allowed) != 0) return error::inval;
      if (info.has(transmission_flag::read_only)) return error::perm;
      if (r.length > max_payload) return error::inval;
      return inside ? error::ok : error::nospc;
    case command::write_zeroes:
      allowed |= no_hole;
      if (info.has(transmission_flag::send_fast_zero)) allowed |= fast_zero;
      if ((r.flags & ~allowed) != 0) return error::inval;
      if (info.has(transmission_flag::read_only)) return error::perm;
      if (!info.has(transmission_flag::send_write_zeroes)) return error::inval;
      return inside ? error::ok : error::nospc;
    case command::trim:
      if ((r.flags & ~allowed) != 0) return error::inval;
      if (info.has(transmission_flag::read_only)) return error::perm;
      if (!info.has(transmission_flag::send_trim)) return error::inval;
      return inside ? error::ok : error::inval;
    case command::flush:
      if ((r.flags & ~allowed) != 0 || !info.has(transmission_flag::send_flush)) return error::inval;
      return error::ok;
    case command::cache:
      if ((r.flags & ~allowed) != 0 || !info.has(transmission_flag::send_cache)) return error::inval;
      return inside ? error::ok : error::inval;
    case command::block_status:
      if ((r.flags & ~(allowed | req_one)) != 0 || !allocation || r.length == 0) return error::inval;
      return inside ? error::ok : error::inval;
    case command::disc: return error::ok;
  }
  return error::inval;
}

}  // namespace shoal::nbd
