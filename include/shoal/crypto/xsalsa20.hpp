// SPDX-License-Identifier: BSL-1.0
//
// xsalsa20: the stream cipher XSalsa20 (Bernstein, "Extending the Salsa20 nonce") in portable C++: what
// libp2p's private networks are wrapped in, and what OpenSSL does not have. Freestanding.
//
//     xsalsa20 out{key, nonce};
//     out.apply(first);    // encrypts or decrypts in place
//     out.apply(second);   // goes on where it stopped
//
// It authenticates nothing.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/crypto/secret.hpp>

namespace shoal {

class xsalsa20 {
 public:
  static constexpr std::size_t key_size = 32;    ///< bytes
  static constexpr std::size_t nonce_size = 24;  ///< bytes

  /// A nonce must never come twice under one key; random ones do not.
  xsalsa20(std::span<const std::byte, key_size> key, std::span<const std::byte, nonce_size> nonce) noexcept {
    // HSalsa20 turns the key and two thirds of the nonce into the key that Salsa20 uses
    state<1> first;
    set_key(first, key);
    for (std::size_t i = 0; i < 4; ++i) first[6 + i][0] = load_le<word>(nonce.data() + 4 * i);
    rounds(first);
    secret<key_size> derived;
    constexpr std::array<std::size_t, 8> taken{0, 5, 10, 15, 6, 7, 8, 9};
    for (std::size_t i = 0; i < taken.size(); ++i) store_le(derived.bytes().data() + 4 * i, first[taken[i]][0]);
    set_key(start_, derived.view());
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      start_[6][lane] = load_le<word>(nonce.data() + 16);
      start_[7][lane] = load_le<word>(nonce.data() + 20);
    }
    wipe(std::as_writable_bytes(std::span{first}));
  }

  xsalsa20(const xsalsa20&) noexcept = default;
  xsalsa20& operator=(const xsalsa20&) noexcept = default;
  ~xsalsa20() { wipe(std::as_writable_bytes(std::span{start_})); }

  /// Combines `bytes`, in place, with the next ones of the key stream, which has 2^70 of them.
  void apply(bytes_span bytes) noexcept {
    while (!bytes.empty()) {
      if (used_ == stream_.size()) refill();
      const std::size_t left = stream_.size() - used_;
      const std::size_t n = bytes.size() < left ? bytes.size() : left;
      for (std::size_t i = 0; i < n; ++i) bytes[i] ^= stream_.view()[used_ + i];
      used_ += n;
      bytes = bytes.subspan(n);
    }
  }

 private:
  using word = std::uint32_t;
  /// Blocks that are made at once, side by side, so that a compiler can use vector instructions.
  static constexpr std::size_t lanes = 8;
  static constexpr std::size_t block_size = 64;

  template <std::size_t Lanes>
  using state = std::array<std::array<word, Lanes>, 16>;

  template <std::size_t Lanes>
  static void set_key(state<Lanes>& x, std::span<const std::byte, key_size> key) noexcept {
    constexpr std::array<word, 4> sigma{0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};  // "expand 32-byte k"
    for (std::size_t i = 0; i < 4; ++i) {
      x[5 * i].fill(sigma[i]);
      x[1 + i].fill(load_le<word>(key.data() + 4 * i));
      x[11 + i].fill(load_le<word>(key.data() + 16 + 4 * i));
    }
  }

  template <std::size_t Lanes>
  static void quarter(state<Lanes>& x, std::size_t a, std::size_t b, std::size_t c, std::size_t d) noexcept {
    for (std::size_t i = 0; i < Lanes; ++i) x[b][i] ^= std::rotl(x[a][i] + x[d][i], 7);
    for (std::size_t i = 0; i < Lanes; ++i) x[c][i] ^= std::rotl(x[b][i] + x[a][i], 9);
    for (std::size_t i = 0; i < Lanes; ++i) x[d][i] ^= std::rotl(x[c][i] + x[b][i], 13);
    for (std::size_t i = 0; i < Lanes; ++i) x[a][i] ^= std::rotl(x[d][i] + x[c][i], 18);
  }

  /// Twenty rounds, as ten of columns and rows each.
  template <std::size_t Lanes>
  static void rounds(state<Lanes>& x) noexcept {
    for (int i = 0; i < 10; ++i) {
      quarter(x, 0, 4, 8, 12);
      quarter(x, 5, 9, 13, 1);
      quarter(x, 10, 14, 2, 6);
      quarter(x, 15, 3, 7, 11);
      quarter(x, 0, 1, 2, 3);
      quarter(x, 5, 6, 7, 4);
      quarter(x, 10, 11, 8, 9);
      quarter(x, 15, 12, 13, 14);
    }
  }

  void refill() noexcept {
    for (std::size_t lane = 0; lane < lanes; ++lane, ++counter_) {
      start_[8][lane] = static_cast<word>(counter_);
      start_[9][lane] = static_cast<word>(counter_ >> 32);
    }
    state<lanes> x = start_;
    rounds(x);
    for (std::size_t i = 0; i < 16; ++i) {
      for (std::size_t lane = 0; lane < lanes; ++lane) {
        store_le(stream_.bytes().data() + lane * block_size + 4 * i, x[i][lane] + start_[i][lane]);
      }
    }
    used_ = 0;
  }

  state<lanes> start_{};
  std::uint64_t counter_ = 0;  // of blocks
  secret<lanes * block_size> stream_;
  std::size_t used_ = lanes * block_size;  // bytes of stream_ that are gone
};

}  // namespace shoal
