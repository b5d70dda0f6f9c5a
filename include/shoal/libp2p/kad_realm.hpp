// SPDX-License-Identifier: BSL-1.0
//
// kad_realm: which of the two distributed hash tables a peer takes part in, that of its own network or the
// public one: by what name it is spoken, and which addresses make sense there.
//
//     kad_realm realm{kad_network::lan};
//     host.handle(std::string{realm.protocol()}, serve);
//     std::erase_if(addresses, [&](const multiaddr& a) { return !realm.keeps(a); });
//
// Both are kept apart so that nobody is told addresses that lead nowhere, or too far.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/libp2p/ip_scope.hpp>
#include <shoal/libp2p/multiaddr.hpp>
#include <shoal/libp2p/multiaddr_protocol.hpp>

namespace shoal::libp2p {

enum class kad_network : std::uint8_t { lan, global };

struct kad_realm {
  kad_network network = kad_network::lan;
  /// Addresses of this machine are told and believed, in kad_network::lan: for peers on one machine.
  bool loopback = false;

  /// The name of the protocol; listed in identify by whoever serves, and by nobody else.
  [[nodiscard]] std::string_view protocol() const noexcept {
    return network == kad_network::lan ? "/ipfs/lan/kad/1.0.0" : "/ipfs/kad/1.0.0";
  }

  /// True when somebody else there may reach the address. Host names may be anywhere. A link-local IPv6 address
  /// means nothing without an interface.
  [[nodiscard]] bool keeps(const multiaddr& address) const noexcept {
    if (address.empty()) return false;
    const std::optional<ip_scope> scope = scope_of(address);
    if (!scope) return is_name(*address.begin());
    if (network == kad_network::global) return *scope == ip_scope::global;
    switch (*scope) {
      case ip_scope::nowhere: return false;
      case ip_scope::loopback: return loopback;
      case ip_scope::link: return (*address.begin()).code() == multiaddr_code::ip4;
      default: return true;
    }
  }

  /// The first `most` of the addresses that make sense there.
  [[nodiscard]] std::vector<multiaddr> keep(std::span<const multiaddr> addresses, std::size_t most) const {
    std::vector<multiaddr> kept;
    for (const multiaddr& address : addresses) {
      if (kept.size() == most) break;
      if (keeps(address)) kept.push_back(address);
    }
    return kept;
  }

 private:
  static bool is_name(const multiaddr_component& first) noexcept {
    switch (first.code()) {
      case multiaddr_code::dns:
      case multiaddr_code::dns4:
      case multiaddr_code::dns6:
      case multiaddr_code::dnsaddr: return as_text(first.value) != "localhost";
      default: return false;
    }
  }
};

}  // namespace shoal::libp2p
