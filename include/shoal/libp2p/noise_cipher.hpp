// SPDX-License-Identifier: BSL-1.0
//
// noise_cipher: a key and the number of messages that it has sealed or opened: the CipherState of the Noise
// framework (noiseprotocol.org/noise.html, section 5.1) in the form of its ChaChaPoly (section 12.3).
//
//     noise_cipher<openssl::chacha20_poly1305> cipher;
//     cipher.set_key(key);
//     cipher.seal(extra, text, out);
//
// One direction of one channel each: the two sides count alike.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/base/result.hpp>
#include <shoal/crypto/aead.hpp>
#include <shoal/libp2p/noise_error.hpp>

namespace shoal::libp2p {

/// An AEAD of the sizes that Noise asks for: a key of 32 bytes, a nonce of 12, a tag of 16.
template <class A>
concept noise_aead = aead<A> && A::key_size == 32 && A::nonce_size == 12 && A::tag_size == 16;

template <noise_aead Cipher>
class noise_cipher {
 public:
  /// @param key    32 bytes
  /// @param count  messages that this key has had before
  [[nodiscard]] result<> set_key(bytes_view key, std::uint64_t count = 0) noexcept {
    count_ = count;
    return make_error_code(cipher_.set_key(key));
  }

  /// As aead's, under the next nonce. noise_errc::exhausted when there is none left.
  [[nodiscard]] result<> seal(bytes_view extra, bytes_view text, bytes_span out) noexcept {
    if (count_ == last) return noise_errc::exhausted;
    const status done = cipher_.seal(nonce(), extra, text, out);
    ++count_;
    return make_error_code(done);
  }

  /// As aead's, under the next nonce, which is not used up on error. noise_errc::forged when the tag is wrong,
  /// noise_errc::exhausted when no nonce is left.
  [[nodiscard]] result<> open(bytes_view extra, bytes_view sealed, bytes_span out) noexcept {
    if (count_ == last) return noise_errc::exhausted;
    const status done = cipher_.open(nonce(), extra, sealed, out);
    if (done == status::failed) return noise_errc::forged;
    if (done == status::ok) ++count_;
    return make_error_code(done);
  }

 private:
  static constexpr std::uint64_t last = std::numeric_limits<std::uint64_t>::max();  // kept for other uses (5.1)

  [[nodiscard]] std::array<std::byte, 12> nonce() const noexcept {
    std::array<std::byte, 12> bytes{};
    store_le(bytes.data() + 4, count_);
    return bytes;
  }

  Cipher cipher_;
  std::uint64_t count_ = 0;
};

}  // namespace shoal::libp2p
