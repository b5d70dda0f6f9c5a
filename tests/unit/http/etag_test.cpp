// SPDX-License-Identifier: BSL-1.0
#include <shoal/http/etag.hpp>  // first: shows that the header stands alone

#include <doctest/doctest.h>

namespace {

using shoal::http::any_etag_matches;

TEST_CASE("a client has a version if it lists its tag, weak or strong") {
  CHECK(any_etag_matches("\"a\"", "\"a\""));
  CHECK(any_etag_matches("\"x\", W/\"a,b\" ,\"y\"", "\"a,b\""));
  CHECK(any_etag_matches("\"a\"", "W/\"a\""));
  CHECK(any_etag_matches("*", "\"a\""));
  CHECK_FALSE(any_etag_matches("\"b\"", "\"a\""));
  CHECK_FALSE(any_etag_matches("a", "\"a\""));
  CHECK_FALSE(any_etag_matches("", "\"a\""));
}

}  // namespace
