// SPDX-License-Identifier: BSL-1.0
#include <shoal/content/unixfs.hpp>  // first: shows that the header stands alone

#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace {

using shoal::decode_unixfs;
using shoal::errc;
using shoal::unixfs_type;

std::vector<std::byte> unhex(const std::string& digits) {
  const auto bytes = shoal::decode_multibase('f' + digits);
  REQUIRE(bytes);
  return *bytes;
}

TEST_CASE("a small file's message is read and written as Kubo writes it") {
  const auto bytes = unhex("0802120b68656c6c6f20776f726c64180b");
  const auto message = decode_unixfs(bytes);
  REQUIRE(message);
  CHECK(message->type == unixfs_type::file);
  CHECK(shoal::as_text(*message->data) == "hello world");
  CHECK(message->file_size == 11);
  std::vector<std::byte> out;
  append_unixfs(out, *message);
  CHECK(out == bytes);
}

TEST_CASE("block sizes are read packed and unpacked, and written unpacked") {
  const auto unpacked = unhex("080218818040208080402001");
  const auto packed = unhex(
      "0802188180402204808040"
      "01");
  const auto a = decode_unixfs(unpacked);
  const auto b = decode_unixfs(packed);
  REQUIRE(a);
  REQUIRE(b);
  CHECK(a->block_sizes == std::vector<std::uint64_t>{1048576, 1});
  CHECK(a->block_sizes == b->block_sizes);
  std::vector<std::byte> out;
  append_unixfs(out, *b);
  CHECK(out == unpacked);
}

TEST_CASE("a shard's fields are read and written") {
  const auto bytes = unhex(
      "0805120181"
      "2822"
      "308002");
  const auto message = decode_unixfs(bytes);
  REQUIRE(message);
  CHECK(message->type == unixfs_type::hamt_shard);
  CHECK(message->hash_type == 0x22);
  CHECK(message->fanout == 256);
  std::vector<std::byte> out;
  append_unixfs(out, *message);
  CHECK(out == bytes);
}

TEST_CASE("mode and mtime, and whatever else is unknown, are skipped") {
  const auto bytes = unhex(
      "0802"
      "1801"
      "38a403"
      "420708011501000000"
      "7a0100");
  const auto message = decode_unixfs(bytes);
  REQUIRE(message);
  CHECK(message->file_size == 1);
}

TEST_CASE("a message that breaks a rule is refused") {
  CHECK(decode_unixfs({}).error() == errc::malformed);               // no type
  CHECK(decode_unixfs(unhex("1801")).error() == errc::malformed);    // no type
  CHECK(decode_unixfs(unhex("0806")).error() == errc::unsupported);  // unknown type
  CHECK(decode_unixfs(unhex("08ffffffff0f")).error() == errc::unsupported);
  CHECK(decode_unixfs(unhex("0a00")).error() == errc::malformed);        // type as bytes
  CHECK(decode_unixfs(unhex("08021001")).error() == errc::malformed);    // data as a number
  CHECK(decode_unixfs(unhex("08021a00")).error() == errc::malformed);    // file size as bytes
  CHECK(decode_unixfs(unhex("0802220180")).error() == errc::truncated);  // packed sizes cut short
  CHECK(decode_unixfs(unhex("080212ffffffff0f00")).error() == errc::truncated);
}

TEST_CASE("a message that is cut inside a field is truncated") {
  const auto whole = unhex("0802120b68656c6c6f20776f726c64180b20ac02");
  for (std::size_t n = 0; n < whole.size(); ++n) {
    const bool between = n == 2 || n == 15 || n == 17;
    const auto message = decode_unixfs(shoal::bytes_view{whole}.first(n));
    CAPTURE(n);
    CHECK(message.has_value() == between);
    if (!message && n != 0) CHECK(message.error() == errc::truncated);
  }
}

TEST_CASE("the number of block sizes is bounded, packed or not") {
  auto packed = unhex(
      "0802"
      "22808004");
  packed.resize(packed.size() + shoal::max_dag_pb_links);
  CHECK(decode_unixfs(packed)->block_sizes.size() == shoal::max_dag_pb_links);
  packed.push_back(std::byte{0x20});
  packed.push_back(std::byte{0});
  CHECK(decode_unixfs(packed).error() == errc::limit_exceeded);
}

}  // namespace
