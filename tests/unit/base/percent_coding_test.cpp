// SPDX-License-Identifier: BSL-1.0
#include <shoal/base/percent_coding.hpp>  // first: shows that the header stands alone

#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include <shoal/base/error.hpp>

namespace {

using namespace shoal;

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
