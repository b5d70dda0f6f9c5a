// SPDX-License-Identifier: BSL-1.0
#include <shoal/content/file_node.hpp>  // first: shows that the header stands alone

#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace {

using shoal::bytes_view;
using shoal::cid;
using shoal::errc;
using shoal::read_file_node;
using shoal::unixfs_type;

const cid pb_id{shoal::multicodec::dag_pb, shoal::multihash{}};
const cid leaf_id{};

/// A node with as many links as said, whatever its message claims.
std::vector<std::byte> node_of(const shoal::unixfs_data& message, std::size_t links) {
  std::vector<std::byte> data;
  append_unixfs(data, message);
  shoal::pb_node node;
  node.data = data;
  node.links.assign(links, {leaf_id, "", 1});
  std::vector<std::byte> block;
  append_dag_pb(block, node);
  return block;
}

shoal::unixfs_data file_of(std::uint64_t size, std::vector<std::uint64_t> block_sizes) {
  shoal::unixfs_data message;
  message.type = unixfs_type::file;
  message.file_size = size;
  message.block_sizes = std::move(block_sizes);
  return message;
}

TEST_CASE("a raw block is all content") {
  const auto node = read_file_node(leaf_id, shoal::as_bytes("abc"));
  REQUIRE(node);
  CHECK(node->file_size == 3);
  CHECK(shoal::as_text(node->data) == "abc");
  CHECK(node->parts.empty());
}

TEST_CASE("parts follow one another behind the node's own bytes") {
  auto message = file_of(103, {40, 60});
  message.data = shoal::as_bytes("abc");
  const auto block = node_of(message, 2);
  const auto node = read_file_node(pb_id, block);
  REQUIRE(node);
  CHECK(shoal::as_text(node->data) == "abc");
  REQUIRE(node->parts.size() == 2);
  CHECK(node->parts[0].offset == 3);
  CHECK(node->parts[0].length == 40);
  CHECK(node->parts[1].offset == 43);
  CHECK(node->parts[1].length == 60);
}

TEST_CASE("a link to no bytes is left out") {
  const auto node = read_file_node(pb_id, node_of(file_of(5, {0, 5, 0}), 3));
  REQUIRE(node);
  REQUIRE(node->parts.size() == 1);
  CHECK(node->parts[0].offset == 0);
}

TEST_CASE("a leaf of the old type and a node without a file size are files") {
  auto message = file_of(0, {});
  message.type = unixfs_type::raw;
  message.data = shoal::as_bytes("abc");
  message.file_size.reset();
  const auto block = node_of(message, 0);
  CHECK(read_file_node(pb_id, block)->file_size == 3);
}

TEST_CASE("a node that contradicts itself is malformed") {
  CHECK(read_file_node(pb_id, node_of(file_of(100, {40, 60}), 1)).error() == errc::malformed);
  CHECK(read_file_node(pb_id, node_of(file_of(100, {40, 60}), 3)).error() == errc::malformed);
  CHECK(read_file_node(pb_id, node_of(file_of(100, {40, 61}), 2)).error() == errc::malformed);
  CHECK(read_file_node(pb_id, node_of(file_of(100, {40, 59}), 2)).error() == errc::malformed);
  CHECK(read_file_node(pb_id, node_of(file_of(0, {UINT64_MAX, 1}), 2)).error() == errc::malformed);
  CHECK(read_file_node(pb_id, node_of(file_of(1, {}), 0)).error() == errc::malformed);
  CHECK(read_file_node(pb_id, {}).error() == errc::malformed);
}

TEST_CASE("a part must be as long as its parent said") {
  const auto block = node_of(file_of(100, {40, 60}), 2);
  CHECK(read_file_node({pb_id, 7, 100}, block));
  CHECK(read_file_node({pb_id, 7, 99}, block).error() == errc::malformed);
  CHECK(read_file_node({leaf_id, 0, 4}, shoal::as_bytes("abc")).error() == errc::malformed);
}

TEST_CASE("what is not a file is unsupported") {
  for (const auto type :
       {unixfs_type::directory, unixfs_type::metadata, unixfs_type::symlink, unixfs_type::hamt_shard}) {
    auto message = file_of(0, {});
    message.type = type;
    CHECK(read_file_node(pb_id, node_of(message, 0)).error() == errc::unsupported);
  }
  const cid cbor{shoal::multicodec::dag_cbor, shoal::multihash{}};
  CHECK(read_file_node(cbor, shoal::as_bytes("\xa0")).error() == errc::unsupported);
}

}  // namespace
