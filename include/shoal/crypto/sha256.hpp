// SPDX-License-Identifier: BSL-1.0
//
// sha256: SHA-256 (FIPS 180-4) in portable C++, and portable_digester, the digester of whoever has no OpenSSL:
// a boot loader, a guest without an operating system, a constant expression. Freestanding.
//
//     sha256 hash;
//     hash.update(header);
//     hash.update(body);
//     hash.finish(digest);   // 32 bytes; hash is as new
//
// Leaves out the CPU's SHA instructions: with an operating system, openssl::digester is several times as fast.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/base/status.hpp>
#include <shoal/crypto/hasher.hpp>

namespace shoal {

/// Models `hasher`. A message may have up to 2^61 - 1 bytes.
class sha256 {
 public:
  static constexpr std::size_t digest_size = 32;  ///< bytes
  static constexpr std::size_t block_size = 64;   ///< bytes

  constexpr void update(bytes_view in) noexcept {
    std::size_t used = static_cast<std::size_t>(size_ % block_size);
    size_ += in.size();
    for (; used != 0 && !in.empty(); in = in.subspan(1)) {
      buffer_[used] = in[0];
      used = (used + 1) % block_size;
      if (used == 0) compress(buffer_.data());
    }
    for (; in.size() >= block_size; in = in.subspan(block_size)) compress(in.data());
    for (const std::byte b : in) buffer_[used++] = b;
  }

  /// Writes digest_size bytes and begins a new message. @pre out has room for them
  constexpr void finish(bytes_span out) noexcept {
    const std::uint64_t bits = size_ * 8;
    // a one bit, then zeroes up to where the length fills the block
    constexpr std::array<std::byte, block_size> padding{std::byte{0x80}};
    const std::size_t used = static_cast<std::size_t>(size_ % block_size);
    constexpr std::size_t length_at = block_size - sizeof(bits);
    update(bytes_view{padding}.first((used < length_at ? length_at : block_size + length_at) - used));
    std::array<std::byte, sizeof(bits)> length{};
    store_be(length.data(), bits);
    update(length);
    for (std::size_t i = 0; i < state_.size(); ++i) store_be(out.data() + 4 * i, state_[i]);
    *this = sha256{};
  }

 private:
  using word = std::uint32_t;

  // FIPS 180-4, 4.2.2: from the cube roots of the first 64 primes.
  static constexpr std::array<word, 64> round_constants{
      0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
      0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
      0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
      0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
      0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
      0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
      0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
      0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

  constexpr void compress(const std::byte* block) noexcept {
    std::array<word, 64> w{};
    for (std::size_t i = 0; i < 16; ++i) w[i] = load_be<word>(block + 4 * i);
    for (std::size_t i = 16; i < 64; ++i) {
      const word s0 = std::rotr(w[i - 15], 7) ^ std::rotr(w[i - 15], 18) ^ (w[i - 15] >> 3);
      const word s1 = std::rotr(w[i - 2], 17) ^ std::rotr(w[i - 2], 19) ^ (w[i - 2] >> 10);
      w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    auto [a, b, c, d, e, f, g, h] = state_;
    for (std::size_t i = 0; i < 64; ++i) {
      const word s1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
      const word t1 = h + s1 + ((e & f) ^ (~e & g)) + round_constants[i] + w[i];
      const word s0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
      const word t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
      h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
    }
    const std::array<word, 8> sums{a, b, c, d, e, f, g, h};
    for (std::size_t i = 0; i < 8; ++i) state_[i] += sums[i];
  }

  std::array<word, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                             0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<std::byte, block_size> buffer_{};
  std::uint64_t size_ = 0;  // bytes of this message
};
static_assert(hasher<sha256>);

/// Models `digester`: SHA-256, in whole or its first bytes, and identity.
struct portable_digester {
  [[nodiscard]] constexpr status digest(hash_code code, bytes_view in, bytes_span out) const noexcept {
    if (code == hash_code::identity) {
      if (in.size() != out.size()) return status::invalid_argument;
      for (std::size_t i = 0; i < in.size(); ++i) out[i] = in[i];
      return status::ok;
    }
    if (code != hash_code::sha2_256) return status::unsupported;
    if (out.size() > sha256::digest_size) return status::invalid_argument;
    std::array<std::byte, sha256::digest_size> whole{};
    sha256 hash;
    hash.update(in);
    hash.finish(whole);
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = whole[i];
    return status::ok;
  }
};
static_assert(digester<portable_digester>);

}  // namespace shoal
