// SPDX-License-Identifier: BSL-1.0
//
// Does a block match its CID? Every block that comes from outside (a disk, a peer) is asked this before anyone
// sees it.
//
//     if (result<> r = verify(digester, id, bytes); !r) return r.error();
#pragma once

#include <algorithm>
#include <array>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/cid.hpp>
#include <shoal/crypto/hasher.hpp>

namespace shoal {

/// A block longer than this is refused wherever it comes from (Bitswap's and the gateway's limit, 2 MiB).
inline constexpr std::size_t max_block_size = 2u << 20;

/// Hashes `bytes` under the function of `id` and compares.
///
/// errc::block_mismatch when they differ, errc::unsupported for a function that the digester does not have,
/// errc::malformed for a digest length that the function cannot give or that is too short to mean anything.
template <digester Digester>
[[nodiscard]] result<> verify(const Digester& digester, const cid& id, bytes_view bytes) noexcept {
  constexpr std::size_t shortest_digest = 20;  // Kubo's own limit; identity carries the bytes themselves
  const bytes_view expected = id.hash().digest();
  if (id.hash().code() == hash_code::identity) {
    if (std::ranges::equal(expected, bytes)) return {};
    return errc::block_mismatch;
  }
  if (expected.size() < shortest_digest) return errc::malformed;
  std::array<std::byte, multihash::max_digest_size> storage;
  const bytes_span actual = bytes_span{storage}.first(expected.size());
  switch (digester.digest(id.hash().code(), bytes, actual)) {
    case status::ok: break;
    case status::unsupported: return errc::unsupported;
    default: return errc::malformed;
  }
  if (std::ranges::equal(expected, actual)) return {};
  return errc::block_mismatch;
}

}  // namespace shoal
