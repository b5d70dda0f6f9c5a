// SPDX-License-Identifier: BSL-1.0
//
// flow: with whom a guest talks, as a record holds it: one side of what a firewall would call a connection.
//
//     const flow talk = flow::of(record);
//     if (talk.protocol == ip_protocol::tcp && talk.service() == 22) ...
//
// Of a record of a flow, `address` and `value` are the other side's address, `repeats` the two ports, and
// `width` is the protocol's number. Leaves out the guest's own address, and how much was sent.
#pragma once

#include <cstdint>

#include <shoal/hal/access_record.hpp>
#include <shoal/monitor/ip_address.hpp>

namespace shoal::monitor {

/// Numbers of IANA that matter here.
namespace ip_protocol {
inline constexpr std::uint8_t icmp = 1;
inline constexpr std::uint8_t tcp = 6;
inline constexpr std::uint8_t udp = 17;
inline constexpr std::uint8_t icmp_v6 = 58;
}  // namespace ip_protocol

struct flow {
  ip_address peer;
  std::uint16_t own_port = 0;   ///< the guest's; 0 where there are no ports
  std::uint16_t peer_port = 0;  ///< the other side's
  std::uint8_t protocol = 0;
  bool out = false;  ///< the guest began it
  friend constexpr bool operator==(const flow&, const flow&) noexcept = default;

  /// The port of whoever was called.
  [[nodiscard]] constexpr std::uint16_t service() const noexcept { return out ? peer_port : own_port; }

  /// @pre is_flow(record.what)
  [[nodiscard]] static constexpr flow of(const hal::access_record& record) noexcept {
    return {{record.address, record.value},
            static_cast<std::uint16_t>(record.repeats >> 16),
            static_cast<std::uint16_t>(record.repeats),
            record.width,
            record.what == hal::access::flow_out || record.what == hal::access::frame_out};
  }
  /// @param what  flow_out or frame_out, which becomes flow_in or frame_in where the peer began
  [[nodiscard]] constexpr hal::access_record record(hal::access what, std::uint16_t source) const noexcept {
    const hal::access other = what == hal::access::flow_out ? hal::access::flow_in : hal::access::frame_in;
    return {.address = peer.high,
            .value = peer.low,
            .repeats = std::uint32_t{own_port} << 16 | peer_port,
            .source = source,
            .what = out ? what : other,
            .width = protocol};
  }
};

}  // namespace shoal::monitor
