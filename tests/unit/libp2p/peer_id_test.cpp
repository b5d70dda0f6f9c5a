// SPDX-License-Identifier: BSL-1.0
#include <shoal/libp2p/peer_id.hpp>  // first: shows that the header stands alone

#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include <doctest/doctest.h>

#include "vectors.hpp"

namespace {

using shoal::bytes_view;
using shoal::errc;
using shoal::libp2p::peer_id;
using shoal::libp2p::public_key;
using vectors::hex;
using vectors::unhex;

const std::string text = "12D3KooWRawPbxPtP1eZaJpumGnyWX2DcUyd3RQnydr3eAto4Az7";
const std::string bytes = "002408011220ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c";

TEST_CASE("the id that Helia gives a key is the one that we give it") {
  const std::string golden = vectors::fixture("golden_helia.json");
  if (golden.empty()) {
    MESSAGE("skipped: no golden_helia.json");
    return;
  }
  const auto key = public_key::decode(unhex(vectors::strings_of(golden, "pubkey_protobuf").at(0)));
  REQUIRE(key);
  const peer_id id = peer_id::of(*key);
  CHECK(hex(id.bytes()) == vectors::strings_of(golden, "peerid_multihash").at(0));
  CHECK(to_text(id) == vectors::strings_of(golden, "peerid_b58").at(0));
  const auto from_cid = peer_id::parse(vectors::strings_of(golden, "peerid_cid_base36").at(0));
  REQUIRE(from_cid);
  CHECK(*from_cid == id);
}

TEST_CASE("an id that holds its key gives it back") {
  const auto id = peer_id::parse(text);
  REQUIRE(id);
  CHECK(hex(id->bytes()) == bytes);
  CHECK(to_text(*id) == text);
  const auto key = id->key();
  REQUIRE(key);
  CHECK(key->kind() == shoal::key_kind::ed25519);
  CHECK(peer_id::of(*key) == *id);
  CHECK(*peer_id::decode(unhex(bytes)) == *id);
}

TEST_CASE("a long key is named by its SHA-256") {
  // libp2p specs, peer-ids/peer-ids.md, "Test vectors"; the digest by sha256sum(1)
  const auto key = public_key::decode(unhex(
      "0803125b3059301306072a8648ce3d020106082a8648ce3d03010703420004de3d300fa36ae0e8f5d530899d83abab44abf3161f"
      "162a4bc901d8e6ecda020e8b6d5f8da30525e71d6851510c098e5c47c646a597fb4dcec034e9f77c409e62"));
  REQUIRE(key);
  const peer_id id = peer_id::of(*key);
  CHECK(hex(id.bytes()) == "122068362c312e155f4f7290b67f5cd094a22a0a4fbf20efd8c287934419350d36f7");
  CHECK(to_text(id).starts_with("Qm"));
  CHECK(*peer_id::parse(to_text(id)) == id);
  CHECK(id.key().error() == errc::not_found);
}

TEST_CASE("the forms of the specification's example, base 58 and CID, are one id") {
  // libp2p specs, peer-ids/peer-ids.md, "String representation"
  const auto old_form = peer_id::parse("QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N");
  const auto new_form = peer_id::parse("bafzbeie5745rpv2m6tjyuugywy4d5ewrqgqqhfnf445he3omzpjbx5xqxe");
  REQUIRE(old_form);
  REQUIRE(new_form);
  CHECK(*old_form == *new_form);
}

TEST_CASE("what is not a peer id is refused") {
  CHECK(peer_id::parse("").error() == errc::truncated);
  CHECK(peer_id::parse("1").error() == errc::truncated);
  CHECK(peer_id::parse("Qm").error());
  CHECK(peer_id::parse("12D3KooW0").error() == errc::malformed);
  CHECK(peer_id::parse(text + "1").error());
  CHECK(peer_id::parse(std::string(5000, '1')).error() == errc::limit_exceeded);
  CHECK(peer_id::parse("bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e").error() ==
        errc::unsupported);
  CHECK(peer_id::decode(unhex(bytes + "00")).error() == errc::malformed);
  CHECK(peer_id::decode(unhex("1214" + std::string(40, '1'))).error() == errc::unsupported);  // half a SHA-256
  CHECK(peer_id::decode(unhex("1114" + std::string(40, '1'))).error() == errc::unsupported);  // SHA-1
  CHECK(peer_id::decode(unhex("002b" + std::string(86, '1'))).error() == errc::unsupported);  // 43 bytes inline
  const auto whole = unhex(bytes);
  for (std::size_t n = 0; n < whole.size(); ++n) {
    CHECK(peer_id::decode(bytes_view{whole}.first(n)).error() == errc::truncated);
  }
}

TEST_CASE("an id whose inside is no key is an id, but has no key") {
  const auto id = peer_id::decode(unhex("002a" + std::string(84, '1')));
  REQUIRE(id);
  CHECK(id->key().error());
  CHECK(peer_id{}.key().error() == errc::truncated);
}

TEST_CASE("ids are told apart in ordered and in hashed sets") {
  std::set<peer_id> ordered;
  std::unordered_set<peer_id> hashed;
  for (int i = 0; i < 64; ++i) {
    std::vector<std::byte> raw = unhex(bytes);
    raw.back() = static_cast<std::byte>(i / 2);
    ordered.insert(*peer_id::decode(raw));
    hashed.insert(*peer_id::decode(raw));
  }
  hashed.insert(peer_id{});
  CHECK(ordered.size() == 32);
  CHECK(hashed.size() == 33);
}

}  // namespace
