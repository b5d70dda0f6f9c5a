// SPDX-License-Identifier: BSL-1.0
//
// The contracts of signatures: `signer` signs with the one key that it holds, `verifier` checks anybody's
// signature. Models: openssl::ed25519_signer, openssl::signature_verifier. Freestanding.
//
//     std::array<std::byte, Signer::signature_size> signature;
//     if (signer.sign(message, signature) != status::ok) ...
//     if (verifier.verify(key_kind::ed25519, key, message, signature) == status::ok) ...
//
// Leaves out how a key is made or stored.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

#include <shoal/base/bytes.hpp>
#include <shoal/base/status.hpp>

namespace shoal {

/// What a public key is of, by libp2p's number, and in which form its bytes are (libp2p specs, peer-ids.md,
/// "Key Types").
enum class key_kind : std::uint8_t {
  rsa = 0,        ///< PKIX (DER); signs SHA-256 with RSASSA-PKCS1-v1_5
  ed25519 = 1,    ///< 32 bytes; signs as RFC 8032 says
  secp256k1 = 2,  ///< a point, 33 bytes; signs SHA-256 with ECDSA, in DER
  ecdsa = 3,      ///< PKIX (DER) of NIST P-256; signs SHA-256 with ECDSA, in DER
};

/// Signs messages with a key of its own. `public_key` is in the form that `kind` has, and lives as long as the
/// signer. `sign` fills all of `out`, which has signature_size bytes.
template <class S>
concept signer = requires(const S& s, bytes_view message, bytes_span out) {
  { S::signature_size } -> std::convertible_to<std::size_t>;
  { s.kind() } noexcept -> std::same_as<key_kind>;
  { s.public_key() } noexcept -> std::convertible_to<bytes_view>;
  { s.sign(message, out) } noexcept -> std::same_as<status>;
};

/// Checks a signature of anybody. status::ok when it is that key's, of that message; status::failed when it is
/// not; status::malformed for bytes that are no key of that kind, status::limit_exceeded for a key that is too
/// small to be safe or too large to be checked in reasonable time, status::unsupported for a kind it does not
/// know.
template <class V>
concept verifier =
    requires(const V& v, key_kind kind, bytes_view key, bytes_view message, bytes_view signature) {
      { v.verify(kind, key, message, signature) } noexcept -> std::same_as<status>;
    };

}  // namespace shoal
