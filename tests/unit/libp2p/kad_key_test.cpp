// SPDX-License-Identifier: BSL-1.0
#include <shoal/libp2p/kad_key.hpp>  // first: shows that the header stands alone

#include <vector>

#include <doctest/doctest.h>

#include <shoal/base/bytes.hpp>

#include "kad_peers.hpp"
#include "vectors.hpp"

namespace {

using shoal::libp2p::bytes_of;
using shoal::libp2p::find_name_with_prefix;
using shoal::libp2p::kad_key;
using vectors::hex;

TEST_CASE("a key is the SHA-256 of a name") {
  CHECK(hex(kad_key::of(shoal::as_bytes("abc")).bytes()) ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(hex(bytes_of(kad_peers::name(1))).starts_with("122000000001"));
  CHECK(kad_key::of(kad_peers::name(1)) == kad_key::of(shoal::bytes_view{bytes_of(kad_peers::name(1))}));
}

TEST_CASE("distance is zero to oneself, the same both ways, and compares as a number") {
  const kad_key a = kad_key::of(shoal::as_bytes("a"));
  const kad_key b = kad_key::of(shoal::as_bytes("b"));
  const kad_key c = kad_key::of(shoal::as_bytes("c"));
  CHECK((a ^ a) == kad_key{});
  CHECK((a ^ b) == (b ^ a));
  CHECK(((a ^ b) ^ (b ^ c)) == (a ^ c));
  CHECK(kad_key{} < a);
  // ca97..., 3e23..., 2e7d...: b and c begin with the same three bits
  CHECK((b ^ c) < (a ^ c));
  CHECK(common_prefix(b, c) == 3);
  CHECK(common_prefix(a, b) == 0);
  CHECK(common_prefix(a, a) == 256);
}

TEST_CASE("a name is found for each bucket") {
  const kad_key self = kad_key::of(shoal::as_bytes("self"));
  for (std::size_t prefix = 0; prefix <= 6; ++prefix) {
    CHECK(common_prefix(self, kad_key::of(find_name_with_prefix(self, prefix, 7))) == prefix);
  }
  CHECK(find_name_with_prefix(self, 3, 1) != find_name_with_prefix(self, 3, 2));
}

}  // namespace
