// SPDX-License-Identifier: BSL-1.0
#include <shoal/content/balanced.hpp>  // first: shows that the header stands alone

#include <array>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <openssl/evp.h>

#include <shoal/content/file_node.hpp>
#include <shoal/openssl/digester.hpp>

namespace {

using shoal::bytes_view;
using shoal::cid;
using shoal::errc;
using shoal::file_child;
using shoal::result;
using shoal::unixfs_profile;

/// The ChaCha20 key stream under the SHA-256 of a seed: the input of the official vectors.
class key_stream {
 public:
  explicit key_stream(const std::string& seed) : context_(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free) {
    std::array<std::byte, 32> key;
    shoal::openssl::digester digester;
    REQUIRE(digester.digest(shoal::hash_code::sha2_256, shoal::as_bytes(seed), key) == shoal::status::ok);
    const std::array<unsigned char, 16> counter_and_nonce{};
    REQUIRE(EVP_EncryptInit_ex(context_.get(), EVP_chacha20(), nullptr,
                               reinterpret_cast<unsigned char*>(key.data()), counter_and_nonce.data()) == 1);
  }

  void fill(std::vector<std::byte>& out) {
    const std::vector<unsigned char> zeros(out.size());
    int size = 0;
    REQUIRE(EVP_EncryptUpdate(context_.get(), reinterpret_cast<unsigned char*>(out.data()), &size, zeros.data(),
                              static_cast<int>(zeros.size())) == 1);
  }

 private:
  std::unique_ptr<EVP_CIPHER_CTX, void (*)(EVP_CIPHER_CTX*)> context_;
};

using block_map = std::map<cid, std::vector<std::byte>>;

/// Collects the nodes and holds the builder to its order: what a node links to is there before it.
struct collect {
  block_map& blocks;

  result<> operator()(const cid& id, bytes_view node) const {
    const auto read = shoal::read_file_node(id, node);
    REQUIRE(read);
    for (const auto& part : read->parts)
      CHECK((part.id.codec() == shoal::multicodec::raw || blocks.contains(part.id)));
    blocks[id] = {node.begin(), node.end()};
    return {};
  }
};

std::string value_of(const std::string& json, const std::string& key) {
  const std::string quoted = '"' + key + "\": ";
  std::size_t at = json.find(quoted);
  if (at == std::string::npos) return {};
  at += quoted.size();
  if (json[at] == '"') return json.substr(at + 1, json.find('"', at + 1) - at - 1);
  return json.substr(at, json.find_first_of(",}\n", at) - at);
}

TEST_CASE("files get the CIDs that the official profiles give them") {
  std::ifstream file{SHOAL_FIXTURES "/ipip499_vectors.json"};
  if (!file) {
    MESSAGE("skipped: no IPIP-499 vectors");
    return;
  }
  const std::string json{std::istreambuf_iterator<char>{file}, {}};
  shoal::openssl::digester digester;
  int seen = 0;
  for (std::size_t at = json.find('{'); at != std::string::npos; at = json.find('{', at + 1)) {
    const std::string entry = json.substr(at, json.find('}', at) + 1 - at);
    const std::uint64_t size = std::stoull(value_of(entry, "size"));
    if (size > 64u << 20) continue;  // a gigabyte is for the importer's tests
    CAPTURE(entry);
    const unixfs_profile profile =
        value_of(entry, "profile") == "unixfs-v0-2015" ? shoal::unixfs_v0_2015 : shoal::unixfs_v1_2025;
    const std::string text = value_of(entry, "text");
    key_stream stream{value_of(entry, "seed")};
    block_map blocks;
    shoal::balanced_builder builder{profile, digester, collect{blocks}};
    std::vector<std::byte> chunk;
    std::vector<std::byte> scratch;
    for (std::uint64_t left = size; left != 0; left -= chunk.size()) {
      chunk.resize(static_cast<std::size_t>(std::min<std::uint64_t>(left, profile.chunk_size)));
      if (text.empty()) {
        stream.fill(chunk);
      } else {
        std::ranges::copy(shoal::as_bytes(text), chunk.begin());
      }
      const auto leaf = make_leaf(profile, digester, chunk, scratch);
      REQUIRE(leaf);
      blocks[leaf->child.id];
      REQUIRE(builder.add(leaf->child));
    }
    const auto root = builder.finish();
    REQUIRE(root);
    CHECK(to_text(root->id) == value_of(entry, "cid"));
    CHECK(root->file_size == size);
    ++seen;
  }
  CHECK(seen == 6);
}

TEST_CASE("an empty file is an empty leaf, which the sink gets") {
  shoal::openssl::digester digester;
  for (const auto& [profile, expected] :
       {std::pair{shoal::unixfs_v0_2015, "QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH"},
        std::pair{shoal::unixfs_v1_2025, "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"}}) {
    block_map blocks;
    shoal::balanced_builder builder{profile, digester, collect{blocks}};
    const auto root = builder.finish();
    REQUIRE(root);
    CHECK(to_text(root->id) == expected);
    CHECK(root->file_size == 0);
    CHECK(blocks.contains(root->id));
  }
}

TEST_CASE("two raw leaves give the node that other implementations give") {
  shoal::openssl::digester digester;
  block_map blocks;
  const auto leaf = cid::parse("bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e");
  REQUIRE(leaf);
  shoal::balanced_builder builder{shoal::unixfs_v1_2025, digester, collect{blocks}};
  REQUIRE(builder.add({*leaf, 11, 11}));
  REQUIRE(builder.add({*leaf, 11, 11}));
  const auto root = builder.finish();
  REQUIRE(root);
  CHECK(to_text(root->id) == "bafybeib2hhdgfjlnbsjydep73d6zd6p3o5gcpl6hljpzb5bmb4kbrh4jhm");
  CHECK(root->total_size == 22 + blocks[root->id].size());
}

/// Depth of the leaves below `id`, which must be the same for all; counts them.
std::size_t depth_of(const block_map& blocks, const cid& id, std::size_t max_links, std::size_t& leaves) {
  if (id.codec() == shoal::multicodec::raw) {
    ++leaves;
    return 1;
  }
  const auto node = shoal::read_file_node(id, blocks.at(id));
  REQUIRE(node);
  REQUIRE(!node->parts.empty());
  CHECK(node->parts.size() <= max_links);
  const std::size_t depth = depth_of(blocks, node->parts.front().id, max_links, leaves);
  for (std::size_t i = 1; i < node->parts.size(); ++i) {
    CHECK(depth_of(blocks, node->parts[i].id, max_links, leaves) == depth);
  }
  return depth + 1;
}

TEST_CASE("all leaves are equally deep and the tree is as low as it can be") {
  shoal::openssl::digester digester;
  unixfs_profile profile = shoal::unixfs_v1_2025;
  profile.max_links = 3;
  std::vector<std::byte> scratch;
  for (std::size_t count = 1; count <= 40; ++count) {
    CAPTURE(count);
    block_map blocks;
    shoal::balanced_builder builder{profile, digester, collect{blocks}};
    for (std::size_t i = 0; i < count; ++i) {
      const std::array content{std::byte(i)};
      REQUIRE(builder.add(make_leaf(profile, digester, content, scratch)->child));
    }
    const auto root = builder.finish();
    REQUIRE(root);
    CHECK(root->file_size == count);
    std::size_t leaves = 0;
    const std::size_t depth = depth_of(blocks, root->id, profile.max_links, leaves);
    CHECK(leaves == count);
    CHECK(depth == (count == 1 ? 1 : count <= 3 ? 2 : count <= 9 ? 3 : count <= 27 ? 4 : 5));
  }
}

TEST_CASE("the builder stops at the sink's error and at sizes that no file has") {
  shoal::openssl::digester digester;
  const auto full = [](const cid&, bytes_view) -> result<> { return errc::no_space; };
  shoal::balanced_builder builder{shoal::unixfs_v1_2025, digester, full};
  REQUIRE(builder.add({cid{}, 1, 1}));
  REQUIRE(builder.add({cid{}, 1, 1}));
  CHECK(builder.finish().error() == errc::no_space);
  shoal::balanced_builder empty{shoal::unixfs_v1_2025, digester, full};
  CHECK(empty.finish().error() == errc::no_space);
  const auto any = [](const cid&, bytes_view) { return result<>{}; };
  shoal::balanced_builder huge{shoal::unixfs_v1_2025, digester, any};
  REQUIRE(huge.add({cid{}, UINT64_MAX, 1}));
  REQUIRE(huge.add({cid{}, 1, 1}));
  CHECK(huge.finish().error() == errc::limit_exceeded);
}

TEST_CASE("a profile without a tree is misuse") {
  shoal::openssl::digester digester;
  const auto any = [](const cid&, bytes_view) { return result<>{}; };
  const auto with = [&](std::size_t links) {
    shoal::balanced_builder builder{unixfs_profile{1, true, links, 1}, digester, any};
  };
  CHECK_THROWS_AS(with(1), std::invalid_argument);
  CHECK_THROWS_AS(with(shoal::max_dag_pb_links + 1), std::invalid_argument);
  CHECK_NOTHROW(with(2));
}

}  // namespace
