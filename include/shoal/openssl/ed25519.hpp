// SPDX-License-Identifier: BSL-1.0
//
// openssl::ed25519_signer: a peer's own identity, an Ed25519 key (RFC 8032) that signs.
//
//     openssl::ed25519_signer me{seed};
//     me.sign(message, signature);
//
// To check signatures, of this kind and others: openssl::signature_verifier.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <stdexcept>

#include <openssl/evp.h>

#include <shoal/base/bytes.hpp>
#include <shoal/base/status.hpp>
#include <shoal/crypto/signer.hpp>
#include <shoal/openssl/key.hpp>

namespace shoal::openssl {

/// Models `signer`. Several threads may sign at once.
class ed25519_signer {
 public:
  static constexpr std::size_t seed_size = 32;       ///< bytes
  static constexpr std::size_t signature_size = 64;  ///< bytes

  /// @param seed  the private key: 32 random bytes
  /// @throws std::invalid_argument for a seed of another size, std::runtime_error if OpenSSL has no Ed25519
  explicit ed25519_signer(bytes_view seed) {
    if (seed.size() != seed_size) throw std::invalid_argument("an Ed25519 seed has 32 bytes");
    key_ = detail::raw_private_key("ED25519", seed);
    if (!key_ || !detail::raw_public_of(key_, public_)) throw std::runtime_error("OpenSSL has no Ed25519");
  }

  [[nodiscard]] key_kind kind() const noexcept { return key_kind::ed25519; }
  [[nodiscard]] bytes_view public_key() const noexcept { return public_; }

  [[nodiscard]] status sign(bytes_view message, bytes_span out) const noexcept {
    if (out.size() != signature_size) return status::invalid_argument;
    const std::unique_ptr<EVP_MD_CTX, detail::release_key> context{EVP_MD_CTX_new()};
    std::size_t size = out.size();
    const bool done =
        context &&
        EVP_DigestSignInit_ex(context.get(), nullptr, nullptr, nullptr, nullptr, key_.get(), nullptr) == 1 &&
        EVP_DigestSign(context.get(), detail::data(out), &size, detail::data(message), message.size()) == 1 &&
        size == signature_size;
    return done ? status::ok : status::failed;
  }

 private:
  detail::key key_;
  std::array<std::byte, 32> public_{};
};
static_assert(signer<ed25519_signer>);

}  // namespace shoal::openssl
