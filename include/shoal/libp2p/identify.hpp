// SPDX-License-Identifier: BSL-1.0
//
// identify_message: what peers tell about themselves after they have met: the key, the addresses, the protocols
// (libp2p specs, identify/README.md). One side sends it, delimited, on a stream of identify_protocol, or
// unasked on one of identify_push_protocol.
//
//     delimited_reader reader{max_identify_message};
//     identify_message about;
//     about.merge(*identify_message::decode(bytes));     // the next one of at most max_identify_messages
//
// Everything in it is a claim of the peer. Leaves out the signed peer record's inside, and Delta, which was
// given up.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/protobuf.hpp>
#include <shoal/libp2p/multiaddr.hpp>

namespace shoal::libp2p {

inline constexpr std::string_view identify_protocol = "/ipfs/id/1.0.0";
inline constexpr std::string_view identify_push_protocol = "/ipfs/id/push/1.0.0";

/// Longest message, in bytes: what go-libp2p takes with a signed record.
inline constexpr std::size_t max_identify_message = 8u << 10;
/// A peer may split what it says into so many messages.
inline constexpr std::size_t max_identify_messages = 10;

struct identify_message {
  /// Most addresses and most protocols that are kept, of all messages together.
  static constexpr std::size_t max_entries = 1000;

  std::vector<std::byte> public_key;          ///< a PublicKey message (public_key.hpp); empty: not told
  std::vector<multiaddr> listen_addresses;    ///< where the peer says that it can be reached
  std::vector<std::string> protocols;         ///< what it speaks
  std::optional<multiaddr> observed_address;  ///< where it sees us
  std::string protocol_version;
  std::string agent_version;
  std::vector<std::byte> signed_peer_record;  ///< an envelope; empty: not told

  /// Addresses that are no multiaddr, or of protocols that this code does not know, are left out.
  ///
  /// errc::truncated and errc::malformed for what is no protobuf, errc::limit_exceeded past max_entries.
  [[nodiscard]] static result<identify_message> decode(bytes_view message) {
    identify_message found;
    while (!message.empty()) {
      const result<protobuf_field> field = take_protobuf_field(message);
      if (!field) return field.error();
      if (field->type != protobuf_type::bytes) continue;
      switch (field->number) {
        case 1: found.public_key.assign(field->bytes.begin(), field->bytes.end()); break;
        case 2:
          if (result<multiaddr> address = multiaddr::decode(field->bytes)) {
            found.listen_addresses.push_back(*std::move(address));
          }
          break;
        case 3: found.protocols.emplace_back(as_text(field->bytes)); break;
        case 4:
          if (result<multiaddr> address = multiaddr::decode(field->bytes))
            found.observed_address = *std::move(address);
          break;
        case 5: found.protocol_version = as_text(field->bytes); break;
        case 6: found.agent_version = as_text(field->bytes); break;
        case 8: found.signed_peer_record.assign(field->bytes.begin(), field->bytes.end()); break;
        default: break;
      }
      if (std::max(found.protocols.size(), found.listen_addresses.size()) > max_entries)
        return errc::limit_exceeded;
    }
    return found;
  }

  /// The message without a length in front, fields in the order of js-libp2p. What is empty is left out.
  [[nodiscard]] std::vector<std::byte> encode() const {
    std::vector<std::byte> out;
    if (!protocol_version.empty()) append_protobuf_bytes(out, 5, as_bytes(protocol_version));
    if (!agent_version.empty()) append_protobuf_bytes(out, 6, as_bytes(agent_version));
    if (!public_key.empty()) append_protobuf_bytes(out, 1, public_key);
    for (const multiaddr& address : listen_addresses) append_protobuf_bytes(out, 2, address.bytes());
    if (observed_address) append_protobuf_bytes(out, 4, observed_address->bytes());
    for (const std::string& protocol : protocols) append_protobuf_bytes(out, 3, as_bytes(protocol));
    if (!signed_peer_record.empty()) append_protobuf_bytes(out, 8, signed_peer_record);
    return out;
  }

  /// Adds what a later message says: it replaces single values, and adds to lists what is new, up to
  /// max_entries.
  void merge(identify_message later) {
    if (!later.public_key.empty()) public_key = std::move(later.public_key);
    if (!later.protocol_version.empty()) protocol_version = std::move(later.protocol_version);
    if (!later.agent_version.empty()) agent_version = std::move(later.agent_version);
    if (!later.signed_peer_record.empty()) signed_peer_record = std::move(later.signed_peer_record);
    if (later.observed_address) observed_address = std::move(later.observed_address);
    merge_list(listen_addresses, std::move(later.listen_addresses));
    merge_list(protocols, std::move(later.protocols));
  }

  /// True when the peer says that it speaks the protocol.
  [[nodiscard]] bool speaks(std::string_view protocol) const noexcept {
    return std::ranges::find(protocols, protocol) != protocols.end();
  }

  friend bool operator==(const identify_message&, const identify_message&) = default;

 private:
  template <class T>
  static void merge_list(std::vector<T>& into, std::vector<T> from) {
    for (T& entry : from) {
      if (into.size() == max_entries) return;
      if (std::ranges::find(into, entry) == into.end()) into.push_back(std::move(entry));
    }
  }
};

}  // namespace shoal::libp2p
