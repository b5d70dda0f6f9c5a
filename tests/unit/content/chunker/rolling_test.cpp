// SPDX-License-Identifier: BSL-1.0
#include <shoal/content/chunker/rolling.hpp>  // first: shows that the header stands alone

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

namespace {

/// A hit is where the last four bytes are 1, 2, 3, 4.
struct last_four {
  using state = std::uint32_t;
  static constexpr std::size_t window = 4;

  static state add(state s, std::byte in) noexcept { return s << 8 | std::to_integer<std::uint32_t>(in); }
  static state roll(state s, const std::byte* at) noexcept { return add(s, *at); }
  static bool hit(state s) noexcept { return s == 0x01020304; }
};
static_assert(shoal::rolling_hash<last_four>);

constexpr std::size_t size = 40000;  // two rounds of long lanes, several of short ones, and a tail

void plant(std::vector<std::byte>& data, std::size_t end) {
  for (std::size_t i = 0; i < 4; ++i) data[end - 4 + i] = static_cast<std::byte>(i + 1);
}

std::size_t find(const std::vector<std::byte>& data, std::size_t begin, std::size_t from, std::size_t to) {
  return shoal::first_hit(last_four{}, data.data(), begin, from, to);
}

TEST_CASE("rolling: a hit is found wherever it is") {
  std::vector<std::byte> data(size);
  for (std::size_t end = 4; end <= size; end += end % 512 < 8 || end % 512 > 504 ? 1u : 13u) {
    data.assign(size, std::byte{});
    plant(data, end);
    CAPTURE(end);
    REQUIRE(find(data, 0, 4, size) == end);
  }
}

TEST_CASE("rolling: of several hits the first in the input counts, not the first that a lane meets") {
  // far into the first lanes, early in the later ones
  const std::array<std::size_t, 9> ends{400, 2040, 4090, 4100, 8200, 12300, 16380, 16390, 33000};
  std::vector<std::byte> data(size);
  for (auto end = ends.rbegin(); end != ends.rend(); ++end) {
    plant(data, *end);
    REQUIRE(find(data, 0, 4, size) == *end);
  }
}

TEST_CASE("rolling: both ends of the range belong to it, and nothing beyond") {
  std::vector<std::byte> data(size);
  plant(data, 5000);
  plant(data, 30000);
  CHECK(find(data, 0, 5000, size) == 5000);
  CHECK(find(data, 0, 5001, 30000) == 30000);
  CHECK(find(data, 0, 5001, 29999) == 0);
  CHECK(find(data, 0, 30000, 30000) == 30000);
}

TEST_CASE("rolling: the hash sees nothing before its beginning") {
  std::vector<std::byte> data(size);
  plant(data, 100);
  CHECK(find(data, 96, 97, size) == 100);
  CHECK(find(data, 97, 98, size) == 0);
}

}  // namespace
