// SPDX-License-Identifier: BSL-1.0
#include <shoal/content/cid.hpp>  // first: shows that the header stands alone

#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace {

using shoal::cid;
using shoal::errc;
using shoal::multicodec;

const std::string v0 = "Qmf412jQZiuVUtdgnB36FXFX7xg5V6KEbSJ4dpQuhkLyfD";
const std::string v1 = "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e";

TEST_CASE("version 0 is read from and written as base 58 without a prefix") {
  const auto id = cid::parse(v0);
  REQUIRE(id);
  CHECK(id->version() == 0);
  CHECK(id->codec() == multicodec::dag_pb);
  CHECK(id->hash().code() == shoal::hash_code::sha2_256);
  CHECK(to_text(*id) == v0);
  CHECK(id->encoded_size() == 34);
}

TEST_CASE("version 1 is written in lower-case base 32 and read from any base") {
  const auto id = cid::parse(v1);
  REQUIRE(id);
  CHECK(id->version() == 1);
  CHECK(id->codec() == multicodec::raw);
  CHECK(to_text(*id) == v1);
  std::vector<std::byte> binary;
  id->append_to(binary);
  for (const char* const base : {"0", "7", "9", "f", "F", "B", "c", "k", "K", "z", "Z", "m", "u", "U", "h"}) {
    CAPTURE(base);
    const std::string text = encode_multibase(shoal::multibase{*base}, binary);
    const auto again = cid::parse(text);
    REQUIRE(again);
    CHECK(*again == *id);
  }
}

TEST_CASE("the empty block and an inline block have CIDs too") {
  const auto empty = cid::parse("bafkqaaa");
  REQUIRE(empty);
  CHECK(empty->hash().digest().empty());
  CHECK(*empty == cid{});
  const auto text = cid::parse("bafkqac3imvwgy3zao5xxe3de");
  REQUIRE(text);
  CHECK(shoal::as_text(text->hash().digest()) == "hello world");
}

TEST_CASE("version 0 with a prefix is refused: it would be a second name for one thing") {
  const auto id = cid::parse(v0);
  REQUIRE(id);
  std::vector<std::byte> binary;
  id->append_to(binary);
  CHECK(cid::parse('z' + v0).error() == errc::malformed);
  CHECK(cid::parse(encode_multibase(shoal::multibase::base32, binary)).error() == errc::malformed);
}

TEST_CASE("what is not a CID is refused") {
  CHECK(cid::parse("").error() == errc::truncated);
  CHECK(cid::parse("b").error() == errc::truncated);
  CHECK(cid::parse("/ipfs/" + v1).error() == errc::unsupported);
  CHECK(cid::parse(v0.substr(0, 45)).error() == errc::unsupported);
  CHECK(cid::parse(v0 + "a").error() == errc::unsupported);
  CHECK(cid::parse("Qm00000000000000000000000000000000000000000000").error() == errc::malformed);
  CHECK(cid::parse("Qmzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz").error());
  CHECK(cid::parse("f0055122000").error() == errc::unsupported);  // version 0 spelled out
  CHECK(cid::parse("f0255122000").error() == errc::unsupported);  // version 2
  CHECK(cid::parse("f015500ff7f").error() == errc::limit_exceeded);
  CHECK(cid::parse("f" + std::string(5000, '0')).error() == errc::limit_exceeded);
  for (std::size_t n = 0; n < v1.size(); ++n) CHECK_FALSE(cid::parse(v1.substr(0, n)));
}

TEST_CASE("a binary CID that is cut short is truncated at every byte, and one with more behind it is refused") {
  const auto id = cid::parse(v1);
  REQUIRE(id);
  std::vector<std::byte> binary;
  id->append_to(binary);
  for (std::size_t n = 0; n < binary.size(); ++n) {
    CHECK(cid::decode(shoal::bytes_view{binary}.first(n)).error() == errc::truncated);
  }
  binary.push_back({});
  CHECK(cid::decode(binary).error() == errc::malformed);
}

TEST_CASE("the largest CID has a text in every base that is read back") {
  const std::vector<std::byte> digest(shoal::multihash::max_digest_size, std::byte{0xff});
  const auto hash = shoal::multihash::make(shoal::hash_code{0x7fffffffffffffff}, digest);
  REQUIRE(hash);
  const cid id{multicodec{0x7fffffffffffffff}, *hash};
  std::vector<std::byte> binary;
  id.append_to(binary);
  CHECK(binary.size() < cid::max_size);
  for (const char base : {'0', '9', 'b', 'z'}) {
    const auto back = cid::parse(encode_multibase(shoal::multibase{base}, binary));
    REQUIRE(back);
    CHECK(*back == id);
  }
}

}  // namespace
