// SPDX-License-Identifier: BSL-1.0
#include <shoal/image/load_index.hpp>  // first: shows that the header stands alone

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/content/dag_pb.hpp>
#include <shoal/content/unixfs.hpp>
#include <shoal/test/run.hpp>

#include "map_store.hpp"

namespace {

using shoal::cid;
using shoal::errc;
using shoal::image_index;
using shoal::result;

result<image_index> load(map_store& store, const cid& root, shoal::image_limits limits = {}) {
  shoal::openssl::digester digester;
  return shoal::test::run(shoal::load_image_index(store, digester, root, limits));
}

/// A part of a file, as a hostile or old-fashioned writer describes it.
struct link {
  cid id;
  std::uint64_t length;
  std::uint64_t total_size = 0;
};

cid put_node(map_store& store, const std::vector<link>& links, std::string_view data = {},
             std::uint64_t extra_size = 0, std::size_t extra_block_sizes = 0) {
  shoal::unixfs_data meaning;
  meaning.type = shoal::unixfs_type::file;
  if (!data.empty()) meaning.data = shoal::as_bytes(data);
  shoal::pb_node node;
  std::uint64_t size = data.size() + extra_size;
  for (const link& to : links) {
    node.links.push_back({to.id, std::string_view{}, to.total_size});
    meaning.block_sizes.push_back(to.length);
    size += to.length;
  }
  for (std::size_t i = 0; i < extra_block_sizes; ++i) meaning.block_sizes.push_back(0);
  meaning.file_size = size;
  std::vector<std::byte> message;
  append_unixfs(message, meaning);
  node.data = message;
  std::vector<std::byte> block;
  append_dag_pb(block, node);
  shoal::openssl::digester digester;
  const cid id = *shoal::detail::dag_pb_cid(shoal::unixfs_v1_2025, digester, block);
  REQUIRE(store.node(id, block));
  return id;
}

cid put_raw(map_store& store, std::string_view text) {
  shoal::openssl::digester digester;
  std::vector<std::byte> scratch;
  const cid id = shoal::make_leaf(shoal::unixfs_v1_2025, digester, shoal::as_bytes(text), scratch)->child.id;
  REQUIRE(store.node(id, shoal::as_bytes(text)));
  return id;
}

TEST_CASE("an image opens from its inner nodes alone") {
  for (const shoal::unixfs_profile& profile :
       {shoal::unixfs_profile{1, true, 16, 1000}, {0, false, 16, 1000}}) {
    map_store store;
    const std::vector<std::byte> bytes = random_bytes(1'000'500);
    const cid root = import_into(store, bytes, profile);
    const result<image_index> index = load(store, root);
    REQUIRE(index);
    CHECK(index->size() == bytes.size());
    CHECK(index->leaf_count() == 1001);
    CHECK(store.gets == 63 + 4 + 1);
    CHECK(index->root() == root);
  }
}

TEST_CASE("leaves of zeroes are known as holes without being fetched") {
  for (const shoal::unixfs_profile& profile :
       {shoal::unixfs_profile{1, true, 16, 1000}, {0, false, 16, 1000}}) {
    map_store store;
    std::vector<std::byte> bytes(100'500);
    bytes[50'000] = std::byte{1};
    const result<image_index> index = load(store, import_into(store, bytes, profile));
    REQUIRE(index);
    std::size_t holes = 0;
    for (std::size_t leaf = 0; leaf < index->leaf_count(); ++leaf) holes += index->is_hole(leaf) ? 1u : 0u;
    CHECK(holes == 100);
    CHECK_FALSE(index->is_hole(50));
  }
}

TEST_CASE("a single leaf, an empty file and a CID that carries its bytes are images too") {
  map_store store;
  CHECK(load(store, put_raw(store, "one leaf"))->size() == 8);
  CHECK(load(store, put_raw(store, ""))->size() == 0);
  const cid inline_id{shoal::multicodec::raw,
                      *shoal::multihash::make(shoal::hash_code::identity, shoal::as_bytes("in the name"))};
  const result<image_index> index = load(store, inline_id);
  REQUIRE(index);
  CHECK(index->size() == 11);
  CHECK(store.gets == 2);
}

TEST_CASE("bytes in inner nodes come before their parts, at any depth (trickle)") {
  map_store store;
  const cid a = put_raw(store, "aaaa");
  const cid b = put_raw(store, "bb");
  const cid below = put_node(store, {{b, 2}}, "mid");
  const cid root = put_node(store, {{a, 4}, {below, 5}, {a, 4}}, "top");
  const result<image_index> index = load(store, root);
  REQUIRE(index);
  CHECK(index->size() == 16);
  REQUIRE(index->leaf_count() == 5);
  CHECK(index->id(0) == root);
  CHECK(index->id(1) == a);
  CHECK(index->id(2) == below);
  CHECK(index->id(3) == b);
  CHECK(index->id(4) == a);
}

TEST_CASE("a node whose sizes disagree is refused") {
  map_store store;
  const cid leaf = put_raw(store, "aaaa");
  CHECK(load(store, put_node(store, {{leaf, 4}}, {}, 1)).error() == errc::malformed);     // file size
  CHECK(load(store, put_node(store, {{leaf, 4}}, {}, 0, 1)).error() == errc::malformed);  // count of sizes
  const cid below = put_node(store, {{leaf, 4}});
  CHECK(load(store, put_node(store, {{below, 5}})).error() == errc::malformed);  // against its child
}

TEST_CASE("a DAG that is 1,000 deep is refused, whichever way it hides") {
  map_store store;
  cid id = put_raw(store, "x");
  for (int i = 0; i < 1000; ++i) id = put_node(store, {{id, 1}});
  CHECK(load(store, id).error() == errc::limit_exceeded);
  CHECK(store.gets < 50);
}

TEST_CASE("a small DAG that stands for a huge file costs no more than the limit") {
  map_store store;
  cid id = put_raw(store, "x");
  std::uint64_t size = 1;
  for (int i = 0; i < 5; ++i) {
    id = put_node(store, std::vector<link>(1000, link{id, size}));
    size *= 1000;
  }
  CHECK(load(store, id, {.leaves = 100'000}).error() == errc::limit_exceeded);
  CHECK(store.gets < 200);
}

TEST_CASE("a directory is not an image") {
  map_store store;
  shoal::unixfs_data meaning;
  meaning.type = shoal::unixfs_type::directory;
  std::vector<std::byte> message;
  append_unixfs(message, meaning);
  shoal::pb_node node;
  node.data = message;
  std::vector<std::byte> block;
  append_dag_pb(block, node);
  shoal::openssl::digester digester;
  const cid id = *shoal::detail::dag_pb_cid(shoal::unixfs_v1_2025, digester, block);
  REQUIRE(store.node(id, block));
  CHECK(load(store, id).error() == errc::unsupported);
}

TEST_CASE("a node that nobody has is errc::not_found") {
  map_store store;
  map_store elsewhere;
  const cid missing = put_node(elsewhere, {{put_raw(elsewhere, "x"), 1}});
  CHECK(load(store, put_node(store, {{missing, 1}})).error() == errc::not_found);
}

}  // namespace
