// SPDX-License-Identifier: BSL-1.0
#include <shoal/image/import.hpp>  // first: shows that the header stands alone

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <new>
#include <optional>
#include <random>
#include <stop_token>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/content/verify.hpp>
#include <shoal/openssl/digester.hpp>

#include "map_store.hpp"

namespace {

using shoal::bytes_view;
using shoal::cid;
using shoal::errc;
using shoal::result;

const shoal::openssl::digester digester;

/// Keeps everything, and checks what a sink may rely on.
struct map_sink {
  std::map<cid, std::vector<std::byte>> blocks;
  std::vector<std::uint64_t> offsets;
  std::optional<cid> root;
  std::size_t fail_at = SIZE_MAX;

  result<> leaf(const cid& id, bytes_view block, std::uint64_t offset) {
    if (offsets.size() == fail_at) return errc::no_space;
    offsets.push_back(offset);
    return node(id, block);
  }
  result<> node(const cid& id, bytes_view block) {
    CHECK(shoal::verify(digester, id, block));
    CHECK_FALSE(root);
    blocks[id].assign(block.begin(), block.end());
    return {};
  }
  result<> finish(const cid& id) {
    root = id;
    return {};
  }
};
static_assert(shoal::block_sink<map_sink>);

result<shoal::import_summary> import(bytes_view bytes, std::size_t leaf, map_sink& sink,
                                     shoal::import_options options) {
  const shoal::memory_source source{bytes};
  return shoal::import_image(source, every{leaf}, digester, sink, options);
}

TEST_CASE("an import is the same whatever the number of threads, and the sink sees leaves in order") {
  const std::vector<std::byte> bytes = random_bytes(5'000'000);
  map_sink one;
  map_sink four;
  const auto first = import(bytes, 1000, one, {.profile = shoal::unixfs_disk_image, .threads = 1});
  const auto second = import(bytes, 1000, four, {.profile = shoal::unixfs_disk_image, .threads = 4});
  REQUIRE(first);
  REQUIRE(second);
  CHECK(first->root == second->root);
  CHECK(one.blocks == four.blocks);
  CHECK(std::ranges::is_sorted(four.offsets));
  CHECK(four.offsets.size() == 5000);
  CHECK(first->size == bytes.size());
  CHECK(first->leaves == 5000);
  CHECK(first->nodes == 6);  // five rows of 1024 and the root
  CHECK(four.root == second->root);
}

TEST_CASE("small files get the CIDs that ipfs add gives them") {
  const auto root_of = [](std::string_view text, const shoal::unixfs_profile& profile) {
    map_sink sink;
    const auto done = import(shoal::as_bytes(text), profile.chunk_size, sink, {.profile = profile});
    REQUIRE(done);
    CHECK(sink.blocks.contains(done->root));
    return to_text(done->root);
  };
  CHECK(root_of("hello world", shoal::unixfs_v0_2015) == "Qmf412jQZiuVUtdgnB36FXFX7xg5V6KEbSJ4dpQuhkLyfD");
  CHECK(root_of("hello world", shoal::unixfs_v1_2025) ==
        "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e");
  CHECK(root_of("", shoal::unixfs_v0_2015) == "QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH");
  CHECK(root_of("", shoal::unixfs_v1_2025) == "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku");
}

TEST_CASE("the sink's error ends the import, and nothing is finished") {
  const std::vector<std::byte> bytes = random_bytes(3'000'000);
  map_sink sink;
  sink.fail_at = 100;
  CHECK(import(bytes, 1000, sink, {.profile = shoal::unixfs_disk_image, .threads = 4}).error() ==
        errc::no_space);
  CHECK_FALSE(sink.root);
}

TEST_CASE("an import that is called off ends with errc::canceled, and nothing is finished") {
  const std::vector<std::byte> bytes = random_bytes(30'000'000);
  const shoal::memory_source source{bytes};
  std::stop_source stop;
  map_sink sink;
  const shoal::import_options options{
      .profile = shoal::unixfs_disk_image, .threads = 2, .stop = stop.get_token()};
  const auto done = shoal::import_image(source, every{65536}, digester, sink, options,
                                        [&](std::uint64_t) { stop.request_stop(); });
  CHECK(done.error() == errc::canceled);
  CHECK_FALSE(sink.root);
}

TEST_CASE("an image of more leaves than can be opened is refused before anything is read") {
  struct vast {
    [[nodiscard]] std::uint64_t size() const noexcept { return (shoal::max_image_leaves + 1) * 65536; }
    [[nodiscard]] result<> read(std::uint64_t, shoal::bytes_span) const { return errc::failed; }
    [[nodiscard]] result<shoal::data_range> data_after(std::uint64_t) const { return errc::failed; }
  };
  map_sink sink;
  const auto done =
      shoal::import_image(vast{}, every{65536}, digester, sink, {.profile = shoal::unixfs_disk_image});
  CHECK(done.error() == errc::limit_exceeded);
  CHECK(sink.blocks.empty());
}

TEST_CASE("what a sink throws reaches the caller") {
  struct thrower {
    result<> leaf(const cid&, bytes_view, std::uint64_t) { throw std::bad_alloc{}; }
    result<> node(const cid&, bytes_view) { return {}; }
    result<> finish(const cid&) { return {}; }
  };
  const std::vector<std::byte> bytes = random_bytes(1'000'000);
  const shoal::memory_source source{bytes};
  thrower sink;
  const shoal::import_options options{.profile = shoal::unixfs_disk_image, .threads = 4};
  CHECK_THROWS_AS((void)shoal::import_image(source, every{65536}, digester, sink, options), std::bad_alloc);
}

TEST_CASE("holes are hashed once and give the CIDs that zeroes give") {
  struct all_hole {
    [[nodiscard]] std::uint64_t size() const noexcept { return 64 << 20; }
    [[nodiscard]] result<> read(std::uint64_t, shoal::bytes_span) const { return errc::failed; }
    [[nodiscard]] result<shoal::data_range> data_after(std::uint64_t) const {
      return shoal::data_range{size(), size()};
    }
  };
  const shoal::import_options options{.profile = shoal::unixfs_v0_2015};
  map_sink holes;
  const auto told = shoal::import_image(all_hole{}, every{262144}, digester, holes, options);
  REQUIRE(told);
  CHECK(told->hole_bytes == 64 << 20);
  CHECK(holes.offsets.size() == 256);
  const std::vector<std::byte> zeroes(64 << 20);
  map_sink read;
  const auto untold = import(zeroes, 262144, read, options);
  REQUIRE(untold);
  CHECK(told->root == untold->root);
  CHECK(holes.blocks == read.blocks);
}

}  // namespace
