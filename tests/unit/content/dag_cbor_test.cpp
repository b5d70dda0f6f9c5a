// SPDX-License-Identifier: BSL-1.0
#include <shoal/content/dag_cbor.hpp>  // first: shows that the header stands alone

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
using shoal::as_bytes;
using shoal::bytes_view;
using shoal::cid;
using shoal::errc;
using shoal::cbor::kind;

std::string slurp(const fs::path& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

std::vector<std::byte> unhex(const std::string& digits) {
  const auto bytes = shoal::decode_multibase('f' + digits);
  REQUIRE(bytes);
  return *bytes;
}

/// Reads a block and writes what it says.
shoal::result<std::vector<std::byte>> rewritten(bytes_view block) {
  std::vector<std::byte> bytes;
  shoal::vector_output out{bytes};
  shoal::cbor::writer writer{out};
  shoal::dag_cbor_reader reader{block};
  while (!reader.done()) {
    const auto item = reader.next();
    if (!item) return item.error();
    switch (item->type) {
      case kind::floating: writer.floating(shoal::cbor::float_value(item->head)); break;
      case kind::tag: write_dag_cbor_link(writer, *shoal::dag_cbor_link(*item)); break;
      case kind::bytes: writer.bytes(item->bytes); break;
      case kind::text: writer.text(shoal::as_text(item->bytes)); break;
      default: writer.head(item->head.type, item->argument());
    }
  }
  return bytes;
}

std::error_code error_of(const std::string& digits) {
  return rewritten(unhex(digits)).error();
}

TEST_CASE(
    "the codec fixtures match their CIDs, come back byte for byte and are not whole at any shorter length") {
  const fs::path folder = SHOAL_FIXTURES "/ipld-codec-fixtures/fixtures";
  if (!fs::exists(folder)) {
    MESSAGE("skipped: no IPLD codec fixtures");
    return;
  }
  shoal::portable_digester digester;
  int seen = 0;
  for (const auto& entry : fs::recursive_directory_iterator{folder}) {
    if (entry.path().extension() != ".dag-cbor") continue;
    CAPTURE(entry.path());
    const std::string text = slurp(entry.path());
    const bytes_view block = as_bytes(text);
    const auto id = cid::parse(entry.path().stem().string());
    REQUIRE(id);
    CHECK(verify(digester, *id, block));
    const auto again = rewritten(block);
    REQUIRE(again);
    CHECK(std::ranges::equal(*again, block));
    for (std::size_t n = 0; n < std::min<std::size_t>(block.size(), 300); ++n) {
      CHECK(rewritten(block.first(n)).error());
    }
    ++seen;
  }
  CHECK(seen >= 75);
}

TEST_CASE("the fixture of duplicate keys is refused") {
  const fs::path file =
      SHOAL_FIXTURES "/ipld-codec-fixtures/negative-fixtures/dag-cbor/decode/duplicate-keys.json";
  if (!fs::exists(file)) {
    MESSAGE("skipped: no IPLD codec fixtures");
    return;
  }
  const std::string json = slurp(file);
  const std::string key = "\"hex\": \"";
  const std::size_t at = json.find(key) + key.size();
  CHECK(error_of(json.substr(at, json.find('"', at) - at)) == errc::malformed);
}

TEST_CASE("what CBOR allows and DAG-CBOR does not is malformed") {
  CHECK(error_of("a10100") == errc::malformed);            // a key that is not text
  CHECK(error_of("a2626161006162f6") == errc::malformed);  // keys not by length first
  CHECK(error_of("c100") == errc::malformed);              // another tag
  CHECK(error_of("d82a00") == errc::malformed);            // a link that is not bytes
  CHECK(error_of("d82a40") == errc::malformed);            // a link without a prefix
  CHECK(error_of("d82a450155000100") == errc::malformed);  // a link with another prefix
  CHECK(error_of("d82a4100") == errc::truncated);          // a link to nothing
  CHECK(error_of("f90000") == errc::malformed);            // a short float
  CHECK(error_of("fa47c35000") == errc::malformed);
  CHECK(error_of("fb7ff8000000000000") == errc::malformed);  // NaN
  CHECK(error_of("fb7ff0000000000000") == errc::malformed);  // infinities
  CHECK(error_of("fbfff0000000000000") == errc::malformed);
  CHECK(error_of("f7") == errc::malformed);  // undefined
  CHECK(error_of("f0") == errc::malformed);  // a simple value
  CHECK(error_of("f8ff") == errc::malformed);
  CHECK(error_of("1817") == errc::malformed);  // a number in a longer form than it needs
  CHECK(error_of("0000") == errc::malformed);  // a second item
  CHECK(error_of("") == errc::truncated);
  CHECK(error_of("5f4100ff") == errc::unsupported);  // indefinite lengths
  CHECK(error_of("9fff") == errc::unsupported);
}

TEST_CASE("links are found in order, of either version, and nested ones too") {
  const auto first = cid::parse("Qmf412jQZiuVUtdgnB36FXFX7xg5V6KEbSJ4dpQuhkLyfD");
  const auto second = cid::parse("bafkqaaa");
  REQUIRE(first);
  REQUIRE(second);
  std::vector<std::byte> block;
  shoal::vector_output out{block};
  shoal::cbor::writer writer{out};
  writer.map(2);
  writer.text("a");
  write_dag_cbor_link(writer, *first);
  writer.text("b");
  writer.array(2);
  writer.null();
  write_dag_cbor_link(writer, *second);
  std::vector<cid> found;
  REQUIRE(shoal::for_each_dag_cbor_link(block, [&](const cid& id) { found.push_back(id); }));
  CHECK(found == std::vector{*first, *second});
}

}  // namespace
