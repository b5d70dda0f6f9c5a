// SPDX-License-Identifier: BSL-1.0
#include <shoal/http/date.hpp>  // first: shows that the header stands alone

#include <doctest/doctest.h>

namespace {

using shoal::http::http_date;

TEST_CASE("a date is written in the one form that HTTP has") {
  CHECK(http_date(784111777) == "Sun, 06 Nov 1994 08:49:37 GMT");  // the specification's example
  CHECK(http_date(0) == "Thu, 01 Jan 1970 00:00:00 GMT");
  CHECK(http_date(1709164800) == "Thu, 29 Feb 2024 00:00:00 GMT");
  CHECK(http_date(253402300799) == "Fri, 31 Dec 9999 23:59:59 GMT");
}

}  // namespace
