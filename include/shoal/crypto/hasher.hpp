// SPDX-License-Identifier: BSL-1.0
//
// The contracts of hashing: `hasher` for a stream, `digester` for a whole block by the multihash code of the
// function wanted. Models: sha256 and portable_digester (crypto/sha256.hpp), openssl::digester
// (openssl/digester.hpp). Freestanding.
//
//     std::array<std::byte, 32> digest;
//     if (digester.digest(hash_code::sha2_256, block, digest) != status::ok) ...
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

#include <shoal/base/bytes.hpp>
#include <shoal/base/status.hpp>

namespace shoal {

/// Hash functions by their multicodec number (github.com/multiformats/multicodec, table.csv).
enum class hash_code : std::uint64_t {
  identity = 0x00,
  sha1 = 0x11,
  sha2_256 = 0x12,
  sha2_512 = 0x13,
  sha3_512 = 0x14,
  sha3_384 = 0x15,
  sha3_256 = 0x16,
  blake3 = 0x1e,
  sha2_384 = 0x20,
  blake2b_256 = 0xb220,
  blake2b_512 = 0xb240,
  blake2s_256 = 0xb260,
};

/// A running hash. `finish` writes digest_size bytes and leaves the hasher ready for a new message.
template <class H>
concept hasher = requires(H& h, bytes_view in, bytes_span out) {
  { h.update(in) } noexcept;
  { h.finish(out) } noexcept;
  { H::digest_size } -> std::convertible_to<std::size_t>;
};

/// Hashes whole messages. `digest` fills all of `out`, whose size is the digest's length; a multihash may carry
/// the first bytes of a longer digest. status::unsupported for a function it does not have,
/// status::invalid_argument for a length the function cannot give. Several threads may call it at once.
template <class D>
concept digester = requires(const D& d, hash_code code, bytes_view in, bytes_span out) {
  { d.digest(code, in, out) } noexcept -> std::same_as<status>;
};

}  // namespace shoal
