// SPDX-License-Identifier: BSL-1.0
#include <shoal/content/file_cursor.hpp>  // first: shows that the header stands alone

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/content/balanced.hpp>
#include <shoal/crypto/sha256.hpp>

namespace {

using shoal::cid;
using shoal::errc;
using shoal::file_child;

/// A store of blocks under their CIDs, and a maker of files that no importer makes.
struct blocks {
  std::map<cid, std::vector<std::byte>> stored;
  shoal::portable_digester digester;

  file_child put(shoal::multicodec codec, std::vector<std::byte> bytes, std::uint64_t file_size) {
    std::array<std::byte, 32> digest;
    REQUIRE(digester.digest(shoal::hash_code::sha2_256, bytes, digest) == shoal::status::ok);
    const cid id{codec, *shoal::multihash::make(shoal::hash_code::sha2_256, digest)};
    const std::uint64_t size = bytes.size();
    stored[id] = std::move(bytes);
    return {id, file_size, size};
  }

  file_child leaf(const std::string& text) {
    const auto bytes = shoal::as_bytes(text);
    return put(shoal::multicodec::raw, {bytes.begin(), bytes.end()}, text.size());
  }

  static file_child inline_leaf(const std::string& text) {
    const auto hash = shoal::multihash::make(shoal::hash_code::identity, shoal::as_bytes(text));
    return {cid{shoal::multicodec::raw, *hash}, text.size(), text.size()};
  }

  file_child node(const std::string& text, const std::vector<file_child>& children) {
    shoal::unixfs_data message;
    message.type = shoal::unixfs_type::file;
    if (!text.empty()) message.data = shoal::as_bytes(text);
    message.file_size = text.size();
    shoal::pb_node node;
    for (const file_child& child : children) {
      *message.file_size += child.file_size;
      message.block_sizes.push_back(child.file_size);
      node.links.push_back({child.id, "", child.total_size});
    }
    std::vector<std::byte> data;
    append_unixfs(data, message);
    node.data = data;
    std::vector<std::byte> block;
    append_dag_pb(block, node);
    return put(shoal::multicodec::dag_pb, block, *message.file_size);
  }
};

struct reading {
  std::string text;
  std::size_t fetched = 0;
  std::error_code error;
};

reading read(const blocks& store, const cid& root, std::uint64_t first = 0, std::uint64_t last = UINT64_MAX) {
  reading done;
  shoal::file_cursor cursor{root, first, last};
  std::uint64_t next = first;
  while (const shoal::file_part* part = cursor.wanted()) {
    if (!is_inline(part->id)) ++done.fetched;
    const shoal::bytes_view block = is_inline(part->id) ? part->id.hash().digest() : store.stored.at(part->id);
    const auto piece = cursor.supply(block);
    if (!piece) {
      done.error = piece.error();
      break;
    }
    if (!piece->bytes.empty()) CHECK(piece->offset == next);
    next += piece->bytes.size();
    done.text += shoal::as_text(piece->bytes);
  }
  return done;
}

/// The trickle shape in small: bytes in inner nodes, children at unequal depth, a leaf inside its CID.
file_child uneven_file(blocks& store) {
  const file_child deep =
      store.node("de", {store.leaf("fg"), blocks::inline_leaf("hi"), store.node("jkl", {})});
  return store.node("abc", {deep, store.leaf("mno"), blocks::inline_leaf(""), store.leaf("p")});
}

TEST_CASE("a file is read in order whatever its shape") {
  blocks store;
  const file_child root = uneven_file(store);
  CHECK(root.file_size == 16);
  const reading all = read(store, root.id);
  CHECK_FALSE(all.error);
  CHECK(all.text == "abcdefghijklmnop");
  CHECK(all.fetched == 6);
}

TEST_CASE("every range gives its bytes and no others") {
  blocks store;
  const file_child root = uneven_file(store);
  const std::string whole = "abcdefghijklmnop";
  for (std::size_t first = 0; first <= whole.size() + 1; ++first) {
    for (std::size_t last = first; last <= whole.size() + 2; ++last) {
      CAPTURE(first);
      CAPTURE(last);
      const reading part = read(store, root.id, first, last);
      CHECK_FALSE(part.error);
      CHECK(part.text == (first < whole.size() ? whole.substr(first, last - first) : ""));
    }
  }
  CHECK(read(store, root.id, 12, 13).fetched == 2);  // the root and the leaf
}

TEST_CASE("what the balanced builder makes is read back") {
  blocks store;
  shoal::unixfs_profile profile = shoal::unixfs_v0_2015;
  profile.max_links = 2;
  const auto keep = [&](const cid& id, shoal::bytes_view node) {
    store.stored[id] = {node.begin(), node.end()};
    return shoal::result<>{};
  };
  shoal::balanced_builder builder{profile, store.digester, keep};
  std::vector<std::byte> scratch;
  std::string whole;
  for (char c = 'a'; c <= 'w'; ++c) {
    const std::string text(3, c);
    const auto leaf = make_leaf(profile, store.digester, shoal::as_bytes(text), scratch);
    REQUIRE(leaf);
    REQUIRE(keep(leaf->child.id, leaf->block));
    REQUIRE(builder.add(leaf->child));
    whole += text;
  }
  const auto root = builder.finish();
  REQUIRE(root);
  CHECK(read(store, root->id).text == whole);
  CHECK(read(store, root->id, 10, 20).text == whole.substr(10, 10));
}

TEST_CASE("a tower of nodes is read to the limit and refused past it") {
  blocks store;
  file_child top = store.leaf("x");
  for (std::size_t depth = 1; depth < shoal::max_file_depth; ++depth) top = store.node("", {top});
  CHECK(read(store, top.id).text == "x");
  const file_child too_high = store.node("", {top});
  CHECK(read(store, too_high.id).error == errc::limit_exceeded);
}

TEST_CASE("a tower of links to nothing is not climbed") {
  blocks store;
  file_child top = store.node("", {});
  for (int level = 0; level < 20; ++level) top = store.node("", std::vector<file_child>(100, top));
  CHECK(read(store, top.id).fetched == 1);
}

TEST_CASE("a part of another size than its parent says is refused, and stays wanted") {
  blocks store;
  file_child leaf = store.leaf("abc");
  leaf.file_size = 4;
  const file_child root = store.node("", {leaf});
  CHECK(read(store, root.id).error == errc::malformed);

  shoal::file_cursor cursor{root.id};
  REQUIRE(cursor.supply(store.stored.at(cursor.wanted()->id)));
  CHECK(cursor.wanted()->id == leaf.id);
  CHECK(cursor.supply(shoal::as_bytes("abc")).error() == errc::malformed);
  CHECK(cursor.wanted()->id == leaf.id);
  CHECK(cursor.wanted()->length == 4);
}

}  // namespace
