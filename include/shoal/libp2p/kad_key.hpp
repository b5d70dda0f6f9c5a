// SPDX-License-Identifier: BSL-1.0
//
// kad_key: a place in the space in which Kademlia measures distances: the SHA-256 of a name, which is a peer
// id, the multihash of a block, or anything else (libp2p specs, kad-dht/README.md, "Distance").
//
//     kad_key target = kad_key::of(hash), me = kad_key::of(self.bytes());
//     if ((me ^ target) < (other ^ target)) ...                       // we are closer
//     std::size_t bucket = common_prefix(me, other);
//
// A small value that orders as a number, most significant byte first.
#pragma once

#include <array>
#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/content/multihash.hpp>
#include <shoal/crypto/hasher.hpp>
#include <shoal/crypto/sha256.hpp>

namespace shoal::libp2p {

/// A multihash as it stands on the wire.
[[nodiscard]] inline std::vector<std::byte> bytes_of(const multihash& hash) {
  std::vector<std::byte> bytes(hash.encoded_size());
  hash.encode(bytes.data());
  return bytes;
}

class kad_key {
 public:
  static constexpr std::size_t bits = 256;

  /// The key of nothing in particular: all zero.
  kad_key() noexcept = default;

  [[nodiscard]] static kad_key of(bytes_view name) noexcept {
    kad_key key;
    sha256 hash;
    hash.update(name);
    hash.finish(key.bytes_);
    return key;
  }
  [[nodiscard]] static kad_key of(const multihash& name) { return of(bytes_of(name)); }

  [[nodiscard]] bytes_view bytes() const noexcept { return bytes_; }

  /// The distance between two keys; to itself it is zero.
  [[nodiscard]] friend kad_key operator^(const kad_key& a, const kad_key& b) noexcept {
    kad_key distance;
    for (std::size_t i = 0; i < a.bytes_.size(); ++i) distance.bytes_[i] = a.bytes_[i] ^ b.bytes_[i];
    return distance;
  }

  /// How many bits two keys begin with in common; kad_key::bits when they are the same.
  [[nodiscard]] friend std::size_t common_prefix(const kad_key& a, const kad_key& b) noexcept {
    for (std::size_t i = 0; i < a.bytes_.size(); ++i) {
      const auto difference = std::to_integer<std::uint8_t>(a.bytes_[i] ^ b.bytes_[i]);
      if (difference != 0) return 8 * i + static_cast<std::size_t>(std::countl_zero(difference));
    }
    return bits;
  }

  friend bool operator==(const kad_key&, const kad_key&) noexcept = default;
  friend std::strong_ordering operator<=>(const kad_key&, const kad_key&) noexcept = default;

 private:
  std::array<std::byte, sha256::digest_size> bytes_{};
};

/// A name in the form of a peer id whose key has `prefix` bits in common with `self`, to look up who lives
/// there. It is found by trying, some 2^(prefix + 1) times; once in millions of calls it is only near what was
/// asked.
/// @pre prefix <= 16
[[nodiscard]] inline multihash find_name_with_prefix(const kad_key& self, std::size_t prefix,
                                                     std::uint64_t seed) {
  std::array<std::byte, sha256::digest_size> digest{};
  store_be(digest.data(), seed);
  multihash best;
  std::size_t best_prefix = 0;
  for (std::uint64_t i = 0; i < std::uint64_t{32} << prefix; ++i) {
    store_be(digest.data() + 8, i);
    const multihash name = *multihash::make(hash_code::sha2_256, digest);
    const std::size_t found = common_prefix(self, kad_key::of(name));
    if (found == prefix) return name;
    if (i == 0 || (found > best_prefix && found < prefix)) {
      best = name;
      best_prefix = found;
    }
  }
  return best;
}

}  // namespace shoal::libp2p
