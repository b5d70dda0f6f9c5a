// SPDX-License-Identifier: BSL-1.0
#include <shoal/libp2p/swarm_key.hpp>  // first: shows that the header stands alone

#include <string>

#include <doctest/doctest.h>

#include "vectors.hpp"

namespace {

using shoal::errc;
using shoal::libp2p::swarm_key;
using vectors::hex;

const std::string head = "/key/swarm/psk/1.0.0/\n";
const std::string digits = "0011223344556677889900aabbccddeeff0123456789abcdeffedcba98765432";

TEST_CASE("a key is read from each of its three forms") {
  const auto check = [](const std::string& file) {
    CAPTURE(file);
    const auto key = swarm_key::parse(file);
    REQUIRE(key);
    CHECK(hex(key->bytes.view()) == digits);
  };
  check(head + "/base16/\n" + digits);
  check(head + "/base16/\n" + digits + "\n");
  check("/key/swarm/psk/1.0.0/\r\n/base16/\r\n" + digits + "\r\n\n");
  check(head + "/base64/\nABEiM0RVZneImQCqu8zd7v8BI0VniavN7/7cuph2VDI=\n");
  const auto raw = vectors::unhex(digits);
  check(head + "/bin/\n" + std::string{shoal::as_text(raw)});
}

TEST_CASE("it is written as Kubo and Helia write it") {
  const std::string file = head + "/base16/\n" + digits + "\n";
  CHECK(swarm_key::parse(file)->to_file() == file);
}

TEST_CASE("what is not a swarm key is refused") {
  CHECK(swarm_key::parse("").error() == errc::truncated);
  CHECK(swarm_key::parse(head).error() == errc::truncated);
  CHECK(swarm_key::parse(head + "/base16/").error() == errc::truncated);
  CHECK(swarm_key::parse(head + "/base16/\n \n").error() == errc::truncated);
  CHECK(swarm_key::parse(head + "/base16/\n" + digits.substr(2)).error() == errc::malformed);
  CHECK(swarm_key::parse(head + "/base16/\n" + digits + "00").error() == errc::malformed);
  CHECK(swarm_key::parse(head + "/base16/\n" + digits.substr(1) + "g").error() == errc::malformed);
  CHECK(swarm_key::parse(head + "/base16/\n" + digits + "\n" + digits).error() == errc::malformed);
  CHECK(swarm_key::parse(head + "/bin/\n" + digits).error() == errc::malformed);
  CHECK(swarm_key::parse(head + "/base32/\n" + digits).error() == errc::unsupported);
  CHECK(swarm_key::parse("/key/swarm/psk/2.0.0/\n/base16/\n" + digits).error() == errc::unsupported);
}

}  // namespace
