// SPDX-License-Identifier: BSL-1.0
#include <shoal/http/syntax.hpp>  // first: shows that the header stands alone

#include <string_view>
#include <vector>

#include <doctest/doctest.h>

namespace {

using namespace shoal::http;
using shoal::errc;

std::vector<std::string_view> members(std::string_view list, char separator = ',') {
  std::vector<std::string_view> out;
  while (!list.empty()) out.push_back(take_member(list, separator));
  return out;
}

TEST_CASE("names compare without case, and only ASCII has case") {
  CHECK(equal_ignoring_case("Content-Length", "content-LENGTH"));
  CHECK_FALSE(equal_ignoring_case("Content-Length", "Content-Lengt"));
  CHECK_FALSE(equal_ignoring_case("[", "{"));
}

TEST_CASE("a token has no separators, spaces or control characters") {
  CHECK(is_token("GET"));
  CHECK(is_token("!#$%&'*+-.^_`|~09azAZ"));
  for (const std::string_view wrong : {"", " ", "a b", "a:", "a(", "\x7f", "\xe9", "a\r"})
    CHECK_FALSE(is_token(wrong));
}

TEST_CASE("a list is cut at separators outside quotes") {
  CHECK(members("a, b ,c") == std::vector<std::string_view>{"a", "b", "c"});
  CHECK(members("a,,b,") == std::vector<std::string_view>{"a", "", "b"});
  CHECK(members("x=\"1,2\\\",3\", y") == std::vector<std::string_view>{"x=\"1,2\\\",3\"", "y"});
  CHECK(members("\"never closed, a") == std::vector<std::string_view>{"\"never closed, a"});
  CHECK(members("\"\\") == std::vector<std::string_view>{"\"\\"});
}

TEST_CASE("a number is digits and nothing else, and fits into 63 bits") {
  CHECK(*parse_decimal("0") == 0);
  CHECK(*parse_decimal("9223372036854775807") == 9223372036854775807u);
  CHECK(parse_decimal("9223372036854775808").error() == errc::limit_exceeded);
  CHECK(parse_decimal("99999999999999999999999").error() == errc::limit_exceeded);
  for (const std::string_view wrong : {"", "+1", "-1", " 1", "1 ", "0x1", "1,1", "1\r"}) {
    CHECK(parse_decimal(wrong).error() == errc::malformed);
  }
}

}  // namespace
