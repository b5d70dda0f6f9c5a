// SPDX-License-Identifier: BSL-1.0
#include <shoal/content/chunker/fastcdc.hpp>  // first: shows that the header stands alone

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "checks.hpp"

namespace {

using chunker_test::bytes;
using chunker_test::check_chunks;
using chunker_test::random_bytes;
using shoal::chunk_sizes;
using shoal::fastcdc_chunker;

struct cut {
  std::size_t length = 0;
  std::uint64_t fingerprint = 0;
  friend bool operator==(const cut&, const cut&) = default;
};

/// Two bytes at a time, as the paper has it (algorithm 2) and fastcdc-rs does.
cut plain(shoal::bytes_view data, chunk_sizes sizes, std::uint64_t before, std::uint64_t after,
          std::uint64_t seed) {
  const auto gear = [&](std::size_t i) {
    return shoal::gear_table[std::to_integer<std::size_t>(data[i])] ^ seed;
  };
  if (data.size() <= sizes.minimum) return {data.size(), 0};
  const std::size_t size = std::min(data.size(), sizes.maximum);
  const std::size_t middle = std::min(size, sizes.average);
  std::uint64_t hash = 0;
  for (std::size_t pair = sizes.minimum / 2; pair < size / 2; ++pair) {
    const std::uint64_t mask = pair < middle / 2 ? before : after;
    hash = (hash << 2) + (gear(2 * pair) << 1);
    if ((hash & (mask << 1)) == 0) return {2 * pair, hash};
    hash += gear(2 * pair + 1);
    if ((hash & mask) == 0) return {2 * pair + 1, hash};
  }
  return {size, hash};
}

void check(chunk_sizes sizes, std::uint64_t before, std::uint64_t after, const bytes& data,
           std::uint64_t seed = 0) {
  CAPTURE(sizes.average);
  const fastcdc_chunker chunker{sizes, seed};
  check_chunks(chunker, data,
               [&](shoal::bytes_view rest) { return plain(rest, sizes, before, after, seed).length; });
  for (shoal::bytes_view rest = data; !rest.empty();) {
    const std::size_t length = chunker.next_cut(rest, true);
    REQUIRE(cut{length, chunker.fingerprint(rest, length)} == plain(rest, sizes, before, after, seed));
    rest = rest.subspan(length);
  }
}

// The masks are written out again: a slip in the index would otherwise be the same on both sides.
constexpr std::uint64_t mask_7 = 0x0000000018035100;
constexpr std::uint64_t mask_9 = 0x0000019000353000;
constexpr std::uint64_t mask_11 = 0x0000d90003530000;
constexpr std::uint64_t mask_13 = 0x0000d90303530000;
constexpr std::uint64_t mask_15 = 0x0000d90f03530000;
constexpr std::uint64_t mask_17 = 0x0000d90703537000;
constexpr std::uint64_t mask_19 = 0x0000d91707537000;

TEST_CASE("fastcdc: random bytes are cut as the plain algorithm cuts them") {
  const bytes data = random_bytes(700001, 1);
  check({64, 256, 1024}, mask_9, mask_7, data);
  check({65, 255 + 2, 1023}, mask_9, mask_7, data);
  check({1024, 4096, 16384}, mask_13, mask_11, data);
  check({4096, 16384, 65535}, mask_15, mask_13, data);
  check({16383, 65535, 262143}, mask_17, mask_15, data);
  check({4096, 16384, 65535}, mask_15, mask_13, data, 666);
  check({65536, 262144, 1048576}, mask_19, mask_17, random_bytes(3 << 20, 2));
}

TEST_CASE("fastcdc: an average is taken for the nearest power of two") {
  const bytes data = random_bytes(400000, 3);
  check({1000, 5792, 20000}, mask_13, mask_11, data);   // 2^12.49985
  check({1000, 11586, 40000}, mask_15, mask_13, data);  // 2^13.50006
}

TEST_CASE("fastcdc: equal bytes are cut as the plain algorithm cuts them, for every byte") {
  for (int b = 0; b < 256; ++b)
    check({1024, 4096, 16384}, mask_13, mask_11, bytes(20000, static_cast<std::byte>(b)));
}

TEST_CASE("fastcdc: files of every length around the limits") {
  const bytes data = random_bytes(1100, 4);
  for (std::size_t size = 1; size <= data.size(); ++size) {
    check({64, 256, 1024}, mask_9, mask_7,
          bytes(data.begin(), data.begin() + static_cast<std::ptrdiff_t>(size)));
    check({256, 256, 256}, mask_9, mask_7,
          bytes(data.begin(), data.begin() + static_cast<std::ptrdiff_t>(size)));
  }
}

TEST_CASE("fastcdc: a cut is found at every kind of place") {
  constexpr chunk_sizes sizes{1024, 65536, 131072};
  const fastcdc_chunker chunker{sizes};
  constexpr std::uint64_t both = mask_17 | mask_15;  // a hit before the average and after it
  const bytes some = random_bytes(4 << 20, 5);
  const std::size_t at = plain(some, {64, some.size(), some.size()}, both, both, 0).length;
  REQUIRE(at < some.size());
  for (const std::size_t base : {1088u, 1536u, 3072u, 5120u, 17408u, 65536u, 66048u, 81920u, 131072u}) {
    for (std::size_t place = base - 2; place <= base + 2; ++place) {
      bytes data(140000, std::byte{1});
      std::copy_n(some.begin() + static_cast<std::ptrdiff_t>(at) - 63, 64,
                  data.begin() + static_cast<std::ptrdiff_t>(place) - 63);
      const cut expected = plain(data, sizes, mask_17, mask_15, 0);
      CAPTURE(place);
      CHECK(expected.length == std::min(place, sizes.maximum));
      CHECK(chunker.next_cut(data, true) == expected.length);
    }
  }
}

TEST_CASE("fastcdc: sizes that make no sense are refused") {
  CHECK_THROWS_AS(fastcdc_chunker({63, 256, 1024}), std::invalid_argument);
  CHECK_THROWS_AS(fastcdc_chunker({64, 255, 1024}), std::invalid_argument);
  CHECK_THROWS_AS(fastcdc_chunker({257, 256, 1024}), std::invalid_argument);
  CHECK_THROWS_AS(fastcdc_chunker({64, 256, 255}), std::invalid_argument);
  CHECK_THROWS_AS(fastcdc_chunker({64, (4 << 20) + 1, 16 << 20}), std::invalid_argument);
  CHECK(fastcdc_chunker({64, 4 << 20, 16 << 20}).max_size() == 16 << 20);
}

/// "fingerprint,length" a line; # begins a comment, and one line names the columns.
std::vector<cut> published(const std::string& name) {
  std::ifstream file{std::string{SHOAL_FIXTURES} + "/fastcdc-rs/" + name};
  std::vector<cut> cuts;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] < '0' || line[0] > '9') continue;
    cut one;
    char comma = 0;
    std::istringstream{line} >> one.fingerprint >> comma >> one.length;
    cuts.push_back(one);
  }
  return cuts;
}

TEST_CASE("fastcdc: the published cuts and fingerprints") {
  std::ifstream file{SHOAL_FIXTURES "/fastcdc-rs/test/fixtures/SekienAkashita.jpg", std::ios::binary};
  if (!file) {
    MESSAGE("skipped: no fixture SekienAkashita.jpg");
    return;
  }
  const std::string image{std::istreambuf_iterator<char>{file}, {}};
  for (const auto& [name, seed] :
       {std::pair{"sekien_v2020_16k.csv", 0}, {"sekien_v2020_16k_seed666.csv", 666}}) {
    const fastcdc_chunker chunker{{4096, 16384, 65535}, static_cast<std::uint64_t>(seed)};
    std::vector<cut> cuts;
    for (shoal::bytes_view rest = shoal::as_bytes(image); !rest.empty();
         rest = rest.subspan(cuts.back().length)) {
      const std::size_t length = chunker.next_cut(rest, true);
      cuts.push_back({length, chunker.fingerprint(rest, length)});
    }
    CAPTURE(name);
    CHECK(cuts.size() >= 4);
    CHECK(cuts == published(name));
  }
}

}  // namespace
