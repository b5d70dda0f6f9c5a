// SPDX-License-Identifier: BSL-1.0
#include <shoal/libp2p/ip_scope.hpp>  // first: shows that the header stands alone

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/libp2p/multiaddr.hpp>

namespace {

using shoal::libp2p::ip_scope;
using shoal::libp2p::multiaddr;
using shoal::libp2p::scope_of;

ip_scope ip4(const std::string& address) {
  return *scope_of(*multiaddr::parse("/ip4/" + address + "/tcp/1"));
}
ip_scope ip6(const std::string& address) {
  return *scope_of(*multiaddr::parse("/ip6/" + address + "/tcp/1"));
}

TEST_CASE("IPv4 networks end where they end") {
  for (const char* address : {"127.0.0.1", "127.255.255.255"}) CHECK(ip4(address) == ip_scope::loopback);
  for (const char* address : {"169.254.0.0", "169.254.255.255"}) CHECK(ip4(address) == ip_scope::link);
  for (const char* address : {"10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255", "172.16.0.0",
                              "172.31.255.255", "192.168.0.0", "192.168.255.255"}) {
    CAPTURE(address);
    CHECK(ip4(address) == ip_scope::site);
  }
  for (const char* address :
       {"1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.0.0.1", "128.0.0.1",
        "169.253.0.1", "172.15.255.255", "172.32.0.0", "192.0.1.1", "192.167.0.1", "192.169.0.0", "198.17.0.1",
        "198.20.0.0", "223.255.255.255"}) {
    CAPTURE(address);
    CHECK(ip4(address) == ip_scope::global);
  }
  for (const char* address : {"0.0.0.0", "0.1.2.3", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.19.255.255",
                              "198.51.100.9", "203.0.113.9", "224.0.0.251", "240.0.0.1", "255.255.255.255"}) {
    CAPTURE(address);
    CHECK(ip4(address) == ip_scope::nowhere);
  }
}

TEST_CASE("IPv6 networks end where they end") {
  CHECK(ip6("::1") == ip_scope::loopback);
  for (const char* address : {"fe80::1", "febf::1"}) CHECK(ip6(address) == ip_scope::link);
  for (const char* address : {"fc00::1", "fdff::1"}) CHECK(ip6(address) == ip_scope::site);
  for (const char* address : {"2001:4860::8888", "2a00::1", "3fff:ffff::1"})
    CHECK(ip6(address) == ip_scope::global);
  for (const char* address : {"::", "::2", "ff02::fb", "2001:db8::1", "fec0::1", "1fff::1", "4000::1"}) {
    CAPTURE(address);
    CHECK(ip6(address) == ip_scope::nowhere);
  }
}

TEST_CASE("an IPv4 address in an IPv6 one is what it is by itself") {
  CHECK(ip6("::ffff:127.0.0.1") == ip_scope::loopback);
  CHECK(ip6("::ffff:10.0.0.1") == ip_scope::site);
  CHECK(ip6("::ffff:8.8.8.8") == ip_scope::global);
}

TEST_CASE("what begins with no IP address has no scope") {
  CHECK_FALSE(scope_of(*multiaddr::parse("/dns4/example.org/tcp/1")));
  CHECK_FALSE(scope_of(multiaddr{}));
}

}  // namespace
