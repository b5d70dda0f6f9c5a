// SPDX-License-Identifier: BSL-1.0
#include <shoal/cbor/utf8.hpp>  // first: shows that the header stands alone

#include <doctest/doctest.h>

namespace {

bool valid(std::string_view text) {
  return shoal::cbor::is_utf8(shoal::as_bytes(text));
}

TEST_CASE("text of one to four bytes a character is UTF-8, up to the last code point") {
  CHECK(valid(""));
  CHECK(valid("a\x7f"));
  CHECK(valid("\xc2\x80\xdf\xbf"));
  CHECK(valid("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"));
  CHECK(valid("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"));
}

TEST_CASE("overlong forms, surrogates, halves and what is past the last code point are not") {
  for (const char* const text : {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2z", "\xe0\x9f\xbf",
                                 "\xe1\x80", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf",
                                 "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf1\x80\x80", "\xff", "a\xfe"}) {
    CHECK_FALSE(valid(text));
  }
}

}  // namespace
