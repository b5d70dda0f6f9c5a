// SPDX-License-Identifier: BSL-1.0
#include <shoal/libp2p/identify.hpp>  // first: shows that the header stands alone

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/libp2p/delimited.hpp>

#include "vectors.hpp"

namespace {

using shoal::bytes_view;
using shoal::errc;
using shoal::libp2p::identify_message;
using shoal::libp2p::multiaddr;
using vectors::hex;
using vectors::unhex;

const std::string key = "08011220ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c";

identify_message helia() {
  identify_message message;
  message.public_key = unhex(key);
  message.listen_addresses = {*multiaddr::parse("/ip4/127.0.0.1/tcp/4101")};
  message.observed_address = multiaddr::parse("/ip4/127.0.0.1/tcp/4101").operator*();
  message.protocols = {"/ipfs/bitswap/1.2.0", "/ipfs/id/1.0.0"};
  message.protocol_version = "ipfs/0.1.0";
  message.agent_version = "x/0";
  return message;
}

TEST_CASE("Helia's message is read, and ours is the same byte for byte") {
  const std::string golden = vectors::fixture("golden_helia.json");
  if (golden.empty()) {
    MESSAGE("skipped: no golden_helia.json");
    return;
  }
  const auto framed = unhex(vectors::strings_of(golden, "identify").at(0));
  shoal::libp2p::delimited_reader reader{shoal::libp2p::max_identify_message};
  bytes_view in{framed};
  const auto message = reader.next(in);
  REQUIRE(message);
  REQUIRE(*message);
  CHECK(in.empty());
  const auto decoded = identify_message::decode(**message);
  REQUIRE(decoded);
  CHECK(*decoded == helia());
  CHECK(hex(helia().encode()) == hex(**message));
}

TEST_CASE("every field comes back") {
  identify_message message = helia();
  message.signed_peer_record = unhex("0102");
  message.listen_addresses.push_back(*multiaddr::parse("/ip6/::1/tcp/1"));
  const auto back = identify_message::decode(message.encode());
  REQUIRE(back);
  CHECK(*back == message);
  CHECK(back->speaks("/ipfs/id/1.0.0"));
  CHECK_FALSE(back->speaks("/ipfs/id/1.0"));
  CHECK(identify_message{}.encode().empty());
  CHECK(*identify_message::decode({}) == identify_message{});
}

TEST_CASE("several messages say together what one would") {
  identify_message whole = helia();
  identify_message first;
  first.protocols = {"/ipfs/bitswap/1.2.0"};
  first.agent_version = "old";
  first.listen_addresses = whole.listen_addresses;
  first.merge(whole);
  CHECK(first == whole);
  first.merge({});
  CHECK(first == whole);
  identify_message many;
  for (std::size_t i = 0; i < identify_message::max_entries; ++i) many.protocols.push_back(std::to_string(i));
  whole.merge(many);
  CHECK(whole.protocols.size() == identify_message::max_entries);
}

TEST_CASE("addresses that are none are left out, and so are unknown fields") {
  const auto message =
      identify_message::decode(unhex("1203ffffff"
                                     "2201ff"
                                     "1208047f000001061005"
                                     "480a"
                                     "520141"
                                     "1801"));
  REQUIRE(message);
  CHECK(message->listen_addresses.size() == 1);
  CHECK_FALSE(message->observed_address);
  CHECK(message->protocols.empty());
}

TEST_CASE("what is no message is refused") {
  CHECK(identify_message::decode(unhex("0a24")).error() == errc::truncated);
  CHECK(identify_message::decode(unhex("0f")).error() == errc::malformed);
  std::string endless;
  for (std::size_t i = 0; i <= identify_message::max_entries; ++i) endless += "1a00";
  CHECK(identify_message::decode(unhex(endless)).error() == errc::limit_exceeded);
}

}  // namespace
