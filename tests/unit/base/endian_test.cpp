// SPDX-License-Identifier: BSL-1.0
#include <shoal/base/endian.hpp>  // first: shows that the header stands alone

#include <array>
#include <cstddef>
#include <cstdint>

#include <doctest/doctest.h>

namespace {

constexpr std::array<std::byte, 9> bytes{std::byte{0xff}, std::byte{0x01}, std::byte{0x02},
                                         std::byte{0x03}, std::byte{0x04}, std::byte{0x05},
                                         std::byte{0x06}, std::byte{0x07}, std::byte{0x88}};

TEST_CASE("integers are read in the order that was asked for, at any alignment") {
  const std::byte* const at = bytes.data() + 1;
  CHECK(shoal::load_be<std::uint8_t>(at) == 0x01);
  CHECK(shoal::load_be<std::uint16_t>(at) == 0x0102);
  CHECK(shoal::load_le<std::uint16_t>(at) == 0x0201);
  CHECK(shoal::load_be<std::uint32_t>(at) == 0x01020304);
  CHECK(shoal::load_le<std::uint32_t>(at) == 0x04030201);
  CHECK(shoal::load_be<std::uint64_t>(at) == 0x0102030405060788);
  CHECK(shoal::load_le<std::uint64_t>(at) == 0x8807060504030201);
}

TEST_CASE("what was written is read back, and its neighbours are left alone") {
  std::array<std::byte, 10> out{};
  shoal::store_be<std::uint64_t>(out.data() + 1, 0x8102030405060708);
  CHECK(out[0] == std::byte{});
  CHECK(out[1] == std::byte{0x81});
  CHECK(out[8] == std::byte{0x08});
  CHECK(out[9] == std::byte{});
  CHECK(shoal::load_be<std::uint64_t>(out.data() + 1) == 0x8102030405060708);
  shoal::store_le<std::uint16_t>(out.data() + 1, 0xabcd);
  CHECK(out[1] == std::byte{0xcd});
  CHECK(out[2] == std::byte{0xab});
  CHECK(out[3] == std::byte{0x03});
}

TEST_CASE("it all works while compiling") {
  static_assert(shoal::load_be<std::uint16_t>(bytes.data()) == 0xff01);
  static_assert(shoal::load_le<std::uint16_t>(bytes.data()) == 0x01ff);
  constexpr auto stored = [] {
    std::array<std::byte, 6> out{};
    shoal::store_be<std::uint16_t>(out.data(), 0x0102);
    shoal::store_le<std::uint32_t>(out.data() + 2, 0x03040506);
    return out;
  }();
  static_assert(shoal::load_be<std::uint16_t>(stored.data()) == 0x0102);
  static_assert(shoal::load_be<std::uint32_t>(stored.data() + 2) == 0x06050403);
}

}  // namespace
