// SPDX-License-Identifier: BSL-1.0
//
// openssl::chacha20_poly1305: the AEAD of RFC 8439, with the CPU's vector instructions where it has them.
//
//     openssl::chacha20_poly1305 cipher;
//     cipher.set_key(key);
//     cipher.seal(nonce, {}, text, sealed);
#pragma once

#include <cstddef>
#include <limits>
#include <memory>
#include <new>

#include <openssl/evp.h>

#include <shoal/base/bytes.hpp>
#include <shoal/base/status.hpp>
#include <shoal/crypto/aead.hpp>

namespace shoal::openssl {

/// Models `aead`. It looks the cipher up once, when it is made, and keeps the key scheduled: a message costs no
/// allocation.
class chacha20_poly1305 {
 public:
  static constexpr std::size_t key_size = 32;    ///< bytes
  static constexpr std::size_t nonce_size = 12;  ///< bytes
  static constexpr std::size_t tag_size = 16;    ///< bytes

  /// @throws std::bad_alloc if OpenSSL has no such cipher to give
  chacha20_poly1305() : context_(EVP_CIPHER_CTX_new()) {
    const std::unique_ptr<EVP_CIPHER, release> cipher{EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr)};
    if (!context_ || !cipher ||
        EVP_CipherInit_ex2(context_.get(), cipher.get(), nullptr, nullptr, 1, nullptr) != 1) {
      throw std::bad_alloc{};
    }
  }

  [[nodiscard]] status set_key(bytes_view key) noexcept {
    if (key.size() != key_size) return status::invalid_argument;
    const int done = EVP_CipherInit_ex2(context_.get(), nullptr, data(key), nullptr, -1, nullptr);
    return done == 1 ? status::ok : status::failed;
  }

  [[nodiscard]] status seal(bytes_view nonce, bytes_view extra, bytes_view text, bytes_span out) noexcept {
    if (text.size() > max_size || out.size() != text.size() + tag_size) return status::invalid_argument;
    const status begun = begin(true, nonce, extra);
    if (begun != status::ok) return begun;
    if (!run(text, out.data())) return status::failed;
    int size = 0;
    unsigned char* tag = data(out.subspan(text.size()));
    if (EVP_CipherFinal_ex(context_.get(), tag, &size) != 1) return status::failed;
    const int taken = EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_GET_TAG, tag_size, tag);
    return taken == 1 ? status::ok : status::failed;
  }

  [[nodiscard]] status open(bytes_view nonce, bytes_view extra, bytes_view sealed, bytes_span out) noexcept {
    if (sealed.size() < tag_size || sealed.size() > max_size || out.size() != sealed.size() - tag_size) {
      return status::invalid_argument;
    }
    const status begun = begin(false, nonce, extra);
    if (begun != status::ok) return begun;
    // OpenSSL takes the tag as a pointer to bytes that it may change, and only reads them
    auto* tag = const_cast<unsigned char*>(data(sealed.last(tag_size)));
    if (EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_SET_TAG, tag_size, tag) != 1) return status::failed;
    if (!run(sealed.first(out.size()), out.data())) return status::failed;
    int size = 0;
    unsigned char nothing = 0;
    return EVP_CipherFinal_ex(context_.get(), &nothing, &size) == 1 ? status::ok : status::failed;
  }

 private:
  struct release {
    void operator()(EVP_CIPHER* cipher) const noexcept { EVP_CIPHER_free(cipher); }
    void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }
  };

  /// OpenSSL counts in int.
  static constexpr std::size_t max_size = std::numeric_limits<int>::max() - tag_size;

  static const unsigned char* data(bytes_view bytes) noexcept {
    return reinterpret_cast<const unsigned char*>(bytes.data());
  }
  static unsigned char* data(bytes_span bytes) noexcept {
    return reinterpret_cast<unsigned char*>(bytes.data());
  }

  status begin(bool sealing, bytes_view nonce, bytes_view extra) noexcept {
    if (nonce.size() != nonce_size || extra.size() > max_size) return status::invalid_argument;
    if (EVP_CipherInit_ex2(context_.get(), nullptr, nullptr, data(nonce), sealing ? 1 : 0, nullptr) != 1) {
      return status::failed;
    }
    return run(extra, nullptr) ? status::ok : status::failed;
  }

  /// @param out  null for bytes that are only authenticated
  bool run(bytes_view in, std::byte* out) noexcept {
    if (in.empty()) return true;  // a call without bytes would end the message
    int size = 0;
    return EVP_CipherUpdate(context_.get(), reinterpret_cast<unsigned char*>(out), &size, data(in),
                            static_cast<int>(in.size())) == 1;
  }

  std::unique_ptr<EVP_CIPHER_CTX, release> context_;
};
static_assert(aead<chacha20_poly1305>);

}  // namespace shoal::openssl
