// SPDX-License-Identifier: BSL-1.0
#include <shoal/libp2p/kad_message.hpp>  // first: shows that the header stands alone

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/libp2p/delimited.hpp>
#include <shoal/libp2p/kad_key.hpp>

#include "kad_peers.hpp"
#include "vectors.hpp"

namespace {

using shoal::bytes_view;
using shoal::errc;
using shoal::libp2p::kad_message;
using shoal::libp2p::kad_peer;
using shoal::libp2p::kad_type;
using shoal::libp2p::multiaddr;
using shoal::libp2p::peer_id;
using vectors::hex;
using vectors::unhex;

const std::string block = "1220b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9";

std::string framed(const kad_message& message) {
  std::vector<std::byte> out;
  shoal::libp2p::append_delimited(out, message.encode());
  return hex(out);
}

/// What follows the length; nothing when there is no such fixture.
std::optional<std::vector<std::byte>> golden(const std::string& name) {
  const std::string all = vectors::fixture("golden_helia.json");
  if (all.empty()) return std::nullopt;
  const std::vector<std::byte> bytes = unhex(vectors::strings_of(all, name).at(0));
  REQUIRE(std::to_integer<std::size_t>(bytes[0]) == bytes.size() - 1);
  return std::vector(bytes.begin() + 1, bytes.end());
}

TEST_CASE("our messages are Helia's byte for byte") {
  const auto asks = golden("get_providers");
  const auto seeks = golden("find_node");
  const auto tells = golden("add_provider");
  if (!asks) {
    MESSAGE("skipped: no golden_helia.json");
    return;
  }
  const kad_message ask{.type = kad_type::get_providers, .key = unhex(block)};
  CHECK(hex(ask.encode()) == hex(*asks));
  CHECK(*kad_message::decode(*asks) == ask);
  const peer_id id = *peer_id::parse("12D3KooWRawPbxPtP1eZaJpumGnyWX2DcUyd3RQnydr3eAto4Az7");
  const kad_message seek{.type = kad_type::find_node, .key = {id.bytes().begin(), id.bytes().end()}};
  CHECK(hex(seek.encode()) == hex(*seeks));
  CHECK(*kad_message::decode(*seeks) == seek);
  kad_message tell{.type = kad_type::add_provider, .key = unhex(block)};
  tell.providers = {{id, {*multiaddr::parse("/ip4/127.0.0.1/tcp/4101")}}};
  CHECK(*kad_message::decode(*tells) == tell);
  // ours says nothing about the connection
  CHECK("5c" + hex(*tells) != framed(tell));
  CHECK(hex(tell.encode()).size() == hex(*tells).size() - 4);
}

TEST_CASE("every field comes back") {
  kad_message message{.type = kad_type::get_providers, .key = unhex(block)};
  message.closer = {kad_peers::known(1), {kad_peers::peer(2)}};
  message.providers = {kad_peers::known(3)};
  message.providers[0].addresses.push_back(kad_peers::at(4));
  CHECK(*kad_message::decode(message.encode()) == message);
  const kad_message ping{.type = kad_type::ping};
  CHECK(hex(ping.encode()) == "0805");
  CHECK(*kad_message::decode({}) == kad_message{});
  CHECK(kad_message::decode({})->type == kad_type::put_value);
}

TEST_CASE("records, cluster levels, connections and unknown fields are skipped") {
  const auto message =
      kad_message::decode(unhex("0804"
                                "1a03aabbcc"
                                "5001"
                                "7801"
                                "420a0a060004000000011801"));
  REQUIRE(message);
  CHECK(message->type == kad_type::find_node);
  REQUIRE(message->closer.size() == 1);
  CHECK(message->closer[0] == kad_peer{kad_peers::peer(1)});
}

TEST_CASE("one peer or address that makes no sense does not spoil the others") {
  // a peer without an id, one with a bad id, one with a good id and a bad address, one that is good
  const auto message =
      kad_message::decode(unhex("4200"
                                "42040a02ffff"
                                "420d0a06000400000001"
                                "1203ffffff"
                                "42080a06000400000002"));
  REQUIRE(message);
  CHECK(message->closer == std::vector<kad_peer>{{kad_peers::peer(1)}, {kad_peers::peer(2)}});
}

TEST_CASE("addresses are read without the name of their peer") {
  const auto named = [](const std::string& before, std::uint32_t n) {
    multiaddr address = before.empty() ? multiaddr{} : *multiaddr::parse(before);
    REQUIRE(address.append(shoal::libp2p::multiaddr_code::p2p, kad_peers::peer(n).bytes()));
    return address;
  };
  kad_message message{.type = kad_type::find_node};
  message.closer = {{kad_peers::peer(1),
                     {named("/ip4/10.0.0.1/tcp/1", 1), named("/ip4/10.0.0.2/tcp/1", 2), named("", 1),
                      named(to_text(named("/ip4/10.0.0.3/tcp/1", 1)), 1), kad_peers::at(4)}}};
  const auto read = kad_message::decode(message.encode());
  REQUIRE(read);
  CHECK(read->closer[0].addresses == std::vector{*multiaddr::parse("/ip4/10.0.0.1/tcp/1"),
                                                 named("/ip4/10.0.0.2/tcp/1", 2),
                                                 *multiaddr::parse("/ip4/10.0.0.3/tcp/1"), kad_peers::at(4)});
}

TEST_CASE("lists are cut at their limits") {
  kad_message many{.type = kad_type::find_node};
  for (std::uint32_t i = 0; i < kad_message::max_peers + 10; ++i) {
    many.closer.push_back(kad_peers::known(i));
    many.providers.push_back(kad_peers::known(i));
  }
  for (std::uint32_t i = 0; i < 100; ++i) many.closer[0].addresses.push_back(kad_peers::at(1000 + i));
  multiaddr long_one = *multiaddr::parse("/dns4/" + std::string(251, 'a') + "/tcp/1");
  CHECK(long_one.bytes().size() > kad_message::max_address);
  many.closer[1].addresses = {long_one, kad_peers::at(1)};
  const auto cut = kad_message::decode(many.encode());
  REQUIRE(cut);
  CHECK(cut->closer.size() == kad_message::max_peers);
  CHECK(cut->providers.size() == kad_message::max_peers);
  CHECK(cut->closer[0].addresses.size() == kad_message::max_addresses);
  CHECK(cut->closer[1].addresses == std::vector{kad_peers::at(1)});
  CHECK(cut->closer.back() == many.closer[kad_message::max_peers - 1]);
}

TEST_CASE("what is no message is refused") {
  CHECK(kad_message::decode(unhex("0806")).error() == errc::unsupported);
  CHECK(kad_message::decode(unhex("1220aa")).error() == errc::truncated);
  CHECK(kad_message::decode(unhex("42020a20")).error() == errc::truncated);
  CHECK(kad_message::decode(unhex("0f")).error() == errc::malformed);
  std::vector<std::byte> long_key;
  shoal::append_protobuf_bytes(long_key, 2, std::vector<std::byte>(kad_message::max_key + 1));
  CHECK(kad_message::decode(long_key).error() == errc::limit_exceeded);
  const std::vector<std::byte> huge(shoal::libp2p::max_kad_answer + 1);
  CHECK(kad_message::decode(huge).error() == errc::limit_exceeded);
}

TEST_CASE("addresses are merged once each, up to the limit") {
  std::vector<multiaddr> known{kad_peers::at(1)};
  CHECK_FALSE(merge_addresses(known, std::vector{kad_peers::at(1)}));
  CHECK(merge_addresses(known, std::vector{kad_peers::at(2), kad_peers::at(2)}));
  CHECK(known == std::vector{kad_peers::at(1), kad_peers::at(2)});
  for (std::uint32_t i = 0; i < 100; ++i) merge_addresses(known, std::vector{kad_peers::at(i)});
  CHECK(known.size() == kad_message::max_addresses);
}

}  // namespace
