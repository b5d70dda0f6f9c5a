// SPDX-License-Identifier: BSL-1.0
//
// kad_message: what peers ask and answer in the distributed hash table (libp2p specs, kad-dht/README.md, "RPC
// messages"). Several go over one stream, each behind its length (delimited.hpp).
//
//     result<kad_message> asked = kad_message::decode(bytes);
//     kad_message ask{.type = kad_type::get_providers, .key = bytes_of(block.hash())};
//     append_delimited(out, ask.encode());
//
// Everything in it is a claim of the sender. Leaves out records (their field is skipped: this peer keeps none),
// what peers say about their connections to others, and the cluster level, which nobody uses.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/protobuf.hpp>
#include <shoal/libp2p/multiaddr.hpp>
#include <shoal/libp2p/multiaddr_protocol.hpp>
#include <shoal/libp2p/peer_id.hpp>

namespace shoal::libp2p {

/// Longest request that a server takes, in bytes: room for the largest IPNS record and many addresses.
inline constexpr std::size_t max_kad_request = 64u << 10;
/// Longest answer, in bytes. Kubo names all providers of a block that fit into so much.
inline constexpr std::size_t max_kad_answer = 4u << 20;

enum class kad_type : std::uint8_t {
  put_value = 0,
  get_value = 1,
  add_provider = 2,   ///< "I have it"; not answered
  get_providers = 3,  ///< who has it, and who may know more
  find_node = 4,      ///< who is close to a key
  ping = 5,
};

/// A peer and where it is said to be. The addresses need not name the peer, and do not when they were decoded.
struct kad_peer {
  peer_id id;
  std::vector<multiaddr> addresses = {};

  friend bool operator==(const kad_peer&, const kad_peer&) = default;
};

struct kad_message {
  /// Longest key, in bytes: any multihash, any IPNS name.
  static constexpr std::size_t max_key = 256;
  /// Most peers of either list that are kept; those behind are dropped, for honest peers may know more.
  static constexpr std::size_t max_peers = 128;
  /// Most addresses of a peer that are kept.
  static constexpr std::size_t max_addresses = 32;
  /// Longest address that is kept, in bytes: a relayed WebTransport address.
  static constexpr std::size_t max_address = 256;

  kad_type type = kad_type::put_value;
  std::vector<std::byte> key = {};       ///< a name, not its kad_key
  std::vector<kad_peer> closer = {};     ///< peers that are closer to the key
  std::vector<kad_peer> providers = {};  ///< peers that have what the key names

  /// Peers without a valid id, and addresses that are none or of protocols that this code does not know, are
  /// left out, and so is what is past the limits on lists.
  ///
  /// errc::truncated and errc::malformed for what is no protobuf, errc::unsupported for an unknown type,
  /// errc::limit_exceeded past max_key and max_kad_answer.
  [[nodiscard]] static result<kad_message> decode(bytes_view message) {
    if (message.size() > max_kad_answer) return errc::limit_exceeded;
    kad_message found;
    while (!message.empty()) {
      const result<protobuf_field> field = take_protobuf_field(message);
      if (!field) return field.error();
      if (field->is_varint(type_field)) {
        if (field->value > static_cast<std::uint64_t>(kad_type::ping)) return errc::unsupported;
        found.type = kad_type{static_cast<std::uint8_t>(field->value)};
      } else if (field->is_bytes(key_field)) {
        if (field->bytes.size() > max_key) return errc::limit_exceeded;
        found.key.assign(field->bytes.begin(), field->bytes.end());
      } else if (field->is_bytes(closer_field)) {
        if (const result<> r = add_peer(found.closer, field->bytes); !r) return r.error();
      } else if (field->is_bytes(providers_field)) {
        if (const result<> r = add_peer(found.providers, field->bytes); !r) return r.error();
      }
    }
    return found;
  }

  /// The message without a length in front.
  [[nodiscard]] std::vector<std::byte> encode() const {
    std::vector<std::byte> out;
    append_protobuf_number(out, type_field, static_cast<std::uint64_t>(type));
    if (!key.empty()) append_protobuf_bytes(out, key_field, key);
    for (const kad_peer& peer : closer) append_peer(out, closer_field, peer);
    for (const kad_peer& peer : providers) append_peer(out, providers_field, peer);
    return out;
  }

  friend bool operator==(const kad_message&, const kad_message&) = default;

 private:
  static constexpr std::uint32_t type_field = 1;
  static constexpr std::uint32_t key_field = 2;
  static constexpr std::uint32_t closer_field = 8;
  static constexpr std::uint32_t providers_field = 9;
  static constexpr std::uint32_t id_field = 1;
  static constexpr std::uint32_t address_field = 2;

  static result<> add_peer(std::vector<kad_peer>& list, bytes_view body) {
    if (list.size() == max_peers) return {};
    kad_peer peer;
    bool named = false;
    while (!body.empty()) {
      const result<protobuf_field> field = take_protobuf_field(body);
      if (!field) return field.error();
      if (field->is_bytes(id_field)) {
        const result<peer_id> id = peer_id::decode(field->bytes);
        named = id.has_value();
        if (id) peer.id = *id;
      } else if (field->is_bytes(address_field) && field->bytes.size() <= max_address &&
                 peer.addresses.size() < max_addresses) {
        if (result<multiaddr> address = multiaddr::decode(field->bytes)) {
          peer.addresses.push_back(*std::move(address));
        }
      }
    }
    if (!named) return {};
    remove_name(peer);
    list.push_back(std::move(peer));
    return {};
  }

  /// Some peers are told with their id behind each address, others without, and both are the same.
  static void remove_name(kad_peer& peer) {
    multiaddr name;
    (void)name.append(multiaddr_code::p2p, peer.id.bytes());
    const std::size_t size = name.bytes().size();
    for (multiaddr& address : peer.addresses) {
      while (address.bytes().size() >= size && std::ranges::equal(address.bytes().last(size), name.bytes())) {
        const result<multiaddr> bare = multiaddr::decode(address.bytes().first(address.bytes().size() - size));
        if (!bare && address != name) break;
        address = bare ? *bare : multiaddr{};
      }
    }
    std::erase_if(peer.addresses, [](const multiaddr& address) { return address.empty(); });
  }

  static void append_peer(std::vector<std::byte>& out, std::uint32_t number, const kad_peer& peer) {
    std::vector<std::byte> body;
    append_protobuf_bytes(body, id_field, peer.id.bytes());
    for (const multiaddr& address : peer.addresses) append_protobuf_bytes(body, address_field, address.bytes());
    append_protobuf_bytes(out, number, body);
  }
};

/// Adds to `known` what is new in `more`, up to kad_message::max_addresses; true when something was.
inline bool merge_addresses(std::vector<multiaddr>& known, std::span<const multiaddr> more) {
  const std::size_t before = known.size();
  for (const multiaddr& address : more) {
    if (known.size() >= kad_message::max_addresses) break;
    if (std::ranges::find(known, address) == known.end()) known.push_back(address);
  }
  return known.size() != before;
}

}  // namespace shoal::libp2p
