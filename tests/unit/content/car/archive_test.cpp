// SPDX-License-Identifier: BSL-1.0
#include <shoal/content/car/archive.hpp>  // first: shows that the header stands alone

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/base/endian.hpp>
#include <shoal/content/verify.hpp>
#include <shoal/openssl/digester.hpp>

namespace {

using namespace std::string_view_literals;
namespace fs = std::filesystem;
using shoal::bytes_view;
using shoal::car_archive;
using shoal::car_index;
using shoal::car_index_kind;
using shoal::car_section;
using shoal::cid;
using shoal::errc;
using shoal::result;

const fs::path fixtures{SHOAL_FIXTURES};

std::vector<std::byte> contents(const fs::path& path) {
  std::ifstream file{path, std::ios::binary};
  const std::string text{std::istreambuf_iterator<char>{file}, {}};
  const bytes_view bytes = shoal::as_bytes(text);
  return {bytes.begin(), bytes.end()};
}

bool present(const fs::path& path) {
  if (fs::exists(path)) return true;
  MESSAGE("skipped, no fixture " << path.string());
  return false;
}

// The numbers that stand behind `"key": ` in a text, in their order: all that is needed of the descriptions.
std::vector<std::uint64_t> numbers_of(const std::string& json, const std::string& key) {
  std::vector<std::uint64_t> numbers;
  const std::string head = '"' + key + "\": ";
  for (std::size_t at = json.find(head); at != json.npos; at = json.find(head, at + 1)) {
    numbers.push_back(std::stoull(json.substr(at + head.size())));
  }
  return numbers;
}

struct walk {
  std::error_code error;
  std::size_t sections = 0;
  std::size_t matching = 0;  // those whose block is what the CID names
};

walk walk_over(const car_archive& car) {
  walk done;
  shoal::openssl::digester digester;
  for (std::uint64_t at = car.first_section(); at < car.payload().size();) {
    const result<car_section> section = shoal::car_section_at(car.payload(), at);
    done.error = section.error();
    if (!section) break;
    ++done.sections;
    if (verify(digester, section->id, section->block)) ++done.matching;
    at += section->size;
  }
  return done;
}

// Each entry of the index leads to a section of that very hash, and each section is found.
void check_index(const car_archive& car, bytes_view bytes) {
  const result<car_index> index = car_index::parse(bytes);
  REQUIRE(index);
  for (std::uint64_t at = car.first_section(); at < car.payload().size();) {
    const result<car_section> section = shoal::car_section_at(car.payload(), at);
    REQUIRE(section);
    if (!is_inline(section->id)) {
      const car_index::matches found = index->find(section->id.hash());
      bool hit = false;
      for (std::size_t i = 0; i < found.size(); ++i) hit = hit || found[i] == at;
      CHECK(hit);
    }
    at += section->size;
  }
}

TEST_CASE("the archives of the specification hold what their descriptions say") {
  struct expectation {
    const char* name;
    unsigned version;
    std::size_t sections;
  };
  for (const expectation& e : {expectation{"ipld-car/carv1-basic/carv1-basic.car", 1, 8},
                               expectation{"ipld-car/carv2-basic/carv2-basic.car", 2, 5}}) {
    if (!present(fixtures / e.name)) return;
    CAPTURE(e.name);
    const auto file = contents(fixtures / e.name);
    const result<car_archive> car = car_archive::parse(file);
    REQUIRE(car);
    CHECK(car->version() == e.version);
    const walk done = walk_over(*car);
    CHECK_FALSE(done.error);
    CHECK(done.sections == e.sections);
    CHECK(done.matching == e.sections);
    const auto text = contents((fixtures / e.name).replace_extension(".json"));
    const std::string json{shoal::as_text(text)};
    std::vector<std::uint64_t> offsets;
    std::vector<std::uint64_t> lengths;
    std::vector<std::uint64_t> block_offsets;
    for (std::uint64_t at = car->first_section(); at < car->payload().size();) {
      const result<car_section> section = shoal::car_section_at(car->payload(), at);
      REQUIRE(section);
      offsets.push_back(car->payload_offset() + at);
      lengths.push_back(section->size);
      at += section->size;
      block_offsets.push_back(car->payload_offset() + at - section->block.size());
    }
    CHECK(numbers_of(json, "offset") == offsets);
    CHECK(numbers_of(json, "length") == lengths);
    CHECK(numbers_of(json, "blockOffset") == block_offsets);
    const auto scanned = car->scan();
    REQUIRE(scanned);
    check_index(*car, *scanned);
    // The one with an index was written before indexes said what format they have.
    if (!car->index().empty()) CHECK(car_index::parse(car->index()).error() == errc::unsupported);
  }
}

TEST_CASE("go-car's archives are read, and its broken ones are refused for what is wrong with them") {
  struct expectation {
    const char* name;
    errc parse;  // errc{}: reads well
    errc walk;
  };
  constexpr errc fine{};
  const expectation table[] = {
      {"v2/testdata/sample-corrupt-pragma.car", errc::truncated, fine},
      {"v2/testdata/sample-rootless-v42.car", errc::unsupported, fine},
      {"v2/testdata/sample-rw-bs-v2.car", fine, fine},
      {"v2/testdata/sample-unixfs-v2.car", fine, fine},
      {"v2/testdata/sample-v1-noidentity.car", fine, fine},
      {"v2/testdata/sample-v1-tailing-corrupt-section.car", fine, errc::truncated},
      {"v2/testdata/sample-v1-with-zero-len-section.car", fine, errc::malformed},
      {"v2/testdata/sample-v1-with-zero-len-section2.car", fine, errc::malformed},
      {"v2/testdata/sample-v1.car", fine, fine},
      {"v2/testdata/sample-v2-corrupt-data-and-index.car", errc::malformed, fine},
      {"v2/testdata/sample-v2-indexless.car", fine, fine},
      {"v2/testdata/sample-wrapped-v2.car", fine, fine},
      {"cmd/car/testdata/inputs/badheaderlength.car", errc::limit_exceeded, fine},
      {"cmd/car/testdata/inputs/badsectionlength.car", fine, errc::limit_exceeded},
      {"cmd/car/testdata/inputs/simple-unixfs-missing-blocks.car", fine, fine},
      {"cmd/car/testdata/inputs/simple-unixfs.car", fine, fine},
      {"cmd/car/testdata/inputs/wikipedia-cryptographic-hash-function.car", fine, fine},
  };
  if (!present(fixtures / "go-car")) return;
  for (const expectation& e : table) {
    CAPTURE(e.name);
    const auto file = contents(fixtures / "go-car" / e.name);
    REQUIRE_FALSE(file.empty());
    const result<car_archive> car = car_archive::parse(file);
    CAPTURE(car.error().message());
    CHECK((e.parse == fine ? car.has_value() : car.error() == e.parse));
    if (!car) continue;
    const walk done = walk_over(*car);
    CAPTURE(done.error.message());
    CHECK((e.walk == fine ? !done.error : done.error == e.walk));
    CHECK(car->scan().error() == done.error);
    if (!done.error && !car->index().empty()) check_index(*car, car->index());
  }
}

TEST_CASE("go-car's stand-alone indexes are read in both formats") {
  const fs::path folder = fixtures / "go-car/v2/testdata";
  if (!present(folder)) return;
  const auto sorted = contents(folder / "sample-index.carindex");
  const auto by_hash = contents(folder / "sample-multihash-index-sorted.carindex");
  const auto archive = contents(folder / "sample-v1-noidentity.car");
  const result<car_archive> car = car_archive::parse(archive);
  REQUIRE(car);
  const result<car_index> first = car_index::parse(sorted);
  const result<car_index> second = car_index::parse(by_hash);
  REQUIRE(first);
  REQUIRE(second);
  CHECK(first->kind() == car_index_kind::sorted);
  CHECK(second->kind() == car_index_kind::multihash_sorted);
  CHECK(second->size() == 1043);
  CHECK(walk_over(*car).sections == 1043);
}

TEST_CASE("the index that a scan makes is go-car's, byte for byte") {
  const fs::path file = fixtures / "go-car/v2/testdata/sample-wrapped-v2.car";
  if (!present(file)) return;
  const auto bytes = contents(file);
  const result<car_archive> car = car_archive::parse(bytes);
  REQUIRE(car);
  const result<car_index> theirs = car_index::parse(car->index());
  REQUIRE(theirs);
  shoal::car_index_builder builder;
  for (std::uint64_t at = car->first_section(); at < car->payload().size();) {
    const result<car_section> section = shoal::car_section_at(car->payload(), at);
    REQUIRE(section);
    if (car->fully_indexed() || !is_inline(section->id)) REQUIRE(builder.add(section->id.hash(), at));
    at += section->size;
  }
  std::vector<std::byte> ours;
  const auto emit = [&ours](bytes_view part) -> result<> {
    ours.insert(ours.end(), part.begin(), part.end());
    return {};
  };
  REQUIRE(builder.write(theirs->kind(), 0, emit));
  CHECK(std::ranges::equal(ours, car->index()));
}

TEST_CASE("every CAR of the gateway's conformance suite is read, and its blocks match") {
  if (!present(fixtures / "gateway-conformance")) return;
  std::size_t archives = 0;
  for (const auto& entry : fs::recursive_directory_iterator{fixtures / "gateway-conformance"}) {
    if (entry.path().extension() != ".car") continue;
    CAPTURE(entry.path().string());
    ++archives;
    const auto file = contents(entry.path());
    const result<car_archive> car = car_archive::parse(file);
    REQUIRE(car);
    const walk done = walk_over(*car);
    CHECK_FALSE(done.error);
    CHECK(done.matching == done.sections);
  }
  CHECK(archives == 26);
}

// A version 2 archive of one small raw block, made by hand, with room to lie in.
std::vector<std::byte> small_car() {
  shoal::openssl::digester digester;
  std::array<std::byte, 32> digest;
  const bytes_view content = shoal::as_bytes("content");
  REQUIRE(digester.digest(shoal::hash_code::sha2_256, content, digest) == shoal::status::ok);
  const cid id{shoal::multicodec::raw, *shoal::multihash::make(shoal::hash_code::sha2_256, digest)};
  const auto header = shoal::encode_car_header(id);
  const shoal::car_section_prefix prefix{id, content.size()};
  const std::uint64_t size = header.size() + prefix.bytes().size() + content.size();
  shoal::car_index_builder builder;
  REQUIRE(builder.add(id.hash(), header.size()));

  std::vector<std::byte> file;
  const auto append = [&file](bytes_view part) -> result<> {
    file.insert(file.end(), part.begin(), part.end());
    return {};
  };
  const shoal::car_v2_header fixed{
      .fully_indexed = true, .data_offset = 51, .data_size = size, .index_offset = 51 + size};
  REQUIRE(append(shoal::as_bytes(shoal::car_v2_pragma)));
  REQUIRE(append(fixed.encode()));
  REQUIRE(append(header));
  REQUIRE(append(prefix.bytes()));
  REQUIRE(append(content));
  REQUIRE(builder.write(car_index_kind::multihash_sorted, 0, append));
  return file;
}

result<> open_all(bytes_view file) {
  const result<car_archive> car = car_archive::parse(file);
  if (!car) return car.error();
  if (const auto scanned = car->scan(); !scanned) return scanned.error();
  if (const auto index = car_index::parse(car->index()); !index) return index.error();
  return {};
}

TEST_CASE("an archive that is cut off anywhere is refused") {
  const auto file = small_car();
  REQUIRE(open_all(file));
  for (std::size_t size = 0; size < file.size(); ++size) {
    CAPTURE(size);
    CHECK_FALSE(open_all(bytes_view{file}.first(size)));
  }
}

TEST_CASE("a header that lies about offsets and lengths is refused, without anything being allocated by them") {
  const auto honest = small_car();
  const std::uint64_t lies[] = {0,          1,          50,        honest.size() + 1,
                                UINT32_MAX, UINT64_MAX, INT64_MAX, UINT64_MAX - 50};
  for (const std::size_t field : {std::size_t{27}, std::size_t{35}, std::size_t{43}}) {
    for (const std::uint64_t lie : lies) {
      if (field == 43 && lie == 0) continue;  // no index: that is allowed
      CAPTURE(field);
      CAPTURE(lie);
      auto file = honest;
      shoal::store_le(file.data() + field, lie);
      CHECK_FALSE(open_all(file));
    }
  }
}

TEST_CASE("a section that says it is longer than the archive is refused") {
  auto file = small_car();
  const std::size_t section = 51 + 59;
  REQUIRE(file[section] == std::byte{36 + 7});
  file[section] = std::byte{127};
  CHECK(open_all(file).error() == errc::truncated);
  file[section] = std::byte{35};  // the CID does not fit
  CHECK(open_all(file).error() == errc::malformed);
  file[section] = std::byte{0};
  CHECK(open_all(file).error() == errc::malformed);
}

TEST_CASE("an index that announces more than there is, or too many buckets, is refused") {
  std::vector<std::byte> index(8);
  shoal::put_varint(index.data(), 0x0400);
  shoal::store_le<std::uint32_t>(index.data() + 2, UINT32_MAX);
  CHECK(car_index::parse(bytes_view{index}.first(6)).error() == errc::truncated);

  std::vector<std::byte> buckets(6 + 12 * 1000);
  std::ranges::copy(bytes_view{index}.first(6), buckets.begin());
  for (std::size_t i = 0; i < 1000; ++i) shoal::store_le<std::uint32_t>(buckets.data() + 6 + 12 * i, 40);
  CHECK(car_index::parse(buckets).error() == errc::limit_exceeded);

  shoal::store_le<std::uint32_t>(buckets.data() + 6, 7);  // no room for an offset
  CHECK(car_index::parse(buckets).error() == errc::malformed);
  shoal::store_le<std::uint32_t>(buckets.data() + 6, 40);
  shoal::store_le<std::uint64_t>(buckets.data() + 10, 41);  // not a whole number of entries
  CHECK(car_index::parse(buckets).error() == errc::malformed);
  shoal::store_le<std::uint64_t>(buckets.data() + 10, UINT64_MAX / 40 * 40);
  CHECK(car_index::parse(buckets).error() == errc::truncated);
  shoal::store_le<std::uint16_t>(buckets.data(), 0x0982);  // 0x0482
  CHECK(car_index::parse(buckets).error() == errc::unsupported);
}

TEST_CASE("both index formats find every block among many kinds of hashes") {
  for (const car_index_kind kind : {car_index_kind::sorted, car_index_kind::multihash_sorted}) {
    shoal::car_index_builder builder;
    std::vector<shoal::multihash> hashes;
    std::uint32_t state = 1;
    for (std::uint64_t i = 0; i < 5000; ++i) {
      std::array<std::byte, 64> digest;
      for (std::byte& b : digest) b = static_cast<std::byte>((state = state * 1664525 + 1013904223) >> 24);
      const auto code = i % 3 == 0 ? shoal::hash_code::sha2_512
                                   : (i % 3 == 1 ? shoal::hash_code::sha2_256 : shoal::hash_code::sha3_256);
      const std::size_t size = code == shoal::hash_code::sha2_512 ? 64 : 32;
      hashes.push_back(*shoal::multihash::make(code, bytes_view{digest}.first(size)));
      CHECK_FALSE(builder.contains(hashes.back()));
      REQUIRE(builder.add(hashes.back(), i));
      CHECK(builder.contains(hashes.back()));
    }
    CHECK(builder.size() == 5000);
    std::vector<std::byte> bytes;
    const auto emit = [&bytes](bytes_view part) -> result<> {
      bytes.insert(bytes.end(), part.begin(), part.end());
      return {};
    };
    REQUIRE(builder.write(kind, 1000, emit));
    const result<car_index> index = car_index::parse(bytes);
    REQUIRE(index);
    CHECK(index->kind() == kind);
    CHECK(index->size() == 5000);
    for (std::uint64_t i = 0; i < 5000; ++i) {
      const car_index::matches found = index->find(hashes[i]);
      REQUIRE(found.size() == 1);
      CHECK(found[0] == i + 1000);
    }
    for (std::size_t size = 0; size < bytes.size(); size += 977) {
      CHECK_FALSE(car_index::parse(bytes_view{bytes}.first(size)));
    }
  }
}

TEST_CASE("a block that is in an archive twice is found at both places, the first one first") {
  shoal::car_index_builder builder;
  const auto hash = *shoal::multihash::make(shoal::hash_code::sha2_256, std::array<std::byte, 32>{});
  REQUIRE(builder.add(hash, 700));
  REQUIRE(builder.add(hash, 300));
  std::vector<std::byte> bytes;
  const auto emit = [&bytes](bytes_view part) -> result<> {
    bytes.insert(bytes.end(), part.begin(), part.end());
    return {};
  };
  REQUIRE(builder.write(car_index_kind::multihash_sorted, 0, emit));
  const result<car_index> index = car_index::parse(bytes);
  REQUIRE(index);
  const car_index::matches found = index->find(hash);
  REQUIRE(found.size() == 2);
  CHECK(found[0] == 300);
  CHECK(found[1] == 700);
}

TEST_CASE("a header round trips with roots of every length") {
  for (std::size_t size = 0; size <= shoal::multihash::max_digest_size; ++size) {
    const std::vector<std::byte> digest(size, std::byte{5});
    const cid root{shoal::multicodec::dag_json, *shoal::multihash::make(shoal::hash_code::blake2b_512, digest)};
    const auto bytes = shoal::encode_car_header(root);
    CHECK(bytes.size() <= shoal::max_one_root_size);
    bytes_view rest = bytes;
    const auto header = shoal::take_car_header(rest);
    REQUIRE(header);
    CHECK(rest.empty());
    REQUIRE(header->roots.size() == 1);
    CHECK(header->roots.front() == root);
  }
}

TEST_CASE("a header is read as strict DAG-CBOR") {
  const auto parse = [](std::string_view map) {
    std::vector<std::byte> bytes{static_cast<std::byte>(map.size())};
    for (const char c : map) bytes.push_back(static_cast<std::byte>(c));
    bytes_view rest = bytes;
    return shoal::take_car_header(rest).error();
  };
  CHECK_FALSE(parse("\xa2\x65roots\x80\x67version\x01"sv));
  CHECK(parse("\xa2\x65roots\x80\x67version\x02"sv) == errc::unsupported);
  CHECK(parse("\xa2\x67version\x01\x65roots\x80"sv) == errc::malformed);        // order
  CHECK(parse("\xa2\x65roots\x98\x00\x67version\x01"sv) == errc::malformed);    // not the shortest
  CHECK(parse("\xa2\x65roots\x9f\xff\x67version\x01"sv) == errc::unsupported);  // indefinite
  CHECK(parse("\xa2\x65roots\x80\x67version\x01\x00"sv) == errc::malformed);    // more behind it
  CHECK(parse("\xa2\x65roots\xf6\x67version\x01"sv) == errc::malformed);        // null
  CHECK(parse("\xa2\x65roots\x9b\xff\xff\xff\xff\xff\xff\xff\xff"sv) == errc::malformed);
  CHECK(parse("\xa2\x65roots\x81\xd8\x2a\x40\x67version\x01"sv) == errc::malformed);  // a CID of nothing
  CHECK(parse("\xa2\x65roots\x9a\x00\x0f\xff\xff"sv) == errc::malformed);
}

}  // namespace
