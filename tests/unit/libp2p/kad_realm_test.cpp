// SPDX-License-Identifier: BSL-1.0
#include <shoal/libp2p/kad_realm.hpp>  // first: shows that the header stands alone

#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace {

using shoal::libp2p::kad_network;
using shoal::libp2p::kad_realm;
using shoal::libp2p::multiaddr;

multiaddr address(const std::string& text) {
  return *multiaddr::parse(text);
}

TEST_CASE("each network has its protocol") {
  CHECK(kad_realm{kad_network::lan}.protocol() == "/ipfs/lan/kad/1.0.0");
  CHECK(kad_realm{kad_network::global}.protocol() == "/ipfs/kad/1.0.0");
}

TEST_CASE("the public table keeps public addresses alone") {
  const kad_realm realm{kad_network::global, true};
  for (const char* kept : {"/ip4/8.8.8.8/tcp/4001", "/ip6/2a00::1/udp/1/quic-v1", "/dns4/example.org/tcp/443",
                           "/dnsaddr/bootstrap.libp2p.io"}) {
    CAPTURE(kept);
    CHECK(realm.keeps(address(kept)));
  }
  for (const char* dropped : {"/ip4/10.0.0.1/tcp/1", "/ip4/127.0.0.1/tcp/1", "/ip6/fd00::1/tcp/1",
                              "/dns/localhost/tcp/1", "/unix/a", "/ip6zone/eth0/ip6/fe80::1/tcp/1"}) {
    CAPTURE(dropped);
    CHECK_FALSE(realm.keeps(address(dropped)));
  }
  CHECK_FALSE(realm.keeps(multiaddr{}));
}

TEST_CASE("the local table keeps what neighbours may reach") {
  const kad_realm realm{kad_network::lan};
  for (const char* kept : {"/ip4/10.0.0.1/tcp/1", "/ip4/169.254.1.1/tcp/1", "/ip6/fd00::1/tcp/1",
                           "/ip6/2a00::1/tcp/1", "/ip4/8.8.8.8/tcp/1", "/dns4/server.example/tcp/1"}) {
    CAPTURE(kept);
    CHECK(realm.keeps(address(kept)));
  }
  for (const char* dropped :
       {"/ip4/127.0.0.1/tcp/1", "/ip6/::1/tcp/1", "/ip6/fe80::1/tcp/1", "/ip4/0.0.0.0/tcp/1"}) {
    CAPTURE(dropped);
    CHECK_FALSE(realm.keeps(address(dropped)));
  }
  CHECK(kad_realm{kad_network::lan, true}.keeps(address("/ip4/127.0.0.1/tcp/1")));
  CHECK(kad_realm{kad_network::lan, true}.keeps(address("/ip6/::1/tcp/1")));
}

TEST_CASE("of a list the first that make sense are kept") {
  const std::vector<multiaddr> all{address("/ip4/127.0.0.1/tcp/1"), address("/ip4/10.0.0.1/tcp/1"),
                                   address("/ip4/10.0.0.2/tcp/1"), address("/ip4/10.0.0.3/tcp/1")};
  CHECK(kad_realm{}.keep(all, 2) == std::vector{all[1], all[2]});
  CHECK(kad_realm{}.keep(all, 9).size() == 3);
}

}  // namespace
