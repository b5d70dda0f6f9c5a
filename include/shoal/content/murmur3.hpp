// SPDX-License-Identifier: BSL-1.0
//
// MurmurHash3 x64, the first 64 of its 128 bits: the hash of names in sharded UnixFS directories. Not for
// anything that an attacker must not steer.
//
//     const std::uint64_t hash = murmur3_x64_64(as_bytes("a name"));
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>

namespace shoal {

/// The multicodec number of this hash (table.csv, "murmur3-x64-64").
inline constexpr std::uint64_t murmur3_x64_64_code = 0x22;

[[nodiscard]] constexpr std::uint64_t murmur3_x64_64(bytes_view input) noexcept {
  constexpr std::uint64_t c1 = 0x87c37b91114253d5;
  constexpr std::uint64_t c2 = 0x4cf5ad432745937f;
  std::uint64_t h1 = 0;
  std::uint64_t h2 = 0;
  const auto mix1 = [&](std::uint64_t k) { h1 ^= std::rotl(k * c1, 31) * c2; };
  const auto mix2 = [&](std::uint64_t k) { h2 ^= std::rotl(k * c2, 33) * c1; };

  bytes_view rest = input;
  for (; rest.size() >= 16; rest = rest.subspan(16)) {
    mix1(load_le<std::uint64_t>(rest.data()));
    h1 = (std::rotl(h1, 27) + h2) * 5 + 0x52dce729;
    mix2(load_le<std::uint64_t>(rest.data() + 8));
    h2 = (std::rotl(h2, 31) + h1) * 5 + 0x38495ab5;
  }
  std::byte tail[16]{};
  for (std::size_t i = 0; i < rest.size(); ++i) tail[i] = rest[i];
  mix2(load_le<std::uint64_t>(tail + 8));  // zeros change nothing
  mix1(load_le<std::uint64_t>(tail));

  const auto finish = [](std::uint64_t k) {
    k = (k ^ k >> 33) * 0xff51afd7ed558ccd;
    k = (k ^ k >> 33) * 0xc4ceb9fe1a85ec53;
    return k ^ k >> 33;
  };
  h1 ^= input.size();
  h2 ^= input.size();
  h1 += h2;
  h2 += h1;
  h1 = finish(h1);
  h2 = finish(h2);
  return h1 + h2;
}

}  // namespace shoal
