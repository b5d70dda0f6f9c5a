// SPDX-License-Identifier: BSL-1.0
//
// frame: what an Ethernet frame carries, as far as a firewall looks: addresses, protocol, ports. Freestanding.
//
//     const frame seen = frame::parse(bytes);
//     if (seen.what == frame_kind::ip && seen.to_port == 22) ...
//
// Reads IPv4 and IPv6 behind up to two VLAN tags, with options, extension headers and fragments. Bytes come
// from guests and from networks: nothing is believed. Leaves out what tunnels carry, and everything behind the
// ports.
#pragma once

#include <cstddef>
#include <cstdint>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>

namespace shoal::monitor {

enum class frame_kind : std::uint8_t {
  other,      ///< neither IPv4 nor IPv6: ARP, for one
  ip,         ///< one of them
  malformed,  ///< it says so, and is none that can be read
};

/// An address of IPv4 is as monitor/ip_address.hpp has it.
struct frame {
  frame_kind what = frame_kind::other;
  std::uint8_t protocol = 0;
  bool is_fragment = false;  ///< and not the first: it has no ports
  bool begins = false;       ///< TCP: SYN without ACK
  bool answers = false;      ///< TCP: SYN and ACK
  std::uint16_t from_port = 0;
  std::uint16_t to_port = 0;
  std::uint64_t from_high = 0;
  std::uint64_t from_low = 0;
  std::uint64_t to_high = 0;
  std::uint64_t to_low = 0;

  [[nodiscard]] static constexpr frame parse(bytes_view bytes) noexcept {
    constexpr std::size_t header = 14;
    constexpr std::size_t tag = 4;
    frame out;
    if (bytes.size() < header) return out;
    std::size_t at = header;
    std::uint16_t type = load_be<std::uint16_t>(bytes.data() + 12);
    for (int tags = 0; tags < 2 && is_tag(type); ++tags) {
      if (bytes.size() - at < tag) return out;
      type = load_be<std::uint16_t>(bytes.data() + at + 2);
      at += tag;
    }
    if (type == 0x0800) out.what = out.read_v4(bytes.subspan(at)) ? frame_kind::ip : frame_kind::malformed;
    if (type == 0x86dd) out.what = out.read_v6(bytes.subspan(at)) ? frame_kind::ip : frame_kind::malformed;
    // a third tag hides what is behind it
    if (is_tag(type)) out.what = frame_kind::malformed;
    return out;
  }

 private:
  static constexpr std::uint8_t tcp = 6;
  static constexpr std::uint8_t udp = 17;
  static constexpr std::uint8_t sctp = 132;

  static constexpr bool is_tag(std::uint16_t type) noexcept {
    return type == 0x8100 || type == 0x88a8 || type == 0x9100;
  }

  constexpr bool read_v4(bytes_view packet) noexcept {
    constexpr std::size_t least = 20;
    if (packet.size() < least) return false;
    const auto first = std::to_integer<unsigned>(packet[0]);
    const std::size_t head = std::size_t{first & 15} * 4;
    const std::size_t all = load_be<std::uint16_t>(packet.data() + 2);
    if (first >> 4 != 4 || head < least || all < head || all > packet.size()) return false;
    constexpr std::uint64_t mapped = std::uint64_t{0xffff} << 32;
    from_low = mapped | load_be<std::uint32_t>(packet.data() + 12);
    to_low = mapped | load_be<std::uint32_t>(packet.data() + 16);
    protocol = std::to_integer<std::uint8_t>(packet[9]);
    const std::uint16_t fragment = load_be<std::uint16_t>(packet.data() + 6);
    return read_ports(packet.subspan(head, all - head), fragment & 0x1fff);
  }

  constexpr bool read_v6(bytes_view packet) noexcept {
    constexpr std::size_t head = 40;
    if (packet.size() < head || std::to_integer<unsigned>(packet[0]) >> 4 != 6) return false;
    from_high = load_be<std::uint64_t>(packet.data() + 8);
    from_low = load_be<std::uint64_t>(packet.data() + 16);
    to_high = load_be<std::uint64_t>(packet.data() + 24);
    to_low = load_be<std::uint64_t>(packet.data() + 32);
    const std::size_t all = load_be<std::uint16_t>(packet.data() + 4);
    if (all > packet.size() - head) return false;
    protocol = std::to_integer<std::uint8_t>(packet[6]);
    bytes_view rest = packet.subspan(head, all);
    constexpr int most_headers = 8;
    for (int i = 0; i < most_headers; ++i) {
      std::size_t size = 0;
      std::uint16_t fragment = 0;
      switch (protocol) {
        case 0:   // hop-by-hop options
        case 43:  // routing
        case 60:  // options for the destination
          if (rest.size() < 8) return false;
          size = (std::to_integer<std::size_t>(rest[1]) + 1) * 8;
          break;
        case 51:  // authentication
          if (rest.size() < 8) return false;
          size = (std::to_integer<std::size_t>(rest[1]) + 2) * 4;
          break;
        case 44:  // fragment
          if (rest.size() < 8) return false;
          size = 8;
          fragment = load_be<std::uint16_t>(rest.data() + 2) >> 3;
          break;
        default: return read_ports(rest, 0);
      }
      if (size > rest.size()) return false;
      protocol = std::to_integer<std::uint8_t>(rest[0]);
      rest = rest.subspan(size);
      if (fragment != 0) return read_ports(rest, fragment);
    }
    return false;
  }

  /// @param fragment  where `rest` belongs, in units of 8 bytes
  constexpr bool read_ports(bytes_view rest, unsigned fragment) noexcept {
    is_fragment = fragment != 0;
    // one that would overwrite what a filter has judged (RFC 1858)
    if (is_fragment) return !(protocol == tcp && fragment == 1);
    if (protocol != tcp && protocol != udp && protocol != sctp) return true;
    if (rest.size() < (protocol == tcp ? 20u : 8u)) return false;
    from_port = load_be<std::uint16_t>(rest.data());
    to_port = load_be<std::uint16_t>(rest.data() + 2);
    if (protocol == tcp) {
      const auto flags = std::to_integer<unsigned>(rest[13]);
      begins = (flags & 0x12) == 2;
      answers = (flags & 0x12) == 0x12;
    }
    return true;
  }
};

}  // namespace shoal::monitor
