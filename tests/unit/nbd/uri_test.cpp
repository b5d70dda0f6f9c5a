// SPDX-License-Identifier: BSL-1.0
#include <shoal/nbd/uri.hpp>  // first: shows that the header stands alone

#include <string>

#include <doctest/doctest.h>

namespace {

using shoal::errc;
using shoal::nbd::uri;

uri parsed(const char* text) {
  const auto read = uri::parse(text);
  REQUIRE_MESSAGE(read, text);
  return *read;
}

TEST_CASE("the examples of the specification name the exports that it says") {
  CHECK(parsed("nbd://example.com/disk").export_name == "disk");
  CHECK(parsed("nbd+unix:///disk?socket=sock").export_name == "disk");
  CHECK(parsed("nbd://example.com/").export_name.empty());
  CHECK(parsed("nbd://example.com").export_name.empty());
  CHECK(parsed("nbd://example.com//disk").export_name == "/disk");
  CHECK(parsed("nbd://example.com/hello%20world").export_name == "hello world");
  CHECK(parsed("nbd+unix:///?socket=%00/abstract").socket == std::string{"\0/abstract", 10});
}

TEST_CASE("a place is a host and a port, or a socket") {
  CHECK(parsed("nbd://[::1]:99/x") == uri{.host = "::1", .port = 99, .socket = {}, .export_name = "x"});
  CHECK(parsed("nbd://[::1]").port == uri::default_port);
  CHECK(parsed("nbds://alice@host:10810/").host == "host");
  CHECK(parsed("nbds://alice@host:10810/").tls);
  CHECK(parsed("nbds+unix:///e?tls-type=psk&socket=/a%26b#part").socket == "/a&b");
}

TEST_CASE("text() is what parse() reads") {
  const uri all[] = {
      {.host = "localhost", .socket = {}, .export_name = {}},
      {.tls = true, .host = "::1", .port = 1, .socket = {}, .export_name = "a/b c%?#&"},
      {.host = {}, .socket = "/run/a b?&#%.sock", .export_name = "\xc3\xa9"},
      {.tls = true, .host = "h", .socket = {}, .export_name = {}, .tls_certificates = "/etc/pki/a&b"},
      {.tls = true, .host = {}, .socket = "/s", .export_name = {}, .tls_certificates = "/etc/pki"},
  };
  for (const uri& each : all) {
    CAPTURE(each.text());
    CHECK(parsed(each.text().c_str()) == each);
  }
  CHECK(all[0].text() == "nbd://localhost/");
  CHECK(all[4].text() == "nbds+unix:///?socket=/s&tls-certificates=/etc/pki");
  CHECK(all[1].text() == "nbds://[::1]:1/a/b%20c%25%3F%23%26");
}

TEST_CASE("what is no URI of an export is refused") {
  for (const char* text :
       {"", "nbd:", "nbd//host", "nbd://", "nbd:///disk", "nbd+unix:///disk", "nbd+unix://h/?socket=s",
        "nbd://host?socket=s", "nbd://host:/%2", "nbd://host/%zz", "nbd://host:65536", "nbd://host:1x",
        "nbd://::1/x", "nbd://[::1/x", "nbd://a%2Fb/x"}) {
    CAPTURE(text);
    CHECK(uri::parse(text).error() == errc::malformed);
  }
  CHECK(uri::parse("http://host/").error() == errc::unsupported);
}

}  // namespace
