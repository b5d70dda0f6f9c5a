// SPDX-License-Identifier: BSL-1.0
//
// What the tests of the chunkers share: bytes to cut, and the contract.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <random>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/base/bytes.hpp>
#include <shoal/content/chunker/concepts.hpp>

namespace chunker_test {

using bytes = std::vector<std::byte>;

/// Finds a chunk's length the plain way; the bytes reach the end of the file.
using reference = std::function<std::size_t(shoal::bytes_view)>;

inline bytes random_bytes(std::size_t size, std::uint64_t seed) {
  std::mt19937_64 random{seed};
  bytes made(size);
  for (std::byte& b : made) b = static_cast<std::byte>(random() >> 56);
  return made;
}

/// The lengths of all chunks.
template <shoal::chunker Chunker>
std::vector<std::size_t> cut_all(Chunker chunker, shoal::bytes_view rest) {
  std::vector<std::size_t> lengths;
  while (!rest.empty()) {
    lengths.push_back(chunker.next_cut(rest, true));
    REQUIRE(lengths.back() >= 1);
    REQUIRE(lengths.back() <= std::min(rest.size(), chunker.max_size()));
    rest = rest.subspan(lengths.back());
  }
  return lengths;
}

/// Every chunk is as long as the reference says; a window that goes on later gives the same cut or none yet.
template <shoal::chunker Chunker>
void check_chunks(Chunker chunker, shoal::bytes_view rest, const reference& expected) {
  while (!rest.empty()) {
    const std::size_t cut = chunker.next_cut(rest, true);
    REQUIRE(cut == expected(rest));
    if (rest.size() >= chunker.max_size()) {
      REQUIRE(chunker.next_cut(rest, false) == cut);
      REQUIRE(chunker.next_cut(rest.first(chunker.max_size()), false) == cut);
    }
    for (const std::size_t size : {cut / 2, cut - 1, cut, cut + 1, cut + 2}) {
      if (size == 0 || size >= std::min(rest.size(), chunker.max_size())) continue;
      const std::size_t early = chunker.next_cut(rest.first(size), false);
      REQUIRE((early == 0 || early == cut));
      REQUIRE((early == 0 || size >= cut));
      if (size >= cut + 2) REQUIRE(early == cut);
    }
    rest = rest.subspan(cut);
  }
}

}  // namespace chunker_test
