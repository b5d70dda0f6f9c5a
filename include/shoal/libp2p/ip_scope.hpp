// SPDX-License-Identifier: BSL-1.0
//
// ip_scope: how far an IP address reaches: this machine, the link, the site, or the whole Internet.
//
//     if (scope_of_ip6(address) == ip_scope::global) tell_everybody(address);
//     std::optional<ip_scope> scope = scope_of(*multiaddr::parse("/ip4/10.0.0.1/tcp/4001"));   // site
//
// By the address alone (RFC 6890): whether anybody answers there is another question.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/libp2p/multiaddr.hpp>
#include <shoal/libp2p/multiaddr_protocol.hpp>

namespace shoal::libp2p {

enum class ip_scope : std::uint8_t {
  nowhere,   ///< "any address", multicast, documentation, reserved
  loopback,  ///< this machine
  link,      ///< 169.254.0.0/16, fe80::/10
  site,      ///< private networks: 10.0.0.0/8, 100.64.0.0/10, 172.16.0.0/12, 192.168.0.0/16, fc00::/7
  global,
};

[[nodiscard]] inline ip_scope scope_of_ip4(std::span<const std::byte, 4> address) noexcept {
  const auto number = load_be<std::uint32_t>(address.data());
  const auto in = [number](std::uint32_t network, unsigned bits) {
    return (number ^ network) >> (32 - bits) == 0;
  };
  if (in(0x7f000000, 8)) return ip_scope::loopback;
  if (in(0xa9fe0000, 16)) return ip_scope::link;
  if (in(0x0a000000, 8) || in(0x64400000, 10) || in(0xac100000, 12) || in(0xc0a80000, 16))
    return ip_scope::site;
  const bool nowhere = in(0x00000000, 8) || in(0xc0000000, 24) || in(0xc0000200, 24) || in(0xc0586300, 24) ||
                       in(0xc6120000, 15) || in(0xc6336400, 24) || in(0xcb007100, 24) || in(0xe0000000, 3);
  return nowhere ? ip_scope::nowhere : ip_scope::global;
}

/// An IPv4 address in an IPv6 one ("::ffff:10.0.0.1") reaches as far as it does by itself. Global are those
/// that have been given out, 2000::/3.
[[nodiscard]] inline ip_scope scope_of_ip6(std::span<const std::byte, 16> address) noexcept {
  const auto zero = [](std::byte b) { return b == std::byte{0}; };
  if (std::ranges::all_of(address.first<10>(), zero)) {
    if (load_be<std::uint16_t>(address.data() + 10) == 0xffff) return scope_of_ip4(address.last<4>());
    const bool one = std::ranges::all_of(address.first<15>(), zero) && address[15] == std::byte{1};
    return one ? ip_scope::loopback : ip_scope::nowhere;
  }
  const auto first = load_be<std::uint32_t>(address.data());
  if (first >> 22 == 0xfe80 >> 6) return ip_scope::link;
  if (first >> 25 == 0xfc00 >> 9) return ip_scope::site;
  constexpr std::uint32_t documentation = 0x20010db8;
  return first >> 29 == 1 && first != documentation ? ip_scope::global : ip_scope::nowhere;
}

/// How far the IP address reaches that a multiaddr begins with; nothing when it begins with something else.
[[nodiscard]] inline std::optional<ip_scope> scope_of(const multiaddr& address) noexcept {
  if (address.empty()) return std::nullopt;
  const multiaddr_component first = *address.begin();
  if (first.code() == multiaddr_code::ip4) return scope_of_ip4(first.value.first<4>());
  if (first.code() == multiaddr_code::ip6) return scope_of_ip6(first.value.first<16>());
  return std::nullopt;
}

}  // namespace shoal::libp2p
