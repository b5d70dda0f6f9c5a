// SPDX-License-Identifier: BSL-1.0
//
// public_key: who signs for a peer (libp2p specs, peer-ids/peer-ids.md), and the one protobuf message that it
// is on the wire and in peer ids.
//
//     result<libp2p::public_key> key = libp2p::public_key::decode(message);
//     key->kind() == key_kind::ed25519;  key->bytes();  key->encode();
//
// It does not verify signatures: see crypto/signer.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/protobuf.hpp>
#include <shoal/crypto/signer.hpp>

namespace shoal::libp2p {

/// A kind of key and its bytes. Whether the bytes are a point on the curve, or DER at all, shows when a
/// signature is verified; lengths are checked here.
class public_key {
 public:
  /// Longest key taken, in bytes: RSA of 8192 bits has 1062.
  static constexpr std::size_t max_size = 1100;

  /// errc::malformed when a key of that kind has another length, errc::limit_exceeded past max_size,
  /// errc::unsupported for a kind that is not one of key_kind.
  [[nodiscard]] static result<public_key> make(key_kind kind, bytes_view bytes) {
    if (bytes.size() > max_size) return errc::limit_exceeded;
    switch (kind) {
      case key_kind::ed25519:
        if (bytes.size() != 32) return errc::malformed;
        break;
      case key_kind::secp256k1:
        if (bytes.size() != 33) return errc::malformed;
        break;
      case key_kind::rsa:
      case key_kind::ecdsa:
        if (bytes.empty()) return errc::malformed;
        break;
      default: return errc::unsupported;
    }
    return public_key{kind, {bytes.begin(), bytes.end()}};
  }

  /// The key that a whole PublicKey message holds. Only the one encoding that the specification allows is
  /// taken, as a peer id is the hash of it: errc::malformed for any other. Otherwise as take_protobuf_field and
  /// make.
  [[nodiscard]] static result<public_key> decode(bytes_view message) {
    bytes_view rest = message;
    const result<protobuf_field> kind = take_protobuf_field(rest);
    if (!kind) return kind.error();
    const result<protobuf_field> data = take_protobuf_field(rest);
    if (!data) return data.error();
    if (!kind->is_varint(1) || !data->is_bytes(2) || !rest.empty()) return errc::malformed;
    if (kind->value > static_cast<std::uint64_t>(key_kind::ecdsa)) return errc::unsupported;
    result<public_key> key = make(key_kind{static_cast<std::uint8_t>(kind->value)}, data->bytes);
    if (key && !std::ranges::equal(key->encode(), message)) return errc::malformed;
    return key;
  }

  [[nodiscard]] key_kind kind() const noexcept { return kind_; }
  /// In the form that key_kind describes.
  [[nodiscard]] bytes_view bytes() const noexcept { return bytes_; }

  /// The PublicKey message.
  [[nodiscard]] std::vector<std::byte> encode() const {
    std::vector<std::byte> out;
    append_protobuf_number(out, 1, static_cast<std::uint64_t>(kind_));
    append_protobuf_bytes(out, 2, bytes_);
    return out;
  }

  friend bool operator==(const public_key&, const public_key&) = default;

 private:
  public_key(key_kind kind, std::vector<std::byte> bytes) noexcept : kind_(kind), bytes_(std::move(bytes)) {}

  key_kind kind_;
  std::vector<std::byte> bytes_;
};

}  // namespace shoal::libp2p
