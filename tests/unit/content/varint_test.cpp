// SPDX-License-Identifier: BSL-1.0
#include <shoal/content/varint.hpp>  // first: shows that the header stands alone

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

namespace {

using namespace std::string_view_literals;
using shoal::bytes_view;
using shoal::errc;

// The examples of the specification, and both sides of every length.
constexpr std::pair<std::uint64_t, std::string_view> known[]{
    {0, "\x00"sv},
    {1, "\x01"sv},
    {127, "\x7f"sv},
    {128, "\x80\x01"sv},
    {255, "\xff\x01"sv},
    {300, "\xac\x02"sv},
    {16383, "\xff\x7f"sv},
    {16384, "\x80\x80\x01"sv},
    {(std::uint64_t{1} << 63) - 1, "\xff\xff\xff\xff\xff\xff\xff\xff\x7f"sv},
};

TEST_CASE("numbers are written and read as the specification shows them") {
  for (const auto& [value, text] : known) {
    CAPTURE(value);
    std::vector<std::byte> out;
    shoal::append_varint(out, value);
    CHECK(shoal::as_text(out) == text);
    CHECK(shoal::varint_size(value) == text.size());
    out.push_back(std::byte{0x55});
    bytes_view rest = out;
    CHECK(*shoal::take_varint(rest) == value);
    CHECK(shoal::as_text(rest) == "\x55");
  }
}

TEST_CASE("what is cut off, too long or not the shortest form is refused, and the input stays") {
  const auto refused = [](std::string_view text) {
    bytes_view input = shoal::as_bytes(text);
    const auto taken = shoal::take_varint(input);
    CHECK(input.size() == text.size());
    return taken.error();
  };
  CHECK(refused("") == errc::truncated);
  CHECK(refused("\x80") == errc::truncated);
  CHECK(refused("\xff\xff\xff\xff\xff\xff\xff\xff"sv) == errc::truncated);
  CHECK(refused("\x80\x00"sv) == errc::malformed);
  CHECK(refused("\x81\x80\x00"sv) == errc::malformed);
  CHECK(refused("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"sv) == errc::malformed);
  CHECK(refused("\x80\x80\x80\x80\x80\x80\x80\x80\x80"sv) == errc::malformed);
}

}  // namespace
