// SPDX-License-Identifier: BSL-1.0
#include <shoal/fs/ext4.hpp>  // first: shows that the header stands alone

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/test/ext4_image.hpp>

namespace {

using shoal::byte_range;
using shoal::range_set;
using shoal::fs::ext4_error;
using shoal::fs::file_place;
using maker = shoal::test::ext4_image_maker;

constexpr std::size_t block = maker::block_size;

struct image_reader {
  const std::vector<std::byte>* image;
  std::uint64_t start = 0;  // of the image, in what is read
  shoal::status operator()(std::uint64_t offset, shoal::bytes_span out) const {
    offset -= start;
    if (!shoal::contains(image->size(), offset, out.size())) return shoal::status::out_of_range;
    std::memcpy(out.data(), image->data() + offset, out.size());
    return shoal::status::ok;
  }
};

struct found {
  ext4_error error = ext4_error::none;
  file_place place;
};

found find(const std::vector<std::byte>& image, std::string_view path, std::uint64_t start = 0) {
  shoal::fs::ext4_files files{image_reader{&image, start}, start};
  found out;
  out.error = files.open();
  if (out.error == ext4_error::none) out.error = files.find(path, out.place);
  return out;
}

std::vector<byte_range> ranges(const range_set& set) {
  return {set.ranges().begin(), set.ranges().end()};
}

std::vector<byte_range> blocks(std::initializer_list<byte_range> numbers) {
  std::vector<byte_range> out;
  for (const byte_range& each : numbers) out.push_back({each.begin * block, each.end * block});
  return out;
}

TEST_CASE("a file's blocks are found by its extents, holes left out") {
  const found file = find(shoal::test::ext4_image(), "/passwd");
  REQUIRE(file.error == ext4_error::none);
  CHECK(ranges(file.place.contents) == blocks({{20, 23}, {30, 32}}));
  CHECK(file.place.size == 6 * block);
  CHECK_FALSE(file.place.is_directory);
}

TEST_CASE("a file's blocks are found by lists of blocks, with the blocks of the lists") {
  const found file = find(shoal::test::ext4_image(), "/etc/old");
  REQUIRE(file.error == ext4_error::none);
  CHECK(ranges(file.place.contents) == blocks({{40, 54}}));
}

TEST_CASE("a file's blocks are found by a tree of extents, with the blocks of the tree") {
  const found file = find(shoal::test::ext4_image(), "//etc///deep/");
  REQUIRE(file.error == ext4_error::none);
  CHECK(ranges(file.place.contents) == blocks({{55, 57}, {58, 59}}));
}

TEST_CASE("a file in its inode has no blocks, and names in an inode are found") {
  CHECK(find(shoal::test::ext4_image(), "/small").place.contents.empty());
  CHECK(ranges(find(shoal::test::ext4_image(), "/tiny/a").place.contents) == blocks({{20, 23}, {30, 32}}));
  CHECK(ranges(find(shoal::test::ext4_image(), "/tiny/b").place.contents) == blocks({{40, 54}}));
}

TEST_CASE("the records of a file are its inode and the names that lead to it, to the byte") {
  const found file = find(shoal::test::ext4_image(), "/etc/old");
  REQUIRE(file.error == ext4_error::none);
  const std::size_t inode = maker::inode_place(14);
  // "etc" is the fifth name of the root directory: 12 + 12 + 12 + 16 bytes are before it; "old" the third of
  // its own
  const std::size_t etc = 10 * block + 52;
  const std::size_t old = 11 * block + 24;
  const std::vector<byte_range> expected{{inode, inode + 8},           {inode + 0xc, inode + 0x7c},
                                         {inode + 0x7e, inode + 0x82}, {inode + 0x84, inode + 0x8c},
                                         {inode + 0x90, inode + 256},  {etc, etc + 4},
                                         {etc + 6, etc + 11},          {old, old + 4},
                                         {old + 6, old + 11}};
  CHECK(ranges(file.place.records) == expected);
}

TEST_CASE("a file system that starts elsewhere is read there") {
  constexpr std::uint64_t start = 1048576;
  const found file = find(shoal::test::ext4_image(), "/passwd", start);
  REQUIRE(file.error == ext4_error::none);
  CHECK(file.place.contents.ranges().front() == byte_range{start + 20 * block, start + 23 * block});
}

TEST_CASE("a path that leads nowhere says why") {
  const std::vector<std::byte> image = shoal::test::ext4_image();
  CHECK(find(image, "/nobody").error == ext4_error::not_found);
  CHECK(find(image, "/pass").error == ext4_error::not_found);
  CHECK(find(image, "/gone").error == ext4_error::not_found);
  CHECK(find(image, "/passwd/x").error == ext4_error::not_directory);
  CHECK(find(image, "/link").error == ext4_error::symlink);
  CHECK(find(image, "/link/x").error == ext4_error::symlink);
  CHECK(find(image, "/etc/" + std::string(300, 'x')).error == ext4_error::not_found);
  CHECK(find(image, "/etc").place.is_directory);
  CHECK(ranges(find(image, "/").place.contents) == blocks({{10, 11}}));
  CHECK(find(std::vector<std::byte>(4096), "/").error == ext4_error::not_ext4);
  CHECK(find(std::vector<std::byte>(1500), "/").error == ext4_error::unreadable);
}

// Images that lie. Each says what is wrong, and ends.
ext4_error with(std::size_t at, std::uint32_t value, std::string_view path) {
  maker image;
  image.bytes() = shoal::test::ext4_image();
  image.put32(at, value);
  return find(image.bytes(), path).error;
}

TEST_CASE("a superblock that cannot be is damaged or unsupported") {
  constexpr std::size_t super = 1024;
  CHECK(with(super + 0x18, 7, "/") == ext4_error::unsupported);            // blocks of 128 KiB
  CHECK(with(super + 0x60, 0x40 | 1, "/") == ext4_error::unsupported);     // compression
  CHECK(with(super + 0x60, 0x80000000, "/") == ext4_error::unsupported);   // who knows
  CHECK(with(super + 0x58, 100, "/") == ext4_error::damaged);              // inodes of 100 bytes
  CHECK(with(super + 0x58, 2048, "/") == ext4_error::damaged);             // and larger than a block
  CHECK(with(super + 0x20, 0, "/") == ext4_error::damaged);                // groups of no blocks
  CHECK(with(super + 0x28, 0, "/") == ext4_error::damaged);                // and of no inodes
  CHECK(with(super + 0x04, 0, "/") == ext4_error::damaged);                // no blocks
  CHECK(with(super + 0x60, 2 | 0x40 | 0x80, "/") == ext4_error::damaged);  // 64 bits, with small descriptors
  CHECK(with(super + 0x00, 1, "/") == ext4_error::damaged);                // no root
}

TEST_CASE("pointers that lead out of the file system, or nowhere, are damaged") {
  CHECK(with(2 * block + 8, 0, "/") == ext4_error::damaged);
  CHECK(with(2 * block + 8, 64, "/") == ext4_error::damaged);
  CHECK(with(maker::map_place(2) + 20, 64, "/passwd") == ext4_error::damaged);
  CHECK(with(maker::map_place(2) + 20, 0, "/passwd") == ext4_error::damaged);
  CHECK(with(maker::map_place(14) + 8, 64, "/etc/old") == ext4_error::damaged);
  CHECK(with(10 * block, 99, "/..") == ext4_error::none);  // its own entry is not looked at
  CHECK(with(10 * block + 36, 99, "/passwd") == ext4_error::damaged);
}

TEST_CASE("trees of extents that lie about depth, count or order are damaged") {
  const std::size_t root = maker::map_place(9);
  CHECK(with(root, 0x0002f30a, "/etc/deep") == ext4_error::damaged);      // an entry more, which points nowhere
  CHECK(with(root, 0x0005f30a, "/etc/deep") == ext4_error::damaged);      // more than an inode holds
  CHECK(with(root, 0x0001f30b, "/etc/deep") == ext4_error::damaged);      // no tree
  CHECK(with(root + 4, 0x00060004, "/etc/deep") == ext4_error::damaged);  // six levels
  CHECK(with(root + 4, 0x00020004, "/etc/deep") == ext4_error::damaged);  // two, and the next one has none
  CHECK(with(55 * block, 0xfffff30a, "/etc/deep") == ext4_error::damaged);  // more than a block holds
  CHECK(with(55 * block + 24, 0, "/etc/deep") == ext4_error::damaged);      // the second is where the first is
  CHECK(with(root + 16, 64, "/etc/deep") == ext4_error::damaged);
}

TEST_CASE("a tree that contains itself ends") {
  maker image;
  image.bytes() = shoal::test::ext4_image();
  image.extent_head(55 * block, 80, 1);
  for (std::size_t i = 1; i <= 80; ++i) image.put32(55 * block + 12 * i + 4, 55);
  CHECK(find(image.bytes(), "/etc/deep").error == ext4_error::damaged);
  // lists of blocks that contain themselves, to the third level
  image.put32(maker::inode_place(14) + 4, 0x7fffffff);
  image.put32(maker::map_place(14) + 56, 52);
  for (std::size_t i = 0; i < block / 4; ++i) image.put32(52 * block + 4 * i, 52);
  CHECK(find(image.bytes(), "/etc/old").error == ext4_error::too_large);
}

TEST_CASE("names that lie about their length are damaged") {
  const std::size_t passwd = 10 * block + 36;
  for (const std::uint32_t length : {4u, 7u, 10u, 2000u}) {
    CAPTURE(length);
    CHECK(with(passwd + 4, 0x01060000 | length, "/etc") == ext4_error::damaged);
  }
  CHECK(with(passwd + 4, 0x01ff0010, "/etc") == ext4_error::damaged);  // a name of 255 bytes in 16
}

TEST_CASE("every single byte may be anything") {
  const std::vector<std::byte> good = shoal::test::ext4_image();
  std::vector<std::byte> image = good;
  for (std::size_t at = 1024; at < 12 * block; ++at) {
    if (at >= 7 * block && at < 10 * block) continue;  // nothing is there
    image[at] ^= static_cast<std::byte>(at * 37 | 1);
    const found file = find(image, "/etc/deep");
    if (file.error == ext4_error::none) {
      for (const byte_range& each : file.place.contents.ranges()) CHECK(each.end <= 64 * block);
    }
    image[at] = good[at];
  }
}

}  // namespace
