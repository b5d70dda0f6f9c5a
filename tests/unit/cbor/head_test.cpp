// SPDX-License-Identifier: BSL-1.0
#include <shoal/cbor/head.hpp>  // first: shows that the header stands alone

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

namespace {

using namespace shoal::cbor;
using shoal::bytes_view;
using shoal::status;
using shoal::status_or;

std::vector<std::byte> bytes(std::initializer_list<int> values) {
  std::vector<std::byte> out;
  for (const int value : values) out.push_back(static_cast<std::byte>(value));
  return out;
}

status_or<head> read(const std::vector<std::byte>& input) {
  bytes_view rest = input;
  const auto h = take_head(rest);
  CHECK(rest.size() == (h ? 0 : input.size()));
  return h;
}

TEST_CASE("a head takes the least bytes and is read back, at every boundary") {
  for (const std::uint64_t value : {std::uint64_t{0}, std::uint64_t{23}, std::uint64_t{24}, std::uint64_t{255},
                                    std::uint64_t{256}, std::uint64_t{65535}, std::uint64_t{65536},
                                    std::uint64_t{UINT32_MAX}, std::uint64_t{UINT32_MAX} + 1, UINT64_MAX}) {
    CAPTURE(value);
    for (unsigned type = 0; type < 7; ++type) {
      std::array<std::byte, max_head_size> out;
      const std::size_t size = put_head(out.data(), major(type), value);
      CHECK(size == (value < 24 ? 1u : value < 256 ? 2u : value < 65536 ? 3u : value <= UINT32_MAX ? 5u : 9u));
      bytes_view rest = bytes_view{out}.first(size);
      const auto h = take_head(rest);
      REQUIRE(h);
      CHECK(h->type == major(type));
      CHECK(h->argument == value);
      CHECK(rest.empty());
      for (std::size_t n = 0; n < size; ++n) {
        bytes_view cut = bytes_view{out}.first(n);
        CHECK(take_head(cut).code == status::truncated);
      }
    }
  }
}

TEST_CASE("an argument in a longer form than it needs is malformed") {
  CHECK(read(bytes({0x18, 23})).code == status::malformed);
  CHECK(read(bytes({0x19, 0, 255})).code == status::malformed);
  CHECK(read(bytes({0x5a, 0, 0, 255, 255})).code == status::malformed);
  CHECK(read(bytes({0xbb, 0, 0, 0, 0, 255, 255, 255, 255})).code == status::malformed);
  CHECK(read(bytes({0xf8, 31})).code == status::malformed);
  CHECK(read(bytes({0xf8, 32})));
}

TEST_CASE("reserved values are malformed and indefinite lengths are unsupported") {
  for (int type = 0; type < 8; ++type) {
    for (int info = 28; info < 31; ++info) CHECK(read(bytes({type << 5 | info})).code == status::malformed);
    CHECK(read(bytes({type << 5 | 31})).code == status::unsupported);
  }
}

TEST_CASE("floats of two, four and eight bytes have their values") {
  const auto value = [](std::initializer_list<int> b) { return float_value(*read(bytes(b))); };
  CHECK(value({0xf9, 0x3c, 0x00}) == 1.0);
  CHECK(value({0xf9, 0xc4, 0x00}) == -4.0);
  CHECK(value({0xf9, 0x7b, 0xff}) == 65504.0);
  CHECK(value({0xf9, 0x00, 0x01}) == 5.960464477539063e-08);
  CHECK(value({0xf9, 0x04, 0x00}) == 6.103515625e-05);
  CHECK(value({0xf9, 0x83, 0xff}) == -1023 * 5.960464477539063e-08);
  CHECK(std::signbit(value({0xf9, 0x80, 0x00})));
  CHECK(value({0xf9, 0x7c, 0x00}) == std::numeric_limits<double>::infinity());
  CHECK(value({0xf9, 0xfc, 0x00}) == -std::numeric_limits<double>::infinity());
  CHECK(std::isnan(value({0xf9, 0x7e, 0x00})));
  CHECK(value({0xfa, 0x47, 0xc3, 0x50, 0x00}) == 100000.0);
  CHECK(value({0xfb, 0x3f, 0xf1, 0x99, 0x99, 0x99, 0x99, 0x99, 0x9a}) == 1.1);
}

}  // namespace
