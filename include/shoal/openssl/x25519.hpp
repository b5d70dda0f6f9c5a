// SPDX-License-Identifier: BSL-1.0
//
// openssl::x25519: key agreement on Curve25519 (RFC 7748).
//
//     openssl::x25519 dh;
//     dh.public_of(my_private, my_public);
//     dh.shared(my_private, their_public, secret);
#pragma once

#include <cstddef>
#include <memory>

#include <openssl/evp.h>

#include <shoal/base/bytes.hpp>
#include <shoal/base/status.hpp>
#include <shoal/crypto/key_agreement.hpp>
#include <shoal/openssl/key.hpp>

namespace shoal::openssl {

/// Models `key_agreement`. Any 32 bytes are a private key.
struct x25519 {
  static constexpr std::size_t key_size = 32;  ///< bytes

  [[nodiscard]] status public_of(bytes_view private_key, bytes_span out) const noexcept {
    if (private_key.size() != key_size || out.size() != key_size) return status::invalid_argument;
    const detail::key mine = detail::raw_private_key("X25519", private_key);
    return mine && detail::raw_public_of(mine, out) ? status::ok : status::failed;
  }

  /// status::failed for a public key of small order, whose secret would be zero (RFC 7748, section 6.1).
  [[nodiscard]] status shared(bytes_view private_key, bytes_view public_key, bytes_span out) const noexcept {
    if (private_key.size() != key_size || public_key.size() != key_size || out.size() != key_size) {
      return status::invalid_argument;
    }
    const detail::quiet no_trace;
    const detail::key mine = detail::raw_private_key("X25519", private_key);
    const detail::key theirs = detail::raw_public_key("X25519", public_key);
    if (!mine || !theirs) return status::failed;
    const std::unique_ptr<EVP_PKEY_CTX, detail::release_key> context{
        EVP_PKEY_CTX_new_from_pkey(nullptr, mine.get(), nullptr)};
    std::size_t size = out.size();
    const bool done = context && EVP_PKEY_derive_init(context.get()) == 1 &&
                      EVP_PKEY_derive_set_peer(context.get(), theirs.get()) == 1 &&
                      EVP_PKEY_derive(context.get(), detail::data(out), &size) == 1 && size == key_size;
    return done ? status::ok : status::failed;
  }
};
static_assert(key_agreement<x25519>);

}  // namespace shoal::openssl
