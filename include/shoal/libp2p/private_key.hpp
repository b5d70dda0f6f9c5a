// SPDX-License-Identifier: BSL-1.0
//
// private_key: the file that keeps a peer's identity (libp2p specs, peer-ids/peer-ids.md, "Ed25519"), as
// go-libp2p, Kubo and Helia write it.
//
//     result<libp2p::private_key> key = libp2p::private_key::decode(contents);
//     result<openssl::ed25519_signer> me = libp2p::signer_of<openssl::ed25519_signer>(*key);
//
// Ed25519 alone: it is what new peers use. Leaves out files: whoever writes one sees that nobody else can read
// it.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/protobuf.hpp>
#include <shoal/crypto/secret.hpp>
#include <shoal/crypto/signer.hpp>

namespace shoal::libp2p {

/// An Ed25519 seed, and the public key that is stored beside it and may be wrong: see signer_of.
struct private_key {
  secret<32> seed;
  std::array<std::byte, 32> public_half{};

  /// The key that a whole PrivateKey message holds. errc::unsupported for a key that is not Ed25519;
  /// errc::malformed for another length, or for two public halves that differ; otherwise as
  /// take_protobuf_field.
  [[nodiscard]] static result<private_key> decode(bytes_view message) noexcept {
    const result<protobuf_field> kind = take_protobuf_field(message);
    if (!kind) return kind.error();
    const result<protobuf_field> data = take_protobuf_field(message);
    if (!data) return data.error();
    if (!kind->is_varint(1) || !data->is_bytes(2) || !message.empty()) return errc::malformed;
    if (kind->value != static_cast<std::uint64_t>(key_kind::ed25519)) return errc::unsupported;
    const bytes_view bytes = data->bytes;
    // old versions of libp2p wrote the public half twice
    const bool doubled = bytes.size() == 96 && std::ranges::equal(bytes.subspan(32, 32), bytes.subspan(64));
    if (bytes.size() != 64 && !doubled) return errc::malformed;
    private_key key{.seed = secret<32>{bytes.first(32)}};
    std::ranges::copy(bytes.subspan(32, 32), key.public_half.begin());
    return key;
  }

  /// The PrivateKey message: 08 01 12 40, the seed, the public half. The caller wipes it.
  [[nodiscard]] std::vector<std::byte> encode() const {
    std::vector<std::byte> out;
    out.reserve(4 + seed.size() + public_half.size());  // no copy of the seed stays behind in freed memory
    append_protobuf_number(out, 1, static_cast<std::uint64_t>(key_kind::ed25519));
    append_protobuf_length(out, 2, seed.size() + public_half.size());
    out.insert(out.end(), seed.view().begin(), seed.view().end());
    out.insert(out.end(), public_half.begin(), public_half.end());
    return out;
  }
};

/// The key of this seed, its public half worked out by the signer.
template <signer Signer>
  requires std::constructible_from<Signer, bytes_view>
[[nodiscard]] private_key private_key_of(const secret<32>& seed) {
  const Signer made{bytes_view{seed.view()}};
  private_key key{.seed = seed};
  std::ranges::copy(bytes_view{made.public_key()}, key.public_half.begin());
  return key;
}

/// What signs with this key. errc::malformed when the stored public half is another key's.
template <signer Signer>
  requires std::constructible_from<Signer, bytes_view>
[[nodiscard]] result<Signer> signer_of(const private_key& key) {
  Signer made{bytes_view{key.seed.view()}};
  if (!std::ranges::equal(bytes_view{made.public_key()}, key.public_half)) return errc::malformed;
  return result<Signer>{std::move(made)};
}

}  // namespace shoal::libp2p
