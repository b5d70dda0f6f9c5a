// SPDX-License-Identifier: BSL-1.0
//
// reachable_addresses: what "all addresses" means on this machine: one address for each interface.
//
//     for (const multiaddr& one : reachable_addresses(bound)) tell(one);
#pragma once

#include <algorithm>
#include <cstring>
#include <vector>

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <asio/ip/tcp.hpp>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/libp2p/multiaddr.hpp>
#include <shoal/net/tcp_address.hpp>

namespace shoal::net {

/// `bound` itself, unless its IP address is 0.0.0.0 or ::, which is replaced by those of all interfaces that
/// are up. Without IPv6 addresses that mean something on one link only; loopback comes last.
[[nodiscard]] inline std::vector<libp2p::multiaddr> reachable_addresses(const libp2p::multiaddr& bound) {
  const result<tcp_address> where = tcp_address::of(bound);
  if (!where || (where->host != "0.0.0.0" && where->host != "::")) return {bound};
  const int family = where->host == "::" ? AF_INET6 : AF_INET;
  std::vector<libp2p::multiaddr> found;
  std::vector<libp2p::multiaddr> loopback;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return {};
  for (const ifaddrs* at = list; at != nullptr; at = at->ifa_next) {
    if (at->ifa_addr == nullptr || at->ifa_addr->sa_family != family || (at->ifa_flags & IFF_UP) == 0) continue;
    asio::ip::tcp::endpoint endpoint;
    const std::size_t size = family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
    std::memcpy(endpoint.data(), at->ifa_addr, size);
    if (endpoint.address().is_v6() && endpoint.address().to_v6().is_link_local()) continue;
    endpoint.port(where->port);
    (endpoint.address().is_loopback() ? loopback : found).push_back(address_of(endpoint));
  }
  ::freeifaddrs(list);
  found.insert(found.end(), loopback.begin(), loopback.end());
  return found;
}

}  // namespace shoal::net
