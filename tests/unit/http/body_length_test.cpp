// SPDX-License-Identifier: BSL-1.0
#include <shoal/http/body_length.hpp>  // first: shows that the header stands alone

#include <string_view>

#include <doctest/doctest.h>

namespace {

using shoal::errc;
using shoal::result;
using shoal::http::body_length;
using kind = shoal::http::body_length::kind;

result<body_length> of(std::string_view lines, unsigned minor_version = 1) {
  const auto fields = shoal::http::field_list::parse(lines);
  REQUIRE(fields.has_value());
  return body_length::of(*fields, minor_version);
}

TEST_CASE("a length, a coding, or nothing says where a body ends") {
  CHECK(*of("") == body_length{kind::unsaid, 0});
  CHECK(*of("Content-Length: 17\r\n") == body_length{kind::sized, 17});
  CHECK(*of("transfer-encoding: Chunked\r\n") == body_length{kind::chunked, 0});
}

TEST_CASE("what smuggles requests past a proxy is refused") {
  CHECK(of("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n").error() == errc::malformed);
  CHECK(of("Content-Length: 1\r\nContent-Length: 1\r\n").error() == errc::malformed);
  CHECK(of("Content-Length: 1, 1\r\n").error() == errc::malformed);
  CHECK(of("Content-Length: +1\r\n").error() == errc::malformed);
  CHECK(of("Content-Length: 99999999999999999999\r\n").error() == errc::limit_exceeded);
  CHECK(of("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n").error() == errc::malformed);
  CHECK(of("Transfer-Encoding: gzip, chunked\r\n").error() == errc::unsupported);
  CHECK(of("Transfer-Encoding: chunked\r\n", 0).error() == errc::malformed);
}

}  // namespace
