// SPDX-License-Identifier: BSL-1.0
//
// noise_payload: what peers tell each other inside the Noise handshake (libp2p specs, noise/README.md, "libp2p
// Data in Handshake Messages"): an identity, a signature that ties it to the channel, and the multiplexers on
// offer.
//
//     append_noise_payload(out, key, signature, muxers);
//     result<noise_payload> said = noise_payload::decode(bytes);
//
// Certificate hashes of WebTransport are skipped. Nothing is verified here: see noise_handshake.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/protobuf.hpp>

namespace shoal::libp2p {

/// Views of the bytes that it was decoded from.
struct noise_payload {
  /// More multiplexers than this are refused.
  static constexpr std::size_t max_muxers = 64;

  bytes_view identity_key;  ///< a PublicKey message
  bytes_view signature;     ///< of noise_signed_text
  std::vector<std::string_view> muxers;

  /// errc::limit_exceeded past max_muxers, otherwise as take_protobuf_field. Unknown fields are skipped; what
  /// is missing is empty.
  [[nodiscard]] static result<noise_payload> decode(bytes_view bytes) {
    noise_payload payload;
    while (!bytes.empty()) {
      const result<protobuf_field> field = take_protobuf_field(bytes);
      if (!field) return field.error();
      if (field->is_bytes(1)) payload.identity_key = field->bytes;
      if (field->is_bytes(2)) payload.signature = field->bytes;
      if (field->is_bytes(4)) {
        const result<> taken = payload.take_extensions(field->bytes);
        if (!taken) return taken.error();
      }
    }
    return payload;
  }

 private:
  result<> take_extensions(bytes_view bytes) {
    while (!bytes.empty()) {
      const result<protobuf_field> field = take_protobuf_field(bytes);
      if (!field) return field.error();
      if (!field->is_bytes(2)) continue;
      if (muxers.size() == max_muxers) return errc::limit_exceeded;
      muxers.push_back(as_text(field->bytes));
    }
    return {};
  }
};

/// Appends the message. Without multiplexers it has no extensions, and the peer negotiates one afterwards.
///
/// @param identity_key  a PublicKey message
/// @param muxers        best first
inline void append_noise_payload(std::vector<std::byte>& out, bytes_view identity_key, bytes_view signature,
                                 std::span<const std::string_view> muxers) {
  append_protobuf_bytes(out, 1, identity_key);
  append_protobuf_bytes(out, 2, signature);
  if (muxers.empty()) return;
  std::vector<std::byte> extensions;
  for (const std::string_view muxer : muxers) append_protobuf_bytes(extensions, 2, as_bytes(muxer));
  append_protobuf_bytes(out, 4, extensions);
}

/// What an identity signs to show that a channel's static key is its own.
[[nodiscard]] inline std::array<std::byte, 56> noise_signed_text(
    std::span<const std::byte, 32> static_key) noexcept {
  constexpr std::string_view prefix = "noise-libp2p-static-key:";
  std::array<std::byte, 56> text;
  static_assert(prefix.size() + 32 == text.size());
  std::ranges::copy(static_key, std::ranges::copy(as_bytes(prefix), text.begin()).out);
  return text;
}

}  // namespace shoal::libp2p
