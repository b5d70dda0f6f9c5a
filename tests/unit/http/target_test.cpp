// SPDX-License-Identifier: BSL-1.0
#include <shoal/http/target.hpp>  // first: shows that the header stands alone

#include <string>
#include <string_view>

#include <doctest/doctest.h>

namespace {

using namespace shoal::http;
using shoal::errc;

TEST_CASE("a target is a path and a query of parameters") {
  const target_parts parts = split_target("/a/b?x=1&y&=z&w=a=b");
  CHECK(parts.path == "/a/b");
  std::string_view rest = parts.query;
  const auto expect = [&rest](std::string_view name, std::string_view value) {
    const query_parameter p = take_parameter(rest);
    CHECK(p.name == name);
    CHECK(p.value == value);
  };
  expect("x", "1");
  expect("y", "");
  expect("", "z");
  expect("w", "a=b");
  CHECK(rest.empty());
  CHECK(split_target("/a").query.empty());
  CHECK(split_target("/a?").path == "/a");
}

TEST_CASE("percent signs are decoded once, and must be followed by two digits") {
  CHECK(*percent_decode("a%20b%2F%c3%A9+") == "a b/\xc3\xa9+");
  CHECK(*percent_decode("%2541") == "%41");
  CHECK(percent_decode("%00")->size() == 1);
  for (const std::string_view wrong : {"%", "%1", "%g0", "%0g", "a%2", "%-1", "%+1"}) {
    CHECK(percent_decode(wrong).error() == errc::malformed);
  }
}

TEST_CASE("what was encoded decodes to the same") {
  std::string all;
  for (int c = 0; c < 256; ++c) all.push_back(static_cast<char>(c));
  std::string text;
  append_percent_encoded(text, all, "/");
  CHECK(text.find('/') != std::string::npos);
  CHECK(text.find(' ') == std::string::npos);
  CHECK(*percent_decode(text) == all);
}

}  // namespace
