// SPDX-License-Identifier: BSL-1.0
#include <shoal/content/chunker/rabin.hpp>  // first: shows that the header stands alone

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <stdexcept>

#include <doctest/doctest.h>

#include "checks.hpp"

namespace {

using chunker_test::bytes;
using chunker_test::check_chunks;
using chunker_test::random_bytes;
using shoal::chunk_sizes;
using shoal::rabin_chunker;

/// The remainder of 16 bytes by Kubo's polynomial, bit by bit.
std::uint64_t fingerprint(shoal::bytes_view window) {
  std::uint64_t rest = 0;
  for (const std::byte b : window) {
    for (int bit = 7; bit >= 0; --bit) {
      rest = rest << 1 | (std::to_integer<std::uint64_t>(b) >> bit & 1);
      if ((rest >> 53 & 1) != 0) rest ^= 17437180132763653;
    }
  }
  return rest;
}

/// Each place on its own.
chunker_test::reference plain(chunk_sizes sizes) {
  return [sizes](shoal::bytes_view data) {
    const std::size_t size = std::min(data.size(), sizes.maximum);
    for (std::size_t cut = sizes.minimum; cut < size; ++cut) {
      if (fingerprint(data.subspan(cut - 16, 16)) % std::bit_floor(sizes.average) == 0) return cut;
    }
    return size;
  };
}

TEST_CASE("rabin: random bytes are cut where the remainder says") {
  const bytes data = random_bytes(300000, 1);
  for (const chunk_sizes sizes :
       {chunk_sizes{16, 64, 256}, chunk_sizes{17, 300, 20000}, chunk_sizes{5000, 16384, 60000},
        rabin_chunker::around(8192), rabin_chunker::around(65536)}) {
    CAPTURE(sizes.average);
    check_chunks(rabin_chunker{sizes}, data, plain(sizes));
  }
}

TEST_CASE("rabin: zeroes, whose remainder is zero, are cut at the minimum") {
  const chunk_sizes sizes{16, 1024, 50000};
  const bytes data(1000);
  check_chunks(rabin_chunker{sizes}, data, plain(sizes));
  CHECK(rabin_chunker{sizes}.next_cut(data, true) == 16);
}

TEST_CASE("rabin: equal bytes are cut as the remainder says") {
  const chunk_sizes sizes{100, 4096, 20000};
  for (int b = 1; b < 256; b += 23) {
    const bytes data(21000, static_cast<std::byte>(b));
    check_chunks(rabin_chunker{sizes}, data, plain(sizes));
  }
}

TEST_CASE("rabin: a cut is found at every kind of place") {
  const chunk_sizes sizes{64, 1 << 16, 70000};
  for (const std::size_t base : {64u, 576u, 4096u, 4160u, 8256u, 16448u, 65536u, 69999u}) {
    for (std::size_t cut = base - 2; cut <= base + 2; ++cut) {
      bytes data(71000, std::byte{1});
      std::fill_n(data.begin() + static_cast<std::ptrdiff_t>(cut - 16), 16, std::byte{});
      CAPTURE(cut);
      CHECK(rabin_chunker{sizes}.next_cut(data, true) == (cut < 64 ? 70000 : std::min(cut, sizes.maximum)));
    }
  }
}

TEST_CASE("rabin: sizes that make no sense are refused") {
  CHECK_THROWS_AS(rabin_chunker({15, 64, 256}), std::invalid_argument);
  CHECK_THROWS_AS(rabin_chunker({64, 63, 256}), std::invalid_argument);
  CHECK_THROWS_AS(rabin_chunker({64, 65, 64}), std::invalid_argument);
  CHECK_THROWS_AS(rabin_chunker(rabin_chunker::around(47)), std::invalid_argument);
  CHECK(rabin_chunker{rabin_chunker::around(48)}.max_size() == 72);
}

}  // namespace
