// SPDX-License-Identifier: BSL-1.0
//
// openssl::signature_verifier: checks the signatures of every kind of key that a peer may have: Ed25519, RSA,
// secp256k1, and ECDSA on P-256.
//
//     openssl::signature_verifier verifier;
//     if (verifier.verify(key_kind::rsa, key, message, signature) != status::ok) ...
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/x509.h>

#include <shoal/base/bytes.hpp>
#include <shoal/base/status.hpp>
#include <shoal/crypto/signer.hpp>
#include <shoal/openssl/key.hpp>

namespace shoal::openssl {

/// Models `verifier`. status::limit_exceeded for RSA of less than 2048 or more than 8192 bits, the bounds of
/// go-libp2p.
struct signature_verifier {
  static constexpr int min_rsa_bits = 2048;
  static constexpr int max_rsa_bits = 8192;

  [[nodiscard]] status verify(key_kind kind, bytes_view key, bytes_view message,
                              bytes_view signature) const noexcept {
    const detail::quiet no_trace;
    switch (kind) {
      case key_kind::ed25519:
        if (key.size() != 32) return status::malformed;
        return check(detail::raw_public_key("ED25519", key), nullptr, message, signature);
      case key_kind::secp256k1:
        if (key.size() != 33) return status::malformed;
        return check(curve_key("secp256k1", key), "SHA256", message, signature);
      case key_kind::ecdsa: return check(p256_key(key), "SHA256", message, signature);
      case key_kind::rsa: {
        const detail::key rsa = rsa_key(key);
        if (!rsa) return status::malformed;
        const int bits = EVP_PKEY_get_bits(rsa.get());
        if (bits < min_rsa_bits || bits > max_rsa_bits) return status::limit_exceeded;
        return check(rsa, "SHA256", message, signature);
      }
    }
    return status::unsupported;
  }

 private:
  static detail::key curve_key(const char* curve, bytes_view point) noexcept {
    const std::unique_ptr<EVP_PKEY_CTX, detail::release_key> context{
        EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr)};
    if (!context || EVP_PKEY_fromdata_init(context.get()) != 1) return {};
    // OpenSSL takes what it only reads as pointers to what it may change
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, const_cast<char*>(curve), 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, const_cast<std::byte*>(point.data()),
                                          point.size()),
        OSSL_PARAM_construct_end()};
    EVP_PKEY* made = nullptr;
    if (EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, parameters) != 1) return {};
    return detail::key{made};
  }

  /// A PKIX key on P-256 has one form: these bytes, then the coordinates. To compare them is safer than to let
  /// a parser loose on curves of a stranger's making.
  static detail::key p256_key(bytes_view pkix) noexcept {
    constexpr std::array<std::uint8_t, 27> head{0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                                0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                                0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};
    if (pkix.size() != head.size() + 64 || !begins_with(pkix, head)) return {};
    return curve_key("P-256",
                     pkix.subspan(head.size() - 1));  // the last byte of it says how the point is written
  }

  /// The head of the outer sequence, whose length takes two bytes in every key of the allowed sizes, and then
  /// RSA's algorithm identifier: so no other parser than RSA's sees the rest.
  static detail::key rsa_key(bytes_view pkix) noexcept {
    constexpr std::array<std::uint8_t, 2> sequence{0x30, 0x82};
    constexpr std::array<std::uint8_t, 15> algorithm{0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                                     0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};
    constexpr std::size_t algorithm_at = 4;
    constexpr std::size_t longest = 2048;
    if (pkix.size() < algorithm_at || pkix.size() > longest || !begins_with(pkix, sequence) ||
        !begins_with(pkix.subspan(algorithm_at), algorithm)) {
      return {};
    }
    const unsigned char* at = detail::data(pkix);
    detail::key key{d2i_PUBKEY(nullptr, &at, static_cast<long>(pkix.size()))};
    const bool whole = at == detail::data(pkix) + pkix.size();
    return whole ? std::move(key) : detail::key{};
  }

  static bool begins_with(bytes_view bytes, std::span<const std::uint8_t> head) noexcept {
    return bytes.size() >= head.size() && std::ranges::equal(bytes.first(head.size()), std::as_bytes(head));
  }

  static status check(const detail::key& key, const char* hash, bytes_view message,
                      bytes_view signature) noexcept {
    if (!key) return status::malformed;
    const std::unique_ptr<EVP_MD_CTX, detail::release_key> context{EVP_MD_CTX_new()};
    if (!context ||
        EVP_DigestVerifyInit_ex(context.get(), nullptr, hash, nullptr, nullptr, key.get(), nullptr) != 1) {
      return status::failed;
    }
    const int good = EVP_DigestVerify(context.get(), detail::data(signature), signature.size(),
                                      detail::data(message), message.size());
    return good == 1 ? status::ok : status::failed;
  }
};
static_assert(verifier<signature_verifier>);

}  // namespace shoal::openssl
