// SPDX-License-Identifier: BSL-1.0
#include <shoal/content/chunker/buzhash.hpp>  // first: shows that the header stands alone

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include "checks.hpp"

namespace {

using chunker_test::bytes;
using chunker_test::check_chunks;
using chunker_test::cut_all;
using chunker_test::random_bytes;
using shoal::buzhash_chunker;
using shoal::detail::buzhash_table;

constexpr std::size_t least = buzhash_chunker::minimum;
constexpr std::size_t most = buzhash_chunker::maximum;

std::uint32_t entry(std::byte b) {
  return buzhash_table[std::to_integer<std::size_t>(b)];
}

/// Byte by byte, as boxo's chunker/buzhash.go has it.
std::size_t plain(shoal::bytes_view data) {
  const std::size_t size = std::min(data.size(), most);
  if (size < least) return size;
  std::uint32_t state = 0;
  for (std::size_t i = least - 32; i < least; ++i) state = std::rotl(state, 1) ^ entry(data[i]);
  for (std::size_t cut = least; cut < size; ++cut) {
    if (state % (1u << 17) == 0) return cut;
    state = std::rotl(state, 1) ^ entry(data[cut - 32]) ^ entry(data[cut]);
  }
  return size;
}

/// 32 bytes on which buzhash cuts.
bytes cutting_window() {
  for (std::uint64_t seed = 1;; ++seed) {
    const bytes some = random_bytes(1 << 18, seed);
    std::uint32_t state = 0;
    for (std::size_t i = 0; i < some.size(); ++i) {
      state = std::rotl(state, 1) ^ entry(some[i]) ^ (i < 32 ? 0 : entry(some[i - 32]));
      if (i >= 31 && state % (1u << 17) == 0) return {some.data() + i - 31, some.data() + i + 1};
    }
  }
}

/// A byte of which any number in a row makes no cut.
std::byte quiet_byte() {
  for (int b = 0; b < 256; ++b) {
    if (std::popcount(buzhash_table[static_cast<std::size_t>(b)]) % 2 == 1) return static_cast<std::byte>(b);
  }
  FAIL("no such byte");
  return {};
}

TEST_CASE("buzhash: each bit of the table is set in half of the entries") {
  for (int bit = 0; bit < 32; ++bit) {
    CHECK(std::ranges::count_if(buzhash_table, [bit](std::uint32_t e) { return (e >> bit & 1) != 0; }) == 128);
  }
}

TEST_CASE("buzhash: random bytes are cut as the plain algorithm cuts them") {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    const bytes data = random_bytes((2 << 20) + 4099 * static_cast<std::size_t>(seed), seed);
    check_chunks(buzhash_chunker{}, data, plain);
  }
}

TEST_CASE("buzhash: equal bytes are cut at the minimum or the maximum, for every byte") {
  for (int b = 0; b < 256; b += 5) {
    const bytes data(most + 1000, static_cast<std::byte>(b));
    const std::size_t cut = buzhash_chunker{}.next_cut(data, true);
    CAPTURE(b);
    CHECK(cut == plain(data));
    CHECK((cut == least || cut == most));
  }
}

TEST_CASE("buzhash: a cut is found at every kind of place") {
  const bytes window = cutting_window();
  const std::byte quiet = quiet_byte();
  bytes data(most + 100, quiet);
  REQUIRE(buzhash_chunker{}.next_cut(data, true) == most);
  for (const std::size_t base :
       {least, least + 512, least + 4096, least + 16384, least + 65536, most - 512, most}) {
    for (std::size_t cut = base - 2; cut <= base + 2; ++cut) {
      data.assign(data.size(), quiet);
      std::ranges::copy(window, data.begin() + static_cast<std::ptrdiff_t>(cut - 32));
      CAPTURE(cut);
      CHECK(plain(data) == (cut >= least && cut < most ? cut : most));
      check_chunks(buzhash_chunker{}, data, plain);
    }
  }
}

TEST_CASE("buzhash: what is shorter than the minimum is one chunk") {
  const bytes data = random_bytes(least + 40, 9);
  for (const std::size_t size :
       {std::size_t{1}, std::size_t{31}, std::size_t{33}, least - 1, least, least + 1}) {
    CAPTURE(size);
    const shoal::bytes_view file = shoal::bytes_view{data}.first(size);
    CHECK(buzhash_chunker{}.next_cut(file, true) == plain(file));
    CHECK(cut_all(buzhash_chunker{}, file).front() == plain(file));
  }
  CHECK(buzhash_chunker{}.next_cut(shoal::bytes_view{data}.first(least - 1), true) == least - 1);
  CHECK(buzhash_chunker{}.next_cut(shoal::bytes_view{data}.first(least - 1), false) == 0);
}

}  // namespace
