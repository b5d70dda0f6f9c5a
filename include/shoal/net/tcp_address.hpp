// SPDX-License-Identifier: BSL-1.0
//
// tcp_address: the part of a multiaddr that a TCP socket understands, in both directions.
//
//     result<tcp_address> where =
//     tcp_address::of(*multiaddr::parse("/dns4/origin.example/tcp/4001/p2p/12D3...")); where->host,
//     where->port, where->peer multiaddr there = address_of(socket.remote_endpoint());
//
// Leaves out transports other than plain TCP, relays, and /dnsaddr, which lists further addresses.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include <asio/ip/address.hpp>
#include <asio/ip/tcp.hpp>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/base/result.hpp>
#include <shoal/libp2p/ip_text.hpp>
#include <shoal/libp2p/multiaddr.hpp>
#include <shoal/libp2p/peer_id.hpp>

namespace shoal::net {

struct tcp_address {
  enum class family { any, v4, v6 };

  std::string host;  ///< a numeric address, with its zone if it has one, or a name
  std::uint16_t port = 0;
  bool numeric = true;                  ///< false: a name that has to be resolved
  family kind = family::any;            ///< which addresses of a name
  std::optional<libp2p::peer_id> peer;  ///< who has to be there

  /// errc::unsupported for anything that is not an IP address or a name, then a TCP port, and at most a peer.
  [[nodiscard]] static result<tcp_address> of(const libp2p::multiaddr& address) {
    using code = libp2p::multiaddr_code;
    tcp_address out;
    std::string zone;
    int step = 0;  // 0: host, 1: port, 2: peer, 3: end
    for (const libp2p::multiaddr_component c : address) {
      const code here = c.code();
      if (step == 0 && here == code::ip6zone && zone.empty()) {
        zone = as_text(c.value);
        continue;
      }
      const bool named = here == code::dns || here == code::dns4 || here == code::dns6;
      if (step == 0 && here == code::ip4) {
        libp2p::append_ip4(out.host, c.value.first<4>());
        out.kind = family::v4;
      } else if (step == 0 && here == code::ip6) {
        libp2p::append_ip6(out.host, c.value.first<16>());
        if (!zone.empty()) out.host += '%' + zone;
        out.kind = family::v6;
      } else if (step == 0 && named) {
        out.host = as_text(c.value);
        out.numeric = false;
        out.kind = here == code::dns4 ? family::v4 : here == code::dns6 ? family::v6 : family::any;
      } else if (step == 1 && here == code::tcp) {
        out.port = load_be<std::uint16_t>(c.value.data());
      } else if (step == 2 && here == code::p2p) {
        const result<libp2p::peer_id> id = libp2p::peer_id::decode(c.value);
        if (!id) return id.error();
        out.peer = *id;
      } else {
        return errc::unsupported;
      }
      ++step;
    }
    if (step < 2) return errc::unsupported;
    return out;
  }
};

/// `/ip4/../tcp/..` or `/ip6/../tcp/..`; an IPv4 address that is mapped into IPv6 is IPv4.
[[nodiscard]] inline libp2p::multiaddr address_of(const asio::ip::tcp::endpoint& endpoint) {
  libp2p::multiaddr address;
  asio::ip::address ip = endpoint.address();
  if (ip.is_v6() && ip.to_v6().is_v4_mapped()) ip = asio::ip::make_address_v4(asio::ip::v4_mapped, ip.to_v6());
  if (ip.is_v4()) {
    const auto raw = ip.to_v4().to_bytes();
    (void)address.append(libp2p::multiaddr_code::ip4, std::as_bytes(std::span{raw}));
  } else {
    const auto raw = ip.to_v6().to_bytes();
    (void)address.append(libp2p::multiaddr_code::ip6, std::as_bytes(std::span{raw}));
  }
  std::array<std::byte, 2> port;
  store_be(port.data(), endpoint.port());
  (void)address.append(libp2p::multiaddr_code::tcp, port);
  return address;
}

/// The address with `/p2p/<id>` behind it, unless it names a peer already.
[[nodiscard]] inline libp2p::multiaddr with_peer(libp2p::multiaddr address, const libp2p::peer_id& id) {
  if (!address.peer()) (void)address.append(libp2p::multiaddr_code::p2p, id.bytes());
  return address;
}

}  // namespace shoal::net
