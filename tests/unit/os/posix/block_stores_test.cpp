// SPDX-License-Identifier: BSL-1.0
//
// What the stores in files have in common: each holds the same blocks, passes the same suite, and never gives
// out bytes that do not match their CID.
#include <shoal/os/posix/car_store.hpp>
#include <shoal/os/posix/car_writer.hpp>
#include <shoal/os/posix/flatfs_sink.hpp>
#include <shoal/os/posix/flatfs_store.hpp>
#include <shoal/os/posix/reference_store.hpp>
#include <shoal/os/posix/reference_writer.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include <shoal/base/endian.hpp>
#include <shoal/openssl/digester.hpp>
#include <shoal/task/io_pool.hpp>
#include <shoal/test/block_store_conformance.hpp>
#include <shoal/test/run.hpp>

#include "../../temporary_folder.hpp"

namespace {

namespace fs = std::filesystem;
namespace posix = shoal::posix;
using shoal::block;
using shoal::bytes_view;
using shoal::cid;
using shoal::errc;
using shoal::result;
using shoal::test::make_block;
using shoal::test::run;

using folder = temporary_folder;

void write_file(const fs::path& path, bytes_view bytes) {
  std::ofstream file{path, std::ios::binary};
  file << shoal::as_text(bytes);
  REQUIRE(file.flush());
}

std::vector<std::byte> read_file(const fs::path& path) {
  std::ifstream file{path, std::ios::binary};
  const std::string text{std::istreambuf_iterator<char>{file}, {}};
  const bytes_view bytes = shoal::as_bytes(text);
  return {bytes.begin(), bytes.end()};
}

void flip_byte(const fs::path& path, std::uint64_t offset) {
  std::fstream file{path, std::ios::binary | std::ios::in | std::ios::out};
  file.seekg(static_cast<std::streamoff>(offset));
  const int old = file.get();
  file.seekp(static_cast<std::streamoff>(offset));
  file.put(static_cast<char>(old ^ 1));
  REQUIRE(file.flush());
}

std::uint64_t position_of(const fs::path& path, bytes_view needle) {
  const auto file = read_file(path);
  const auto found = std::ranges::search(file, needle);
  REQUIRE_FALSE(found.empty());
  return static_cast<std::uint64_t>(found.begin() - file.begin());
}

// Sees which blocks a store complains about.
struct complaints {
  std::shared_ptr<std::vector<cid>> seen = std::make_shared<std::vector<cid>>();
  void operator()(const shoal::block_corrupt& event) const { seen->push_back(event.id); }
};

using car_store = posix::car_store<shoal::openssl::digester, complaints>;
using flatfs_store = posix::flatfs_store<shoal::openssl::digester, complaints>;
using reference_store = posix::reference_store<shoal::openssl::digester, complaints>;
static_assert(shoal::block_store<car_store> && shoal::block_store<flatfs_store> &&
              shoal::block_store<reference_store>);

// An image and its blocks: leaves end to end in a file, and one node.
struct image {
  shoal::openssl::digester digester;
  folder at;
  std::vector<block> leaves = shoal::test::sample_blocks(digester);
  block node =
      make_block(digester, shoal::as_bytes("a node, for all that stores know"), shoal::multicodec::dag_pb);

  image() {
    std::ofstream file{at / "disk.img", std::ios::binary};
    for (const block& leaf : leaves) file << shoal::as_text(leaf.data.bytes());
    REQUIRE(file.flush());
  }

  [[nodiscard]] std::vector<block> all() const {
    std::vector<block> every = leaves;
    every.push_back(node);
    return every;
  }

  template <shoal::block_sink Sink>
  void feed(Sink& sink) const {
    std::uint64_t offset = 0;
    for (const block& leaf : leaves) {
      REQUIRE(sink.leaf(leaf.id, leaf.data.bytes(), offset));
      REQUIRE(sink.leaf(leaf.id, leaf.data.bytes(), offset));  // as equal parts of an image do
      offset += leaf.data.size();
    }
    REQUIRE(sink.node(node.id, node.data.bytes()));
  }
  template <shoal::block_sink Sink>
  void fill(result<Sink> sink) const {
    REQUIRE(sink);
    feed(*sink);
    const result<> finished = sink->finish(node.id);
    REQUIRE(finished.error().message() == std::error_code{}.message());
  }

  [[nodiscard]] fs::path car(const posix::car_options& options = {}) const {
    fill(posix::car_writer::create(at / "image.car", options));
    return at / "image.car";
  }
  [[nodiscard]] fs::path flatfs() const {
    result<posix::flatfs_directory> made = posix::flatfs_directory::create(at / "blocks");
    REQUIRE(made);
    fill(result<posix::flatfs_sink>{posix::flatfs_sink{std::move(*made)}});
    return at / "blocks";
  }
  [[nodiscard]] fs::path reference() const {
    fill(posix::reference_writer::create(at / "disk.ref", at / "disk.img"));
    return at / "disk.ref";
  }

  template <class Store>
  static std::unique_ptr<Store> open(const fs::path& path, shoal::io_pool* pool = nullptr,
                                     complaints observer = {}) {
    result<Store> opened = Store::open(path, pool, {}, std::move(observer));
    REQUIRE(opened.error().message() == std::error_code{}.message());
    return std::make_unique<Store>(std::move(*opened));
  }
};

TEST_CASE_FIXTURE(image, "a CAR of either version and index is a read-only store") {
  for (const unsigned version : {1u, 2u}) {
    for (const auto kind : {shoal::car_index_kind::sorted, shoal::car_index_kind::multihash_sorted}) {
      posix::car_options options;
      options.version = version;
      options.index = kind;
      const fs::path path = car(options);
      CHECK(open<car_store>(path)->roots() == std::vector<cid>{node.id});
      CHECK(open<car_store>(path)->block_count() == all().size());
    }
  }
  const fs::path path = car();
  shoal::test::conforms_to_read_only_store([&] { return open<car_store>(path); }, all(), digester);
}

TEST_CASE_FIXTURE(image, "a CAR without an index is a read-only store") {
  posix::car_options options;
  options.version = 1;
  const fs::path path = car(options);
  shoal::test::conforms_to_read_only_store([&] { return open<car_store>(path); }, all(), digester);
}

TEST_CASE_FIXTURE(image, "a store reads and verifies on a pool's threads") {
  shoal::io_pool pool{2};
  const fs::path path = car();
  shoal::test::conforms_to_read_only_store([&] { return open<car_store>(path, &pool); }, all(), digester);
}

TEST_CASE_FIXTURE(image, "a reference to an image is a read-only store") {
  const fs::path path = reference();
  CHECK(open<reference_store>(path)->roots() == std::vector<cid>{node.id});
  CHECK(open<reference_store>(path)->block_count() == all().size());
  shoal::test::conforms_to_read_only_store([&] { return open<reference_store>(path); }, all(), digester);
}

TEST_CASE_FIXTURE(image, "a flatfs folder that was filled is a store") {
  const fs::path path = flatfs();
  const auto store = open<flatfs_store>(path);
  for (const block& b : all()) shoal::test::detail::check_gives(*store, b);
  // nothing but blocks and the layout: no unfinished file
  for (const auto& entry : fs::recursive_directory_iterator{path}) {
    const bool expected =
        entry.is_directory() || entry.path().extension() == ".data" || entry.path().filename() == "SHARDING";
    CHECK_MESSAGE(expected, entry.path().string());
  }
}

TEST_CASE("a flatfs folder is a block store") {
  shoal::openssl::digester digester;
  const folder at;
  shoal::io_pool pool{1};
  int count = 0;
  const auto make = [&] {
    result<posix::flatfs_directory> made = posix::flatfs_directory::create(at.path / std::to_string(count++));
    REQUIRE(made);
    return std::make_unique<flatfs_store>(std::move(*made), &pool);
  };
  shoal::test::conforms_to_block_store(make, digester);
}

TEST_CASE_FIXTURE(image, "a corrupt leaf is never given out, and its name is told") {
  const block& leaf = leaves[4];
  const auto check = [&](auto& store, const complaints& seen) {
    CHECK(run(store.get(leaf.id)).error() == errc::block_mismatch);
    CHECK(*seen.seen == std::vector<cid>{leaf.id});
    CHECK(run(store.get(leaves[5].id)));
  };
  SUBCASE("in a CAR") {
    const fs::path path = car();
    flip_byte(path, position_of(path, leaf.data.bytes()) + 100);
    const complaints seen;
    check(*open<car_store>(path, nullptr, seen), seen);
  }
  SUBCASE("in a CAR that was fine when it was opened") {
    const fs::path path = car();
    const complaints seen;
    const auto store = open<car_store>(path, nullptr, seen);
    CHECK(run(store->get(leaf.id)));
    flip_byte(path, position_of(path, leaf.data.bytes()) + 100);
    check(*store, seen);
  }
  SUBCASE("in a CAR, its CID instead of its content") {
    const fs::path path = car();
    flip_byte(path, position_of(path, leaf.data.bytes()) - 1);
    const complaints seen;
    check(*open<car_store>(path, nullptr, seen), seen);
  }
  SUBCASE("in a flatfs folder") {
    const fs::path path = flatfs();
    flip_byte(path / posix::flatfs_layout{}.file_of(leaf.id.hash()), 100);
    const complaints seen;
    check(*open<flatfs_store>(path, nullptr, seen), seen);
  }
  SUBCASE("in the image behind a reference") {
    const fs::path path = reference();
    flip_byte(at / "disk.img", position_of(at / "disk.img", leaf.data.bytes()) + 100);
    const complaints seen;
    check(*open<reference_store>(path, nullptr, seen), seen);
  }
}

TEST_CASE_FIXTURE(image, "a CAR that was cut after it was opened gives an error, not a signal") {
  const fs::path path = car();
  const auto store = open<car_store>(path);
  fs::resize_file(path, 5000);
  CHECK(run(store->get(leaves[5].id)).error() == errc::source_changed);
  CHECK(run(store->has(leaves[5].id)).error() == errc::source_changed);
}

TEST_CASE_FIXTURE(image, "a CAR that is cut off anywhere is not opened") {
  shoal::openssl::digester hash;
  const block one = make_block(hash, shoal::as_bytes("small"));
  result<posix::car_writer> writer = posix::car_writer::create(at / "small.car");
  REQUIRE(writer);
  REQUIRE(writer->leaf(one.id, one.data.bytes(), 0));
  REQUIRE(writer->finish(one.id));
  const auto whole = read_file(at / "small.car");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    write_file(at / "cut.car", bytes_view{whole}.first(size));
    CHECK_FALSE(car_store::open(at / "cut.car"));
  }
}

TEST_CASE_FIXTURE(image, "an index that points to the wrong place gives an error, and never another block") {
  const fs::path path = car();
  // the last entry of the index ends the file, with its offset
  const auto whole = read_file(path);
  const bytes_view last_digest = bytes_view{whole}.last(40).first(32);
  const auto every = all();
  const auto last = std::ranges::find_if(
      every, [&](const block& b) { return std::ranges::equal(b.id.hash().digest(), last_digest); });
  REQUIRE(last != every.end());
  const auto with_offset = [&](std::uint64_t offset) {
    auto bytes = whole;
    shoal::store_le(bytes.data() + bytes.size() - 8, offset);
    write_file(at / "lying.car", bytes);
    return run(open<car_store>(at / "lying.car")->get(last->id)).error();
  };
  const std::uint64_t true_offset = shoal::load_le<std::uint64_t>(whole.data() + whole.size() - 8);
  const std::uint64_t first = 59;  // behind the header
  const block& other = leaves.front();
  REQUIRE(other.id != last->id);
  CHECK_FALSE(with_offset(true_offset));
  CHECK(with_offset(first) == errc::block_mismatch);
  CHECK(with_offset(UINT64_MAX) == errc::malformed);
  CHECK(with_offset(fs::file_size(path)) == errc::malformed);
  for (std::uint64_t offset = 0; offset < 200; ++offset) CHECK(with_offset(true_offset + 1 + offset));
}

TEST_CASE_FIXTURE(image, "a reference that is cut off anywhere is not opened") {
  const auto whole = read_file(reference());
  for (std::size_t size = 0; size < whole.size(); size += size < 600 || size + 600 > whole.size() ? 1u : 331u) {
    CAPTURE(size);
    write_file(at / "cut.ref", bytes_view{whole}.first(size));
    CHECK_FALSE(reference_store::open(at / "cut.ref"));
  }
}

TEST_CASE_FIXTURE(image, "a writer that is given up leaves nothing, and the old file as it was") {
  write_file(at / "image.car", shoal::as_bytes("old"));
  {
    result<posix::car_writer> writer = posix::car_writer::create(at / "image.car");
    REQUIRE(writer);
    feed(*writer);
    CHECK(fs::exists(at / "image.car.partial"));
    CHECK(posix::car_writer::create(at / "image.car").error() == errc::busy);
  }
  CHECK_FALSE(fs::exists(at / "image.car.partial"));
  CHECK(shoal::as_text(read_file(at / "image.car")) == "old");
  {
    result<posix::reference_writer> writer = posix::reference_writer::create(at / "disk.ref", at / "disk.img");
    REQUIRE(writer);
    feed(*writer);
  }
  CHECK_FALSE(fs::exists(at / "disk.ref"));
  CHECK_FALSE(fs::exists(at / "disk.ref.partial"));
}

TEST_CASE_FIXTURE(image, "an unfinished file that a killed program left is overwritten") {
  const std::vector<std::byte> stale(5'000'000, std::byte{0xee});
  write_file(at / "image.car.partial", stale);
  const fs::path path = car();
  CHECK_FALSE(fs::exists(at / "image.car.partial"));
  CHECK(fs::file_size(path) < stale.size());
  shoal::test::detail::check_gives(*open<car_store>(path), leaves.back());
}

// No file of this process may grow beyond some bytes: the nearest thing to a full disk that needs no other
// disk.
struct small_files {
  rlimit before{};
  void (*handler)(int) = std::signal(SIGXFSZ, SIG_IGN);
  explicit small_files(std::uint64_t bytes) {
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
    const rlimit limited{bytes, before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &limited) == 0);
  }
  small_files(const small_files&) = delete;
  small_files& operator=(const small_files&) = delete;
  ~small_files() {
    ::setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, handler);
  }
};

TEST_CASE_FIXTURE(image, "a disk that fills up stops a writer with the system's error, and nothing stays") {
  std::error_code why;
  {
    const small_files limit{1'000'000};
    result<posix::car_writer> writer = posix::car_writer::create(at / "image.car");
    REQUIRE(writer);
    for (const block& leaf : leaves) {
      if (!why) why = writer->leaf(leaf.id, leaf.data.bytes(), 0).error();
    }
    if (!why) why = writer->finish(node.id).error();
  }
  CHECK(why == std::errc::file_too_large);
  CHECK_FALSE(fs::exists(at / "image.car"));
  CHECK_FALSE(fs::exists(at / "image.car.partial"));
}

TEST_CASE_FIXTURE(image, "the unfinished file is never written through a link") {
  fs::create_symlink(at / "disk.img", at / "image.car.partial");
  CHECK_FALSE(posix::car_writer::create(at / "image.car"));
  shoal::test::detail::check_gives(*open<reference_store>(reference()), leaves.back());
}

TEST_CASE_FIXTURE(image, "a writer refuses targets that cannot be written") {
  CHECK(posix::car_writer::create(at.path).error() == std::errc::is_a_directory);
  CHECK(posix::car_writer::create(at / "no/such/image.car").error() == std::errc::no_such_file_or_directory);
  CHECK(car_store::open(at / "missing.car").error() == std::errc::no_such_file_or_directory);
  CHECK(car_store::open(at.path).error() == std::errc::is_a_directory);
  CHECK_FALSE(car_store::open(at / "disk.img"));
}

TEST_CASE_FIXTURE(image, "version 1 needs a root of the shape that was announced") {
  posix::car_options options;
  options.version = 1;
  result<posix::car_writer> writer = posix::car_writer::create(at / "image.car", options);
  REQUIRE(writer);
  const result<cid> root = cid::v0(node.id.hash());
  REQUIRE(root);
  CHECK(writer->finish(*root).error() == errc::invalid_argument);
}

TEST_CASE_FIXTURE(image, "a reference follows its image when both are moved, and misses it when one is") {
  const fs::path path = reference();
  fs::create_directory(at / "elsewhere");
  fs::rename(path, at / "elsewhere/disk.ref");
  CHECK(reference_store::open(at / "elsewhere/disk.ref").error() == std::errc::no_such_file_or_directory);
  fs::rename(at / "disk.img", at / "elsewhere/disk.img");
  shoal::test::detail::check_gives(*open<reference_store>(at / "elsewhere/disk.ref"), leaves.back());
}

TEST_CASE_FIXTURE(image,
                  "a reference that names a pipe in the place of an image is refused and does not wait") {
  const fs::path path = reference();
  fs::remove(at / "disk.img");
  REQUIRE(::mkfifo((at / "disk.img").c_str(), 0600) == 0);
  CHECK(reference_store::open(path).error() == errc::unsupported);
}

TEST_CASE_FIXTURE(image, "a reference whose image has another size says so") {
  const fs::path path = reference();
  const auto store = open<reference_store>(path);
  fs::resize_file(at / "disk.img", 10);
  CHECK(reference_store::open(path).error() == errc::source_changed);
  CHECK(run(store->get(leaves.back().id)).error() == errc::source_changed);
}

TEST_CASE_FIXTURE(image, "an image that is written to while it is imported is refused") {
  result<posix::reference_writer> writer = posix::reference_writer::create(at / "disk.ref", at / "disk.img");
  REQUIRE(writer);
  feed(*writer);
  fs::last_write_time(at / "disk.img", fs::last_write_time(at / "disk.img") + std::chrono::seconds{1});
  CHECK(writer->finish(node.id).error() == errc::source_changed);
}

TEST_CASE_FIXTURE(image,
                  "a reference makes leaves with an envelope again, and refuses what it could not make") {
  result<posix::reference_writer> writer = posix::reference_writer::create(at / "disk.ref", at / "disk.img");
  REQUIRE(writer);
  const shoal::unixfs_profile profile{.cid_version = 0, .raw_leaves = false};
  std::vector<std::byte> scratch;
  const auto leaf = make_leaf(profile, digester, leaves.back().data.bytes(), scratch);
  REQUIRE(leaf);
  const std::uint64_t offset = position_of(at / "disk.img", leaves.back().data.bytes());
  // max_block_size of content does not fit a block with an envelope around it
  CHECK(writer->leaf(leaf->child.id, leaf->block, offset).error() == errc::limit_exceeded);

  const auto small = make_leaf(profile, digester, leaves[4].data.bytes(), scratch);
  REQUIRE(small);
  const std::uint64_t small_offset = position_of(at / "disk.img", leaves[4].data.bytes());
  REQUIRE(writer->leaf(small->child.id, small->block, small_offset));
  CHECK(writer->leaf(leaves[5].id, leaves[5].data.bytes(), 0).error() == errc::unsupported);  // two kinds
  CHECK(writer->leaf(node.id, node.data.bytes(), 0).error() == errc::unsupported);
  const block expected{small->child.id, make_block(digester, small->block).data};
  REQUIRE(writer->finish(small->child.id));
  shoal::test::detail::check_gives(*open<reference_store>(at / "disk.ref"), expected);
}

TEST_CASE_FIXTURE(image, "a reference can be read as a CAR, which has the nodes and lacks the leaves") {
  const auto store = open<car_store>(reference());
  shoal::test::detail::check_gives(*store, node);
  CHECK(run(store->get(leaves[5].id)).error() == errc::not_found);
}

TEST_CASE("flatfs layouts spread keys as go-ds-flatfs does") {
  using posix::flatfs_layout;
  const auto hash = *shoal::multihash::make(shoal::hash_code::sha2_256, std::array<std::byte, 32>{});
  const std::string key = "CIQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
  const auto file = [&](std::string_view text) {
    const auto layout = flatfs_layout::parse(text);
    REQUIRE(layout);
    CHECK(flatfs_layout::parse(layout->text())->text() == layout->text());
    return layout->file_of(hash).string();
  };
  CHECK(file("/repo/flatfs/shard/v1/next-to-last/2\n") == "AA/" + key + ".data");
  CHECK(file("/repo/flatfs/shard/v1/prefix/3") == "CIQ/" + key + ".data");
  CHECK(file("/repo/flatfs/shard/v1/suffix/2") == "AA/" + key + ".data");
  CHECK(file("/repo/flatfs/shard/v1/prefix/60").starts_with(key + "_____/"));
  CHECK(file("/repo/flatfs/shard/v1/suffix/60").starts_with("_____" + key + "/"));
  CHECK(file("/repo/flatfs/shard/v1/next-to-last/60")
            .starts_with("______" + key.substr(0, key.size() - 1) + "/"));
  CHECK(flatfs_layout::parse("").error() == errc::malformed);
  CHECK(flatfs_layout::parse("/repo/flatfs/shard/v2/prefix/2").error() == errc::unsupported);
  CHECK(flatfs_layout::parse("/repo/flatfs/shard/v1/middle/2").error() == errc::unsupported);
  CHECK(flatfs_layout::parse("/repo/flatfs/shard/v1/prefix/").error() == errc::malformed);
  CHECK(flatfs_layout::parse("/repo/flatfs/shard/v1/prefix/0").error() == errc::malformed);
  CHECK(flatfs_layout::parse("/repo/flatfs/shard/v1/prefix/2x").error() == errc::malformed);
  CHECK(flatfs_layout::parse("/repo/flatfs/shard/v1/prefix/99999999999999999999").error() == errc::malformed);
}

TEST_CASE("blocks that an old version of Kubo kept under their whole CID are found") {
  shoal::openssl::digester digester;
  const folder at;
  const block b = make_block(digester, shoal::as_bytes("of old"));
  result<posix::flatfs_directory> made = posix::flatfs_directory::create(at / "blocks");
  REQUIRE(made);
  const fs::path file = at / "blocks" / made->layout().old_file_of(b.id);
  CHECK(file.filename().string().starts_with("AFKREI"));
  fs::create_directories(file.parent_path());
  write_file(file, b.data.bytes());
  flatfs_store store{std::move(*made)};
  shoal::test::detail::check_gives(store, b);
  CHECK(*run(store.has(b.id)));
}

TEST_CASE("a folder that holds something else does not become a flatfs folder") {
  const folder at;
  write_file(at / "thesis.txt", shoal::as_bytes("precious"));
  CHECK(posix::flatfs_directory::create(at.path).error() == std::errc::directory_not_empty);
  CHECK(posix::flatfs_directory::open(at.path).error() == std::errc::no_such_file_or_directory);
  CHECK_FALSE(fs::exists(at / "SHARDING"));
}

TEST_CASE("a block whose file was cut short by a crash is written again") {
  shoal::openssl::digester digester;
  const folder at;
  const block b = make_block(digester, shoal::as_bytes("a block that shall survive"));
  result<posix::flatfs_directory> made = posix::flatfs_directory::create(at / "blocks");
  REQUIRE(made);
  const fs::path file = at / "blocks" / made->layout().file_of(b.id.hash());
  flatfs_store store{std::move(*made)};
  REQUIRE(run(store.put(b)));
  fs::resize_file(file, 0);
  CHECK(run(store.get(b.id)).error() == errc::block_mismatch);
  REQUIRE(run(store.put(b)));
  shoal::test::detail::check_gives(store, b);
}

}  // namespace
