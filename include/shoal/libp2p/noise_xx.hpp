// SPDX-License-Identifier: BSL-1.0
//
// noise_xx: the handshake Noise_XX_25519_ChaChaPoly_SHA256 (noiseprotocol.org/noise.html), message by message:
//
//     -> e
//     <- e, ee, s, es
//     -> s, se
//
//     noise_xx<Cipher, Dh> xx{noise_role::initiator, static_key, ephemeral_key};
//     xx.write(payload, out);  ...  xx.read(message);  ...  xx.write(payload, out);
//     const noise_keys keys = xx.keys();
//
// Knows nothing of lengths in front of messages nor of what is in a payload: see noise_handshake.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <system_error>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/crypto/hmac.hpp>
#include <shoal/crypto/key_agreement.hpp>
#include <shoal/crypto/secret.hpp>
#include <shoal/crypto/sha256.hpp>
#include <shoal/libp2p/noise_cipher.hpp>
#include <shoal/libp2p/noise_error.hpp>

namespace shoal::libp2p {

/// Who begins: the side that dialled is the initiator.
enum class noise_role : std::uint8_t { initiator, responder };

/// What seals the messages after the handshake, one key a direction.
struct noise_keys {
  secret<32> send;
  secret<32> receive;
};

/// An error ends the handshake: the object is of no use after it.
template <noise_aead Cipher, key_agreement Dh>
  requires(Dh::key_size == 32)
class noise_xx {
 public:
  /// @param static_key     private, random; may serve many handshakes
  /// @param ephemeral_key  private, random; for this handshake alone
  noise_xx(noise_role role, const secret<32>& static_key, const secret<32>& ephemeral_key,
           bytes_view prologue = {})
      : role_(role), static_(static_key), ephemeral_(ephemeral_key) {
    constexpr std::string_view name = "Noise_XX_25519_ChaChaPoly_SHA256";
    static_assert(name.size() == sha256::digest_size, "a name of this length is its own hash (section 5.2)");
    std::ranges::copy(as_bytes(name), hash_.begin());
    chaining_ = secret<32>{hash_};
    mix_hash(prologue);
  }

  /// True when the next message is for this side to write.
  [[nodiscard]] bool my_turn() const noexcept {
    return step_ < messages && (step_ % 2 == 0) == (role_ == noise_role::initiator);
  }
  /// How many messages have passed: all of them when it is 3.
  [[nodiscard]] unsigned step() const noexcept { return step_; }
  [[nodiscard]] bool finished() const noexcept { return step_ == messages; }

  /// Appends the next message, or nothing on error: errc::invalid_argument when it is not this side's turn,
  /// noise_errc::weak_key. @pre 65535 - 96 bytes of payload at most
  [[nodiscard]] result<> write(bytes_view payload, std::vector<std::byte>& out) {
    if (!my_turn()) return errc::invalid_argument;
    const std::size_t at = out.size();
    const std::error_code error = append(payload, out);
    if (error) out.resize(at);
    return pass(error);
  }

  /// Takes the other side's next message, which it opens in place, and returns the payload in it.
  ///
  /// errc::invalid_argument when it is this side's turn, errc::truncated for a message that is too short,
  /// noise_errc::forged or noise_errc::weak_key.
  [[nodiscard]] result<bytes_view> read(bytes_span message) noexcept {
    if (step_ >= messages || my_turn()) return errc::invalid_argument;
    std::error_code error;
    if (step_ != 2) {
      if (message.size() < key_size) return fail(errc::truncated);
      std::ranges::copy(message.first(key_size), remote_ephemeral_.begin());
      mix_hash(remote_ephemeral_);
      message = message.subspan(key_size);
    }
    if (step_ == 1) error = agree(ephemeral_, remote_ephemeral_);
    if (step_ != 0 && !error) {
      constexpr std::size_t sealed_key = key_size + tag_size;
      if (message.size() < sealed_key) return fail(errc::truncated);
      error = open(message.first(sealed_key));
      std::ranges::copy(message.first(key_size), remote_static_.begin());
      message = message.subspan(sealed_key);
      if (!error) error = agree(ephemeral_, remote_static_);
    }
    if (!error && step_ != 0 && message.size() < tag_size) error = errc::truncated;
    if (!error) error = open(message);
    const std::size_t size = error || step_ == 0 ? message.size() : message.size() - tag_size;
    const result<> passed = pass(error);
    if (!passed) return passed.error();
    return bytes_view{message.first(size)};
  }

  /// The other side's static public key. @pre its message that has one has been read
  [[nodiscard]] bytes_view remote_static() const noexcept { return remote_static_; }
  /// What both sides have seen, in 32 bytes: equal on both.
  [[nodiscard]] bytes_view hash() const noexcept { return hash_; }

  /// @pre finished()
  [[nodiscard]] noise_keys keys() const noexcept {
    secret<64> both;
    derive({}, both.bytes());
    const secret<32> first{both.view().first<32>()};
    const secret<32> second{both.view().last<32>()};
    if (role_ == noise_role::initiator) return {.send = first, .receive = second};
    return {.send = second, .receive = first};
  }

 private:
  static constexpr unsigned messages = 3;
  static constexpr unsigned broken = messages + 1;
  static constexpr std::size_t key_size = 32;
  static constexpr std::size_t tag_size = Cipher::tag_size;
  using public_key = std::array<std::byte, key_size>;

  std::error_code append(bytes_view payload, std::vector<std::byte>& out) {
    public_key key;
    if (step_ != 2) {
      if (dh_.public_of(ephemeral_.view(), key) != status::ok) return make_error_code(errc::failed);
      out.insert(out.end(), key.begin(), key.end());
      mix_hash(key);
    }
    std::error_code error;
    if (step_ == 1) error = agree(ephemeral_, remote_ephemeral_);
    if (step_ != 0 && !error) {
      if (dh_.public_of(static_.view(), key) != status::ok) return make_error_code(errc::failed);
      error = seal(key, out);
      if (!error) error = agree(static_, remote_ephemeral_);
    }
    return error ? error : seal(payload, out);
  }

  void mix_hash(bytes_view bytes) noexcept {
    sha256 hash;
    hash.update(hash_);
    hash.update(bytes);
    hash.finish(hash_);
  }

  /// Two keys of the chaining key and `input` (section 4.3).
  void derive(bytes_view input, std::span<std::byte, 64> out) const noexcept {
    // cannot fail: two digests are asked for
    static_cast<void>(hkdf<sha256>(chaining_.view(), input, {}, out));
  }

  /// Mixes the secret that two keys make into all that follows.
  std::error_code agree(const secret<32>& mine, bytes_view theirs) noexcept {
    secret<32> shared;
    if (dh_.shared(mine.view(), theirs, shared.bytes()) != status::ok) return noise_errc::weak_key;
    secret<64> both;
    derive(shared.view(), both.bytes());
    chaining_ = secret<32>{both.view().first<32>()};
    return cipher_.set_key(both.view().template last<32>()).error();
  }

  /// Appends `text`, sealed once there is a key.
  std::error_code seal(bytes_view text, std::vector<std::byte>& out) {
    const std::size_t at = out.size();
    out.insert(out.end(), text.begin(), text.end());
    if (step_ != 0) out.resize(out.size() + tag_size);
    const bytes_span sealed = bytes_span{out}.subspan(at);
    if (step_ != 0) {
      const result<> done = cipher_.seal(hash_, sealed.first(text.size()), sealed);
      if (!done) return done.error();
    }
    mix_hash(sealed);
    return {};
  }

  /// Opens bytes in place, once there is a key. @pre then they are tag_size or more
  std::error_code open(bytes_span sealed) noexcept {
    const public_key before = hash_;
    mix_hash(sealed);
    if (step_ == 0) return {};
    return cipher_.open(before, sealed, sealed.first(sealed.size() - tag_size)).error();
  }

  result<> pass(std::error_code error) noexcept {
    if (error) return fail(error);
    ++step_;
    return {};
  }
  std::error_code fail(std::error_code error) noexcept {
    step_ = broken;
    return error;
  }

  noise_role role_;
  unsigned step_ = 0;
  secret<32> static_;
  secret<32> ephemeral_;
  public_key remote_static_{};
  public_key remote_ephemeral_{};
  secret<32> chaining_;
  std::array<std::byte, sha256::digest_size> hash_{};
  noise_cipher<Cipher> cipher_;
  Dh dh_;
};

}  // namespace shoal::libp2p
