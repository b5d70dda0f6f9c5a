// SPDX-License-Identifier: BSL-1.0
//
// Models of the contracts of crypto/ that hide nothing: what is sealed can be read, a tag is zeroes, and a
// signature is the beginning of the key. A fuzzer finds its way through them, and a test without OpenSSL can
// speak Noise.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

#include <shoal/base/bytes.hpp>
#include <shoal/base/status.hpp>
#include <shoal/crypto/aead.hpp>
#include <shoal/crypto/key_agreement.hpp>
#include <shoal/crypto/signer.hpp>

namespace plain {

using shoal::bytes_span;
using shoal::bytes_view;
using shoal::key_kind;
using shoal::status;

struct aead {
  static constexpr std::size_t key_size = 32;
  static constexpr std::size_t nonce_size = 12;
  static constexpr std::size_t tag_size = 16;

  status set_key(bytes_view key) noexcept {
    return key.size() == key_size ? status::ok : status::invalid_argument;
  }
  status seal(bytes_view, bytes_view, bytes_view text, bytes_span out) noexcept {
    if (out.size() != text.size() + tag_size) return status::invalid_argument;
    if (out.data() != text.data()) std::ranges::copy(text, out.begin());
    std::ranges::fill(out.last(tag_size), std::byte{});
    return status::ok;
  }
  status open(bytes_view, bytes_view, bytes_view sealed, bytes_span out) noexcept {
    if (sealed.size() < tag_size || out.size() != sealed.size() - tag_size) return status::invalid_argument;
    if (std::ranges::count(sealed.last(tag_size), std::byte{}) != tag_size) return status::failed;
    if (out.data() != sealed.data()) std::ranges::copy(sealed.first(out.size()), out.begin());
    return status::ok;
  }
};
static_assert(shoal::aead<aead>);

/// A public key is the private one; all zeroes are the key of small order.
struct key_agreement {
  static constexpr std::size_t key_size = 32;

  status public_of(bytes_view private_key, bytes_span out) const noexcept {
    std::ranges::copy(private_key, out.begin());
    return status::ok;
  }
  status shared(bytes_view private_key, bytes_view public_key, bytes_span out) const noexcept {
    if (std::ranges::count(public_key, std::byte{}) == key_size) return status::failed;
    for (std::size_t i = 0; i < key_size; ++i) out[i] = private_key[i] ^ public_key[i];
    return status::ok;
  }
};
static_assert(shoal::key_agreement<key_agreement>);

class signer {
 public:
  static constexpr std::size_t signature_size = 4;

  explicit signer(std::byte name) noexcept { key_.fill(name); }
  [[nodiscard]] key_kind kind() const noexcept { return key_kind::ed25519; }
  [[nodiscard]] bytes_view public_key() const noexcept { return key_; }
  status sign(bytes_view, bytes_span out) const noexcept {
    std::ranges::copy(public_key().first(signature_size), out.begin());
    return status::ok;
  }

 private:
  std::array<std::byte, 32> key_;
};
static_assert(shoal::signer<signer>);

struct verifier {
  status verify(key_kind, bytes_view key, bytes_view, bytes_view signature) const noexcept {
    const bool good = key.size() >= signer::signature_size &&
                      std::ranges::equal(key.first(signer::signature_size), signature);
    return good ? status::ok : status::failed;
  }
};
static_assert(shoal::verifier<verifier>);

}  // namespace plain
