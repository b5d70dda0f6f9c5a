// SPDX-License-Identifier: BSL-1.0
#include <shoal/http/url.hpp>  // first: shows that the header stands alone

#include <string>
#include <string_view>

#include <doctest/doctest.h>

namespace {

using shoal::errc;
using shoal::http::url;

TEST_CASE("a URL says which server, which port and which path") {
  CHECK(*url::parse("http://a") == url{false, "a", 80, "/"});
  CHECK(*url::parse("HTTPS://a.example:8443/b/c?d=e#f") == url{true, "a.example", 8443, "/b/c?d=e"});
  CHECK(*url::parse("https://[::1]/x") == url{true, "::1", 443, "/x"});
  CHECK(*url::parse("http://[::1]:8080?q") == url{false, "::1", 8080, "/?q"});
  CHECK(url::parse("http://[::1]:8080")->authority() == "[::1]:8080");
  CHECK(url::parse("https://a:443")->authority() == "a");
}

TEST_CASE("what is no URL of a web server is refused") {
  for (const std::string_view wrong :
       {"", "a", "http://", "http:///x", "http://a:", "http://a:0", "http://a:65536", "http://a:80x",
        "http://user@a", "http://::1", "http://[::1", "http://[a]b", "http://a b/", "http://a/b c",
        "http://a/\r\n", "http://a%20"}) {
    CAPTURE(wrong);
    CHECK(url::parse(wrong).error() == errc::malformed);
  }
  CHECK(url::parse("ftp://a").error() == errc::unsupported);
  CHECK(url::parse("http://" + std::string(url::max_size, 'a')).error() == errc::limit_exceeded);
}

TEST_CASE("a redirect leads to another server or another path") {
  const url from = *url::parse("http://a:81/b/c");
  CHECK(*from.resolve("/d?e") == url{false, "a", 81, "/d?e"});
  CHECK(*from.resolve("https://f/g") == url{true, "f", 443, "/g"});
  CHECK(*from.resolve("//h/i") == url{false, "h", 80, "/i"});
  CHECK(from.resolve("j").error() == errc::unsupported);
  CHECK(from.resolve("").error() == errc::unsupported);
}

}  // namespace
