// SPDX-License-Identifier: BSL-1.0
#include <shoal/http/target.hpp>  // first: shows that the header stands alone

#include <string_view>

#include <doctest/doctest.h>

namespace {

using namespace shoal::http;

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

}  // namespace
