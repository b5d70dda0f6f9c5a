// SPDX-License-Identifier: BSL-1.0
//
// ext4_image: a small file system made by hand, for tests of what reads one: every byte of it is known.
//
//     std::vector<std::byte> image = test::ext4_image();
//
// 64 blocks of 1 KiB, 16 inodes of 256 bytes. /passwd has extents, /etc/old has lists of blocks, /etc/deep has
// a tree of extents, /small holds its content in its inode, as does /tiny its names (/tiny/a, /tiny/b); /link
// is a symbolic link. No journal, no checksums.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

#include <shoal/base/endian.hpp>

namespace shoal::test {

class ext4_image_maker {
 public:
  static constexpr std::size_t block_size = 1024;
  static constexpr std::size_t block_count = 64;
  static constexpr std::size_t inode_table = 3;
  static constexpr std::size_t inode_size = 256;

  ext4_image_maker() : bytes_(block_count * block_size) {
    constexpr std::size_t super = 1024;
    put32(super + 0, 16);
    put32(super + 4, block_count);
    put32(super + 0x14, 1);
    put32(super + 0x20, 8192);
    put32(super + 0x28, 16);
    put16(super + 0x38, 0xef53);
    put32(super + 0x4c, 1);
    put16(super + 0x58, inode_size);
    put32(super + 0x60, 2 | 0x40 | 0x200 | 0x8000);
    put32(2 * block_size + 8, inode_table);
  }

  [[nodiscard]] static constexpr std::size_t inode_place(std::uint32_t number) noexcept {
    return inode_table * block_size + (number - 1) * inode_size;
  }

  /// @param flags  of the inode; 0x80000 for extents
  void inode(std::uint32_t number, std::uint16_t mode, std::uint32_t size, std::uint32_t flags) {
    const std::size_t at = inode_place(number);
    put16(at, mode);
    put32(at + 4, size);
    put32(at + 0x20, flags);
    put16(at + 128, 32);
  }
  /// Where the map of an inode is.
  [[nodiscard]] static constexpr std::size_t map_place(std::uint32_t number) noexcept {
    return inode_place(number) + 0x28;
  }
  void extent_head(std::size_t at, std::uint16_t entries, std::uint16_t depth) {
    put16(at, 0xf30a);
    put16(at + 2, entries);
    put16(at + 4, 4);
    put16(at + 6, depth);
  }
  void extent(std::size_t at, std::uint32_t logical, std::uint16_t length, std::uint32_t block) {
    put32(at, logical);
    put16(at + 4, length);
    put32(at + 8, block);
  }
  /// Names from `at` on, the last of which fills what is left up to `end`.
  struct name {
    std::uint32_t inode;
    std::string_view text;
  };
  void names(std::size_t at, std::size_t end, std::initializer_list<name> all) {
    std::size_t left = all.size();
    for (const name& each : all) {
      const std::size_t length = --left == 0 ? end - at : (8 + each.text.size() + 3) / 4 * 4;
      put32(at, each.inode);
      put16(at + 4, static_cast<std::uint16_t>(length));
      bytes_[at + 6] = static_cast<std::byte>(each.text.size());
      bytes_[at + 7] = std::byte{1};
      std::memcpy(&bytes_[at + 8], each.text.data(), each.text.size());
      at += length;
    }
  }
  void put16(std::size_t at, std::uint16_t value) { store_le(&bytes_[at], value); }
  void put32(std::size_t at, std::uint32_t value) { store_le(&bytes_[at], value); }
  [[nodiscard]] std::vector<std::byte>& bytes() noexcept { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

[[nodiscard]] inline std::vector<std::byte> ext4_image() {
  using maker = ext4_image_maker;
  constexpr std::size_t block = maker::block_size;
  constexpr std::uint32_t extents = 0x80000;
  constexpr std::uint32_t inlined = 0x10000000;
  maker out;
  const auto one_block_directory = [&](std::uint32_t number, std::uint32_t at) {
    out.inode(number, 0x41ed, block, extents);
    out.extent_head(maker::map_place(number), 1, 0);
    out.extent(maker::map_place(number) + 12, 0, 1, at);
  };
  one_block_directory(2, 10);
  out.names(10 * block, 11 * block,
            {{2, "."},
             {2, ".."},
             {0, "gone"},
             {12, "passwd"},
             {13, "etc"},
             {15, "link"},
             {16, "small"},
             {11, "tiny"}});
  one_block_directory(13, 11);
  out.names(11 * block, 12 * block, {{13, "."}, {2, ".."}, {14, "old"}, {9, "deep"}});

  out.inode(12, 0x8180, 6 * block, extents);  // blocks 20 to 22, a hole, 30 and 31
  out.extent_head(maker::map_place(12), 2, 0);
  out.extent(maker::map_place(12) + 12, 0, 3, 20);
  out.extent(maker::map_place(12) + 24, 4, 32768 + 2, 30);  // allocated, not written

  out.inode(14, 0x81a4, 14 * block - 100, 0);  // 40 to 51, and by way of 52: a hole, 53
  for (std::uint32_t i = 0; i < 12; ++i) out.put32(maker::map_place(14) + std::size_t{4} * i, 40 + i);
  out.put32(maker::map_place(14) + 48, 52);
  out.put32(52 * block + 4, 53);

  out.inode(9, 0x81a4, 2 * block, extents);  // 56 and 58, by way of 55
  out.extent_head(maker::map_place(9), 1, 1);
  out.put32(maker::map_place(9) + 16, 55);
  out.extent_head(55 * block, 2, 0);
  out.extent(55 * block + 12, 0, 1, 56);
  out.extent(55 * block + 24, 1, 1, 58);

  out.inode(15, 0xa1ff, 6, 0);
  std::memcpy(&out.bytes()[maker::map_place(15)], "passwd", 6);
  out.inode(16, 0x81a4, 5, inlined);
  std::memcpy(&out.bytes()[maker::map_place(16)], "small", 5);

  out.inode(11, 0x41ed, 80, inlined);
  out.put32(maker::map_place(11), 2);
  out.names(maker::map_place(11) + 4, maker::map_place(11) + 60, {{12, "a"}});
  const std::size_t attributes = maker::inode_place(11) + 128 + 32;
  out.put32(attributes, 0xea020000);
  out.bytes()[attributes + 4] = std::byte{4};
  out.bytes()[attributes + 5] = std::byte{7};
  out.put16(attributes + 6, 64);  // the value, from behind the magic on
  out.put32(attributes + 12, 20);
  std::memcpy(&out.bytes()[attributes + 20], "data", 4);
  out.names(attributes + 4 + 64, attributes + 4 + 84, {{14, "b"}});
  return std::move(out.bytes());
}

}  // namespace shoal::test
