// SPDX-License-Identifier: BSL-1.0
#include <shoal/http/status.hpp>  // first: shows that the header stands alone

#include <doctest/doctest.h>

TEST_CASE("a status that is in use has a phrase") {
  CHECK(shoal::http::reason_phrase(200) == "OK");
  CHECK(shoal::http::reason_phrase(431) == "Request Header Fields Too Large");
  CHECK(shoal::http::reason_phrase(999).empty());
}
