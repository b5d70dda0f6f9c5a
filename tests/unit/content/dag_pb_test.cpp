// SPDX-License-Identifier: BSL-1.0
#include <shoal/content/dag_pb.hpp>  // first: shows that the header stands alone

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/content/verify.hpp>
#include <shoal/crypto/sha256.hpp>

namespace {

namespace fs = std::filesystem;
using shoal::append_dag_pb;
using shoal::as_bytes;
using shoal::decode_dag_pb;
using shoal::errc;

std::string slurp(const fs::path& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

std::vector<std::byte> unhex(const std::string& digits) {
  const auto bytes = shoal::decode_multibase('f' + digits);
  REQUIRE(bytes);
  return *bytes;
}

std::vector<std::byte> encoded(const shoal::pb_node& node) {
  std::vector<std::byte> out;
  append_dag_pb(out, node);
  return out;
}

TEST_CASE("the codec fixtures match their CIDs and come back byte for byte") {
  const fs::path folder = SHOAL_FIXTURES "/ipld-codec-fixtures/fixtures";
  if (!fs::exists(folder)) {
    MESSAGE("skipped: no IPLD codec fixtures");
    return;
  }
  shoal::portable_digester digester;
  int seen = 0;
  for (const auto& entry : fs::recursive_directory_iterator{folder}) {
    if (entry.path().extension() != ".dag-pb") continue;
    CAPTURE(entry.path());
    const std::string block = slurp(entry.path());
    const auto id = shoal::cid::parse(entry.path().stem().string());
    REQUIRE(id);
    CHECK(verify(digester, *id, as_bytes(block)));
    const auto node = decode_dag_pb(as_bytes(block));
    REQUIRE(node);
    CHECK(std::ranges::equal(encoded(*node), as_bytes(block)));
    ++seen;
  }
  CHECK(seen >= 11);
}

TEST_CASE("the fixtures that must be refused are refused") {
  const fs::path file = SHOAL_FIXTURES "/ipld-codec-fixtures/negative-fixtures/dag-pb/decode/edges.json";
  if (!fs::exists(file)) {
    MESSAGE("skipped: no IPLD codec fixtures");
    return;
  }
  const std::string json = slurp(file);
  const std::string key = "\"hex\": \"";
  int seen = 0;
  for (std::size_t at = json.find(key); at != std::string::npos; at = json.find(key, at)) {
    at += key.size();
    const std::string digits = json.substr(at, json.find('"', at) - at);
    CAPTURE(digits);
    CHECK(decode_dag_pb(unhex(digits)).error());
    ++seen;
  }
  CHECK(seen == 9);
}

const std::string hash = "0a09015500050001020304";  // field 1: an inline CID

TEST_CASE("an absent name and an empty one are told apart") {
  const auto without = unhex("120b" + hash);
  const auto with = unhex("120d" + hash + "1200");
  CHECK_FALSE(decode_dag_pb(without)->links[0].name);
  CHECK(decode_dag_pb(with)->links[0].name == "");
}

TEST_CASE("data may stand before the links") {
  const auto node = decode_dag_pb(unhex("0a0101120b" + hash + "120b" + hash));
  REQUIRE(node);
  CHECK(node->links.size() == 2);
  CHECK(node->data->size() == 1);
}

TEST_CASE("a node that breaks a rule is malformed") {
  const std::string link = "120b" + hash;
  for (const std::string& digits : std::vector<std::string>{
           link + "0a00" + link,  // data between links
           "0a000a00",            // two data fields
           link + "0a000a00",     // also behind links
           "1a00",                // unknown field
           "0801",                // data as a number
           "1001",                // link as a number
           "120f" + hash +
               "1200"
               "1200",  // two names
           "120d"
           "1200" +
               hash,  // name before hash
           "120f" + hash +
               "1800"
               "1200",                           // size before name
           "120d" + hash + "1a00",               // size as bytes
           "120d" + hash + "2000",               // unknown field in a link
           "12160a09015500050001020304" + hash,  // two hashes
           "120c0a0a015500050001020304ff",       // something behind the CID
       }) {
    CAPTURE(digits);
    CHECK(decode_dag_pb(unhex(digits)).error() == errc::malformed);
  }
}

TEST_CASE("a node that is cut short is never taken for another, but for a cut between two fields") {
  const auto whole = unhex("120b" + hash + "120d" + hash + "18050a03010203");
  for (std::size_t n = 0; n < whole.size(); ++n) {
    const bool between = n == 0 || n == 13 || n == 28;
    CAPTURE(n);
    CHECK(decode_dag_pb(shoal::bytes_view{whole}.first(n)).has_value() == between);
  }
}

TEST_CASE("a length that no input has is truncated, and one that wraps is malformed") {
  CHECK(decode_dag_pb(unhex("12ffffffffffffffff7f")).error() == errc::truncated);
  CHECK(decode_dag_pb(unhex("12ffffffffffffffffff01")).error() == errc::truncated);
  CHECK(decode_dag_pb(unhex("12ffffffffffffffffff02")).error() == errc::malformed);
  CHECK(decode_dag_pb(unhex("12ffffffffffffffffffff01")).error() == errc::malformed);
}

TEST_CASE("more links than a block can hold in earnest are refused") {
  std::vector<std::byte> block;
  const auto link = unhex("12060a0401550000");
  for (std::size_t i = 0; i < shoal::max_dag_pb_links; ++i) block.insert(block.end(), link.begin(), link.end());
  CHECK(decode_dag_pb(block)->links.size() == shoal::max_dag_pb_links);
  block.insert(block.end(), link.begin(), link.end());
  CHECK(decode_dag_pb(block).error() == errc::limit_exceeded);
}

}  // namespace
