// SPDX-License-Identifier: BSL-1.0
//
// gear_table: the 256 constants of FastCDC's gear hash. Entry b is the first half of the MD5 of 64 bytes b,
// read as a big-endian number; so says the reference implementation (destor, and fastcdc-rs,
// examples/table64.rs). The compiler works them out here from that rule.
//
//     hash = (hash << 1) + gear_table[byte];
//
// Leaves out MD5 for any other use: it is not a secure hash.
#pragma once

#include <array>
#include <cstdint>

namespace shoal {

namespace detail {

// Plain arrays: a call to std::array's operator for each access would pass the limit that clang sets on the
// steps of a constant expression.

/// MD5's constants (RFC 1321, 3.4): the integer part of 2^32 |sin(i)|, i = 1 to 64 radians.
struct md5_sines {
  std::uint32_t of[64] = {};

  consteval md5_sines() {
    constexpr double sin_1 = 0.84147098480789650665;
    constexpr double cos_1 = 0.54030230586813971740;
    double sine = sin_1;
    double cosine = cos_1;
    for (std::uint32_t& out : of) {
      out = static_cast<std::uint32_t>((sine < 0 ? -sine : sine) * 4294967296.0);
      const double next = sine * cos_1 + cosine * sin_1;
      cosine = cosine * cos_1 - sine * sin_1;
      sine = next;
    }
  }
};
inline constexpr md5_sines md5_sine;
static_assert(md5_sine.of[0] == 0xd76aa478 && md5_sine.of[63] == 0xeb86d391);
inline constexpr int md5_shifts[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

struct md5_state {
  std::uint32_t a = 0x67452301, b = 0xefcdab89, c = 0x98badcfe, d = 0x10325476;
};

constexpr md5_state md5_block(const md5_state& before, const std::uint32_t (&block)[16]) {
  auto [a, b, c, d] = before;
  for (unsigned i = 0; i < 64; ++i) {
    std::uint32_t sum = a + md5_sine.of[i];
    switch (i / 16) {
      case 0: sum += ((b & c) | (~b & d)) + block[i]; break;
      case 1: sum += ((d & b) | (~d & c)) + block[(5 * i + 1) % 16]; break;
      case 2: sum += (b ^ c ^ d) + block[(3 * i + 5) % 16]; break;
      default: sum += (c ^ (b | ~d)) + block[7 * i % 16]; break;
    }
    const int shift = md5_shifts[i / 16][i % 4];
    a = d, d = c, c = b;
    b += sum << shift | sum >> (32 - shift);
  }
  return {before.a + a, before.b + b, before.c + c, before.d + d};
}

constexpr std::uint32_t byte_swap(std::uint32_t v) {
  return v << 24 | (v & 0xff00) << 8 | (v >> 8 & 0xff00) | v >> 24;
}

/// The first 8 bytes of the MD5 of 64 equal bytes, big-endian.
constexpr std::uint64_t gear_of(std::uint32_t byte) {
  std::uint32_t block[16] = {};
  for (std::uint32_t& word : block) word = byte * 0x01010101u;
  constexpr std::uint32_t padding[16] = {0x80, 0, 0, 0, 0, 0, 0,   0,
                                         0,    0, 0, 0, 0, 0, 512, 0};  // one bit, size in bits
  const md5_state digest = md5_block(md5_block({}, block), padding);
  return std::uint64_t{byte_swap(digest.a)} << 32 | byte_swap(digest.b);
}

consteval std::array<std::uint64_t, 256> make_gear_table() {
  std::array<std::uint64_t, 256> table{};
  for (std::uint32_t b = 0; b < 256; ++b) table[b] = gear_of(b);
  return table;
}

}  // namespace detail

/// What each byte stands for in the gear hash with seed 0.
inline constexpr std::array<std::uint64_t, 256> gear_table = detail::make_gear_table();
static_assert(gear_table[0] == 0x3b5d3c7d207e37dc, "as published");

}  // namespace shoal
