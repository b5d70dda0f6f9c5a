// SPDX-License-Identifier: BSL-1.0
#include <shoal/content/unixfs_directory.hpp>  // first: shows that the header stands alone

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/content/file_cursor.hpp>
#include <shoal/content/varint.hpp>
#include <shoal/content/verify.hpp>
#include <shoal/crypto/sha256.hpp>

namespace {

namespace fs = std::filesystem;
using shoal::bytes_view;
using shoal::cid;
using shoal::errc;
using shoal::find_entry;
using shoal::name_path;
using shoal::read_directory_node;
using shoal::unixfs_type;

using block_map = std::map<cid, std::vector<std::byte>>;

/// The blocks of a CARv1, without its header.
block_map blocks_of(const fs::path& car) {
  std::ifstream file{car, std::ios::binary};
  const std::string bytes{std::istreambuf_iterator<char>{file}, {}};
  bytes_view rest = shoal::as_bytes(bytes);
  block_map blocks;
  for (bool header = true; !rest.empty(); header = false) {
    const auto size = shoal::take_varint(rest);
    REQUIRE(size);
    REQUIRE(*size <= rest.size());
    bytes_view section = rest.first(static_cast<std::size_t>(*size));
    rest = rest.subspan(section.size());
    if (header) continue;
    const auto id = cid::take(section);
    REQUIRE(id);
    blocks[*id] = {section.begin(), section.end()};
  }
  return blocks;
}

/// Every name in the directory, and whether each look-up of one of them leads to the same CID.
std::map<std::string, cid> list(const block_map& blocks, const cid& root) {
  std::map<std::string, cid> names;
  const std::function<void(const cid&)> walk = [&](const cid& id) {
    const auto node = read_directory_node(id, blocks.at(id));
    REQUIRE(node);
    for (const auto& entry : node->entries) names.emplace(entry.name, entry.id);
    for (const auto& shard : node->shards) walk(shard.id);
  };
  walk(root);
  return names;
}

shoal::result<cid> look_up(const block_map& blocks, cid at, std::string_view name) {
  for (name_path path{name};;) {
    const auto node = read_directory_node(at, blocks.at(at));
    if (!node) return node.error();
    const auto step = find_entry(*node, path);
    if (!step) return step.error();
    at = step->id;
    if (step->found) return at;
  }
}

TEST_CASE("every directory of the gateway fixtures can be read, and each of its names found") {
  const fs::path folder = SHOAL_FIXTURES "/gateway-conformance";
  if (!fs::exists(folder)) {
    MESSAGE("skipped: no gateway fixtures");
    return;
  }
  shoal::portable_digester digester;
  std::size_t other_hashes = 0;  // than portable code has
  std::size_t directories = 0;
  std::size_t shards = 0;
  std::size_t names = 0;
  for (const auto& car : fs::recursive_directory_iterator{folder}) {
    if (car.path().extension() != ".car") continue;
    CAPTURE(car.path());
    const block_map blocks = blocks_of(car.path());
    std::set<cid> inner;  // blocks that are not a directory by themselves
    for (const auto& [id, block] : blocks) {
      const auto node = read_directory_node(id, block);
      if (node) {
        for (const auto& shard : node->shards) inner.insert(shard.id);
      }
    }
    for (const auto& [id, block] : blocks) {
      const auto verified = verify(digester, id, block);
      if (verified.error() == errc::unsupported) {
        ++other_hashes;
      } else {
        CHECK(verified);
      }
      const auto file = shoal::read_file_node(id, block);
      const auto node = read_directory_node(id, block);
      if (!node) {
        // Two of these files have names that climb out of their directory. Whatever else they hold is
        // something: a file, a directory, a symlink, or not UnixFS at all.
        const bool climbs =
            car.path().filename() == "outside-root.car" || car.path().filename() == "inside-root.car";
        if (!file) CHECK(node.error() == (climbs ? errc::malformed : errc::unsupported));
        continue;
      }
      if (inner.contains(id)) continue;
      ++directories;
      shards += node->fanout != 0;
      for (const auto& [name, target] : list(blocks, id)) {
        const auto found = look_up(blocks, id, name);
        REQUIRE(found);
        CHECK(*found == target);
        ++names;
      }
      CHECK(look_up(blocks, id, "no such name").error() == errc::not_found);
    }
  }
  CHECK(other_hashes == 1);
  CHECK(directories > 20);
  CHECK(shards > 0);
  CHECK(names > 100);
}

TEST_CASE("a file of several blocks in a fixture is as long as its root says") {
  const fs::path car = SHOAL_FIXTURES "/gateway-conformance/path_gateway_unixfs/dir-with-files.car";
  if (!fs::exists(car)) {
    MESSAGE("skipped: no gateway fixtures");
    return;
  }
  const block_map blocks = blocks_of(car);
  int seen = 0;
  for (const auto& [id, block] : blocks) {
    const auto root = shoal::read_file_node(id, block);
    if (!root || root->parts.size() < 2) continue;
    shoal::file_cursor cursor{id};
    std::string text;
    while (const auto* part = cursor.wanted()) {
      const auto piece = cursor.supply(blocks.at(part->id));
      REQUIRE(piece);
      text += shoal::as_text(piece->bytes);
    }
    CHECK(text.size() == root->file_size);
    CHECK(text.starts_with("Lorem ipsum"));
    CHECK(text.ends_with("amet."));
    ++seen;
  }
  CHECK(seen == 1);
}

const cid pb_id{shoal::multicodec::dag_pb, shoal::multihash{}};

std::vector<std::byte> node_of(const shoal::unixfs_data& message, const std::vector<shoal::pb_link>& links) {
  std::vector<std::byte> data;
  append_unixfs(data, message);
  shoal::pb_node node;
  node.data = data;
  node.links = links;
  std::vector<std::byte> block;
  append_dag_pb(block, node);
  return block;
}

shoal::unixfs_data shard_of(bytes_view field, std::uint64_t fanout = 256) {
  shoal::unixfs_data message;
  message.type = unixfs_type::hamt_shard;
  message.data = field;
  message.hash_type = shoal::murmur3_x64_64_code;
  message.fanout = fanout;
  return message;
}

shoal::pb_link link(std::string_view name, const cid& id = cid{}) {
  return {id, name, 1};
}

TEST_CASE("names that share the first bits of their hash are told apart one shard further down") {
  // The hash of "hello" starts with cb d8.
  std::vector<std::byte> upper_field(26);
  upper_field[0] = std::byte{1 << (0xcb % 8)};
  std::vector<std::byte> lower_field(28);
  lower_field[0] = std::byte{1 << (0xd8 % 8)};
  const cid lower_id{shoal::multicodec::dag_pb, *shoal::multihash::make(shoal::hash_code{1}, {})};
  block_map blocks;
  blocks[pb_id] = node_of(shard_of(upper_field), {link("CB", lower_id)});
  blocks[lower_id] = node_of(shard_of(lower_field), {link("D8hello")});
  CHECK(list(blocks, pb_id).contains("hello"));
  CHECK(look_up(blocks, pb_id, "hello"));
  CHECK(look_up(blocks, pb_id, "hallo").error() == errc::not_found);
  // In its own slot or not at all.
  CHECK(look_up(blocks, lower_id, "hello").error() == errc::not_found);
}

TEST_CASE("a tower of shards ends where the hash does") {
  std::vector<std::byte> field(32, std::byte{0xff});
  std::vector<std::string> names;
  std::vector<shoal::pb_link> links;
  for (int slot = 0; slot < 256; ++slot) {
    names.push_back({"0123456789ABCDEF"[slot / 16], "0123456789ABCDEF"[slot % 16]});
  }
  for (const std::string& name : names) links.push_back(link(name, pb_id));  // all of them lead back here
  const block_map blocks{{pb_id, node_of(shard_of(field), links)}};
  CHECK(look_up(blocks, pb_id, "hello").error() == errc::limit_exceeded);
}

std::error_code error_of(const shoal::unixfs_data& message, const std::vector<shoal::pb_link>& links) {
  return read_directory_node(pb_id, node_of(message, links)).error();
}

TEST_CASE("a shard whose bit field and links disagree is malformed") {
  const std::vector field{std::byte{0x01}, std::byte{0x02}};  // slots 8 and 1
  const auto message = shard_of(field);
  CHECK_FALSE(error_of(message, {link("01a"), link("08b")}));
  CHECK(error_of(message, {link("01a")}) == errc::malformed);
  CHECK(error_of(message, {link("01a"), link("09b")}) == errc::malformed);
  CHECK(error_of(message, {link("08b"), link("01a")}) == errc::malformed);
  CHECK(error_of(message, {link("01a"), link("08b"), link("08c")}) == errc::malformed);
  CHECK(error_of(message, {link("01a"), link("8")}) == errc::malformed);
  CHECK(error_of(message, {link("01a"), link("0g")}) == errc::malformed);
  CHECK(error_of(message, {link("01a"), {cid{}, {}, 1}}) == errc::malformed);
  CHECK(error_of(message, {link("01a"), link("08b/c")}) == errc::malformed);
  CHECK(error_of(shard_of(std::vector<std::byte>(33)), {}) == errc::malformed);
}

TEST_CASE("a shard of a shape that nobody makes is unsupported") {
  for (const std::uint64_t fanout : {0u, 1u, 4u, 12u, 255u, 2048u})
    CHECK(error_of(shard_of({}, fanout), {}) == errc::unsupported);
  for (const std::uint64_t fanout : {8u, 16u, 256u, 1024u}) CHECK_FALSE(error_of(shard_of({}, fanout), {}));
  auto other_hash = shard_of({});
  other_hash.hash_type = 0x12;
  CHECK(error_of(other_hash, {}) == errc::unsupported);
}

TEST_CASE("a plain directory has names, and names have no slash") {
  shoal::unixfs_data plain;
  plain.type = unixfs_type::directory;
  CHECK_FALSE(error_of(plain, {link("a"), link("b")}));
  CHECK(error_of(plain, {link("")}) == errc::malformed);
  CHECK(error_of(plain, {link("a/b")}) == errc::malformed);
  plain.type = unixfs_type::file;
  CHECK(error_of(plain, {}) == errc::unsupported);
  CHECK(read_directory_node(cid{}, {}).error() == errc::unsupported);
}

}  // namespace
