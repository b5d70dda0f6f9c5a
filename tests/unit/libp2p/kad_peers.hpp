// SPDX-License-Identifier: BSL-1.0
//
// What the tests of the distributed hash table share: peers, addresses and names by number.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include <shoal/base/endian.hpp>
#include <shoal/content/multihash.hpp>
#include <shoal/libp2p/kad_message.hpp>
#include <shoal/libp2p/multiaddr.hpp>
#include <shoal/libp2p/peer_id.hpp>

namespace kad_peers {

inline shoal::libp2p::peer_id peer(std::uint32_t n) {
  std::array<std::byte, 6> bytes{std::byte{0}, std::byte{4}};
  shoal::store_be(bytes.data() + 2, n);
  return *shoal::libp2p::peer_id::decode(bytes);
}

inline shoal::libp2p::multiaddr at(std::uint32_t n) {
  return *shoal::libp2p::multiaddr::parse("/ip4/10." + std::to_string(n >> 16 & 255) + "." +
                                          std::to_string(n >> 8 & 255) + "." + std::to_string(n & 255) +
                                          "/tcp/4001");
}

inline shoal::libp2p::kad_peer known(std::uint32_t n) {
  return {peer(n), {at(n)}};
}

inline shoal::multihash name(std::uint32_t n) {
  std::array<std::byte, 32> digest{};
  shoal::store_be(digest.data(), n);
  return *shoal::multihash::make(shoal::hash_code::sha2_256, digest);
}

}  // namespace kad_peers
