// SPDX-License-Identifier: BSL-1.0
#include <shoal/http/field_list.hpp>  // first: shows that the header stands alone

#include <string>
#include <string_view>

#include <doctest/doctest.h>

namespace {

using shoal::errc;
using shoal::http::field_list;

TEST_CASE("fields are found by name, and their values are trimmed") {
  const auto fields = field_list::parse("Host: a\r\nAccept:\t b , c \r\nX-Empty:\r\naccept: d\r\n");
  REQUIRE(fields.has_value());
  CHECK(fields->size() == 4);
  CHECK(fields->find("host") == "a");
  CHECK(fields->find("Accept") == "b , c");
  CHECK(fields->find("x-empty") == "");
  CHECK_FALSE(fields->find("Hos"));
  CHECK(fields->count("ACCEPT") == 2);
}

TEST_CASE("a member is looked for in all lists of a name") {
  const auto fields = field_list::parse("Connection: keep-alive\r\nconnection: Close, x\r\n");
  REQUIRE(fields.has_value());
  CHECK(fields->lists("Connection", "close"));
  CHECK(fields->lists("Connection", "x"));
  CHECK_FALSE(fields->lists("Connection", "clos"));
  CHECK_FALSE(fields->lists("Other", "close"));
}

TEST_CASE("lines that readers could disagree about are refused") {
  for (const std::string_view wrong :
       {"no colon\r\n", "Name : space\r\n", " Folded: line\r\n", "A: b\r\n folded\r\n", ": no name\r\n", "A: b",
        "A: b\rc\r\n", "A: b\nC: d\r\n", "A: \x01\r\n", "A: \x7f\r\n", "A\xff: b\r\n"}) {
    CAPTURE(wrong);
    CHECK(field_list::parse(wrong).error() == errc::malformed);
  }
  CHECK(field_list::parse(std::string_view{"A: \0\r\n", 6}).error() == errc::malformed);
  CHECK(field_list::parse("A: caf\xc3\xa9\r\n").has_value());
}

TEST_CASE("there are at most a hundred fields") {
  std::string lines;
  for (int i = 0; i < 100; ++i) lines += "A: b\r\n";
  CHECK(field_list::parse(lines)->size() == 100);
  CHECK(field_list::parse(lines + "A: b\r\n").error() == errc::limit_exceeded);
}

}  // namespace
