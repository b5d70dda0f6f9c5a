// SPDX-License-Identifier: BSL-1.0
//
// hmac: a keyed hash (RFC 2104), and hkdf, the keys that are drawn from a secret by it (RFC 5869), over any
// hasher. Freestanding.
//
//     hmac<sha256> mac{key};
//     mac.update(message);
//     mac.finish(tag);
//     hkdf<sha256>(salt, secret, info, out);   // out: as many bytes as are wanted
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <shoal/base/bytes.hpp>
#include <shoal/base/status.hpp>
#include <shoal/crypto/hasher.hpp>
#include <shoal/crypto/secret.hpp>

namespace shoal {

/// Models `hasher`, but for the key that it begins with, and that it keeps for the next message.
template <hasher Hash>
  requires requires { Hash::block_size; }
class hmac {
 public:
  static constexpr std::size_t digest_size = Hash::digest_size;  ///< bytes

  explicit hmac(bytes_view key) noexcept {
    if (key.size() > Hash::block_size) {
      Hash short_key;
      short_key.update(key);
      short_key.finish(key_.bytes().template first<digest_size>());
    } else {
      for (std::size_t i = 0; i < key.size(); ++i) key_.bytes()[i] = key[i];
    }
    begin(inner_pad);
  }

  void update(bytes_view in) noexcept { hash_.update(in); }

  /// Writes digest_size bytes and begins a new message under the same key. @pre out has room for them
  void finish(bytes_span out) noexcept {
    secret<digest_size> inner;
    hash_.finish(inner.bytes());
    begin(outer_pad);
    hash_.update(inner.view());
    hash_.finish(out);
    begin(inner_pad);
  }

 private:
  static constexpr std::byte inner_pad{0x36};
  static constexpr std::byte outer_pad{0x5c};

  void begin(std::byte pad) noexcept {
    secret<Hash::block_size> padded = key_;
    for (std::byte& b : padded.bytes()) b ^= pad;
    hash_.update(padded.view());
  }

  secret<Hash::block_size> key_;
  Hash hash_;
};

/// Fills `out` with key material from `input` under `salt`, for the purpose `info` (RFC 5869, both steps). The
/// same with an empty `info` is the HKDF of the Noise framework (section 4.3).
///
/// status::invalid_argument for more than 255 digests.
template <hasher Hash>
[[nodiscard]] status hkdf(bytes_view salt, bytes_view input, bytes_view info, bytes_span out) noexcept {
  constexpr std::size_t digest_size = Hash::digest_size;
  if (out.size() > 255 * digest_size) return status::invalid_argument;
  secret<digest_size> extracted;
  hmac<Hash> extract{salt};
  extract.update(input);
  extract.finish(extracted.bytes());
  hmac<Hash> expand{extracted.view()};
  secret<digest_size> piece;
  for (std::uint8_t counter = 1; !out.empty(); ++counter) {
    if (counter > 1) expand.update(piece.view());
    expand.update(info);
    const std::array<std::byte, 1> last{std::byte{counter}};
    expand.update(last);
    expand.finish(piece.bytes());
    const std::size_t n = out.size() < digest_size ? out.size() : digest_size;
    for (std::size_t i = 0; i < n; ++i) out[i] = piece.view()[i];
    out = out.subspan(n);
  }
  return status::ok;
}

}  // namespace shoal
