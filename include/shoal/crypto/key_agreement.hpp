// SPDX-License-Identifier: BSL-1.0
//
// The contract of Diffie-Hellman key agreement: two sides each make a public key of a private one, swap the
// public ones, and arrive at the same secret. Model: openssl::x25519. Freestanding.
//
//     dh.public_of(my_private, my_public);   // sent to the other side
//     dh.shared(my_private, their_public, secret);
//
// A private key is random bytes, which whoever calls brings along.
#pragma once

#include <concepts>
#include <cstddef>

#include <shoal/base/bytes.hpp>
#include <shoal/base/status.hpp>

namespace shoal {

/// Private keys, public keys and secrets have key_size bytes each. status::invalid_argument for another size;
/// status::failed from `shared` for a public key that would make the secret one that anybody knows. Several
/// threads may call it at once.
template <class K>
concept key_agreement = requires(const K& k, bytes_view private_key, bytes_view public_key, bytes_span out) {
  { K::key_size } -> std::convertible_to<std::size_t>;
  { k.public_of(private_key, out) } noexcept -> std::same_as<status>;
  { k.shared(private_key, public_key, out) } noexcept -> std::same_as<status>;
};

}  // namespace shoal
