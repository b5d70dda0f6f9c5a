// SPDX-License-Identifier: BSL-1.0
//
// The sockets of multicast DNS: one for each interface and kind of IP address, which hears what is sent to the
// group there and nothing else.
//
//     for (const network_interface& each : network_interfaces()) {
//       result<asio::ip::udp::socket> socket = open_mdns_socket(executor, each, ip_kind::v4);
//       if (socket) socket->send_to(asio::buffer(question), mdns_group(each, ip_kind::v4));
//     }
//
// Other programs on this machine may listen there as well, and hear each other. Being bound to the group, a
// socket gets no datagram that was sent to this machine alone, so nobody outside the link can reach it.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <asio/any_io_executor.hpp>
#include <asio/ip/udp.hpp>

#include <shoal/base/result.hpp>
#include <shoal/libp2p/mdns.hpp>
#include <shoal/os/posix/unique_fd.hpp>

namespace shoal::net {

enum class ip_kind { v4, v6 };

/// An interface that is up.
struct network_interface {
  std::string name;
  unsigned index = 0;
  bool v4 = false;          ///< has an IPv4 address
  bool v6 = false;          ///< has an IPv6 address
  bool neighbours = false;  ///< neither loopback nor a tunnel, and can do multicast
};

/// All interfaces that are up; none when the system does not say.
[[nodiscard]] inline std::vector<network_interface> network_interfaces() {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return {};
  std::vector<network_interface> found;
  for (const ifaddrs* at = list; at != nullptr; at = at->ifa_next) {
    if (at->ifa_addr == nullptr || (at->ifa_flags & IFF_UP) == 0) continue;
    auto known = std::ranges::find(found, at->ifa_name, &network_interface::name);
    if (known == found.end()) {
      constexpr unsigned shape = IFF_MULTICAST | IFF_LOOPBACK | IFF_POINTOPOINT;
      found.push_back({.name = at->ifa_name,
                       .index = ::if_nametoindex(at->ifa_name),
                       .neighbours = (at->ifa_flags & shape) == IFF_MULTICAST});
      known = found.end() - 1;
    }
    known->v4 = known->v4 || at->ifa_addr->sa_family == AF_INET;
    known->v6 = known->v6 || at->ifa_addr->sa_family == AF_INET6;
  }
  ::freeifaddrs(list);
  return found;
}

/// Where multicast DNS is spoken: 224.0.0.251 or ff02::fb on that interface.
[[nodiscard]] inline asio::ip::udp::endpoint mdns_group(const network_interface& on, ip_kind kind) {
  if (kind == ip_kind::v4) return {asio::ip::address_v4{0xe00000fb}, libp2p::mdns_port};
  const asio::ip::address_v6::bytes_type bytes{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xfb};
  return {asio::ip::address_v6{bytes, on.index}, libp2p::mdns_port};
}

namespace detail {

template <class T>
bool set_option(int fd, int level, int name, const T& value) noexcept {
  return ::setsockopt(fd, level, name, &value, sizeof value) == 0;
}

inline bool join_v4(int fd, unsigned index) noexcept {
  const int on = 1;
  const int hops = 255;
  ip_mreqn membership{};
  membership.imr_multiaddr.s_addr = htonl(0xe00000fb);
  membership.imr_ifindex = static_cast<int>(index);
#ifdef IP_MULTICAST_ALL
  // without this, Linux also gives what others in this process have joined on other interfaces
  const int off = 0;
  if (!set_option(fd, IPPROTO_IP, IP_MULTICAST_ALL, off)) return false;
#endif
  return set_option(fd, IPPROTO_IP, IP_MULTICAST_LOOP, on) &&
         set_option(fd, IPPROTO_IP, IP_MULTICAST_TTL, hops) &&
         set_option(fd, IPPROTO_IP, IP_MULTICAST_IF, membership) &&
         set_option(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, membership);
}

inline bool join_v6(int fd, const asio::ip::udp::endpoint& group, unsigned index) noexcept {
  const int on = 1;
  const int hops = 255;
  const auto number = static_cast<int>(index);
  ipv6_mreq membership{};
  const auto bytes = group.address().to_v6().to_bytes();
  std::memcpy(&membership.ipv6mr_multiaddr, bytes.data(), bytes.size());
  membership.ipv6mr_interface = index;
  return set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, on) &&
         set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, on) &&
         set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, hops) &&
         set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, number) &&
         set_option(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, membership);
}

}  // namespace detail

/// A socket in the group on one interface, not blocking. The system's error when it cannot be had: there may be
/// no such interface, no IPv6, or a program that shares the port with nobody.
[[nodiscard]] inline result<asio::ip::udp::socket> open_mdns_socket(const asio::any_io_executor& executor,
                                                                    const network_interface& on, ip_kind kind) {
  const bool four = kind == ip_kind::v4;
  posix::unique_fd fd{::socket(four ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!fd) return posix::last_error();
  const asio::ip::udp::endpoint group = mdns_group(on, kind);
  const int yes = 1;
  const bool ready =
      detail::set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, yes) &&
      detail::set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT, yes) &&
      (four ? detail::join_v4(fd.get(), on.index) : detail::join_v6(fd.get(), group, on.index)) &&
      ::bind(fd.get(), group.data(), static_cast<socklen_t>(group.size())) == 0;
  if (!ready) return posix::last_error();
  asio::ip::udp::socket socket{executor};
  std::error_code failed;
  socket.assign(four ? asio::ip::udp::v4() : asio::ip::udp::v6(), fd.get(), failed);
  if (failed) return failed;
  (void)fd.release();
  return socket;
}

}  // namespace shoal::net
