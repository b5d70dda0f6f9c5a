// SPDX-License-Identifier: BSL-1.0
//
// noise_sealer and noise_opener: the two directions of a secure channel after its handshake (libp2p specs,
// noise/README.md, "Wire Format"). Both work in place: a frame is two bytes of length, the text, and 16 bytes
// of tag.
//
//     noise_sealer<Cipher> seal{keys.send};           // text stands in the frame, at noise_header_size
//     seal(frame.first(noise_overhead + n));
//
//     noise_opener<Cipher> open{keys.receive};
//     result<noise_frame> f = open.next(in);          // f->text points into `in`; 0 consumed: receive more
//
// A frame of max_noise_frame bytes is the cheapest way to send much. No allocation, no copy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <system_error>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/base/result.hpp>
#include <shoal/crypto/secret.hpp>
#include <shoal/libp2p/noise_cipher.hpp>

namespace shoal::libp2p {

/// Bytes of length in front of every message, of the handshake too.
inline constexpr std::size_t noise_header_size = 2;
/// Bytes that a frame has more than its text: the length and the tag.
inline constexpr std::size_t noise_overhead = noise_header_size + 16;
/// Longest frame, with its length: input that noise_opener needs at most to get on.
inline constexpr std::size_t max_noise_frame = noise_header_size + 65535;
/// Most text in a frame.
inline constexpr std::size_t max_noise_text = max_noise_frame - noise_overhead;

/// The direction out.
template <noise_aead Cipher>
class noise_sealer {
 public:
  /// @param sealed  frames that this key has sealed before
  /// @throws std::bad_alloc if the cipher has no memory for its key
  explicit noise_sealer(const secret<32>& key, std::uint64_t sealed = 0) {
    if (!cipher_.set_key(key.view(), sealed)) throw std::bad_alloc{};
  }

  /// Makes a frame of a buffer of noise_overhead bytes more than the text, which stands behind the first two.
  ///
  /// errc::invalid_argument for a buffer that is no frame's size, noise_errc::exhausted when the key is used
  /// up: the channel has to be closed.
  [[nodiscard]] result<> operator()(bytes_span frame) noexcept {
    if (frame.size() < noise_overhead || frame.size() > max_noise_frame) return errc::invalid_argument;
    const bytes_span body = frame.subspan(noise_header_size);
    store_be(frame.data(), static_cast<std::uint16_t>(body.size()));
    return cipher_.seal({}, body.first(frame.size() - noise_overhead), body);
  }

 private:
  noise_cipher<Cipher> cipher_;
};

/// What next() found at the front of its input.
struct noise_frame {
  std::size_t consumed = 0;  ///< bytes of the input that are done with, once the text is; 0: no whole frame
  bytes_span text = {};      ///< of the input; may be empty
};

/// The direction in.
template <noise_aead Cipher>
class noise_opener {
 public:
  /// @param opened  frames that this key has opened before
  /// @throws std::bad_alloc if the cipher has no memory for its key
  explicit noise_opener(const secret<32>& key, std::uint64_t opened = 0) {
    if (!cipher_.set_key(key.view(), opened)) throw std::bad_alloc{};
  }

  /// Opens the first frame in `in`: what has been received and not yet consumed. Bytes behind it stay as they
  /// are.
  ///
  /// errc::malformed for a frame that has no room for a tag, noise_errc::forged, noise_errc::exhausted. After
  /// an error the channel is broken: every further call gives the same.
  [[nodiscard]] result<noise_frame> next(bytes_span in) noexcept {
    if (error_) return error_;
    if (in.size() < noise_header_size) return noise_frame{};
    const std::size_t size = load_be<std::uint16_t>(in.data());
    if (size < noise_overhead - noise_header_size) return error_ = make_error_code(errc::malformed);
    if (size > in.size() - noise_header_size) return noise_frame{};
    const std::size_t consumed = noise_header_size + size;
    const bytes_span text = in.subspan(noise_header_size, consumed - noise_overhead);
    error_ = cipher_.open({}, in.subspan(noise_header_size, size), text).error();
    if (error_) return error_;
    return noise_frame{.consumed = consumed, .text = text};
  }

 private:
  noise_cipher<Cipher> cipher_;
  std::error_code error_;
};

}  // namespace shoal::libp2p
