// SPDX-License-Identifier: BSL-1.0
#include <shoal/gateway/byte_range.hpp>  // first: shows that the header stands alone

#include <cstdint>
#include <string_view>

#include <doctest/doctest.h>

namespace {

using shoal::errc;
using shoal::gateway::byte_range;
using shoal::gateway::byte_window;

byte_window within(std::string_view text, std::uint64_t size) {
  const auto range = byte_range::parse(text);
  REQUIRE(range.has_value());
  CHECK(range->text() == text);
  return range->within(size);
}

TEST_CASE("a range names its first and its last byte, from the start or from the end") {
  CHECK(within("0:*", 100) == byte_window{0, 100});
  CHECK(within("0:0", 100) == byte_window{0, 1});
  CHECK(within("10:19", 100) == byte_window{10, 20});
  CHECK(within("-10:*", 100) == byte_window{90, 100});
  CHECK(within("-10:-1", 100) == byte_window{90, 100});
  CHECK(within("-10:-10", 100) == byte_window{90, 91});
  CHECK(within("5:-6", 100) == byte_window{5, 95});
}

TEST_CASE("what lies outside of the file is left out") {
  CHECK(within("90:1000", 100) == byte_window{90, 100});
  CHECK(within("-1000:*", 100) == byte_window{0, 100});
  CHECK(within("-1000:-51", 100) == byte_window{0, 50});
  CHECK(within("0:*", 0) == byte_window{0, 0});
  CHECK(within("0:-9223372036854775808", 100) == byte_window{0, 0});
  CHECK(within("-9223372036854775808:9223372036854775807", 100) == byte_window{0, 100});
}

TEST_CASE("a range without bytes is empty, wherever it is") {
  for (const std::string_view text : {"5:4", "100:*", "1000:2000", "0:-101", "50:-90"}) {
    const byte_window window = within(text, 100);
    CHECK(window.first == window.last);
  }
}

TEST_CASE("only a range behind the end of a file is beyond it") {
  CHECK(byte_range{100, {}}.is_beyond(100));
  CHECK_FALSE(byte_range{99, {}}.is_beyond(100));
  CHECK_FALSE(byte_range{0, {}}.is_beyond(0));
  CHECK_FALSE(byte_range{5, {}}.is_beyond(0));
  CHECK_FALSE(byte_range{-500, -400}.is_beyond(100));
}

TEST_CASE("a range is two numbers") {
  for (const std::string_view wrong : {"", ":", "1", "1:", ":1", "*:1", "*:*", "1:2:3", "1-2", "a:b", "+1:2",
                                       "1: 2", "99999999999999999999:*", "1:**"}) {
    CAPTURE(wrong);
    CHECK(byte_range::parse(wrong).error() == errc::malformed);
  }
}

}  // namespace
