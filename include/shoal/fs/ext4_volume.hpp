// SPDX-License-Identifier: BSL-1.0
//
// ext4_volume: an ext2, ext3 or ext4 file system in an image, as far as its inodes. Reads only.
//
//     ext4_volume volume{read, partition_start};
//     if (const ext4_error e = volume.open(); e != ext4_error::none) return tell(e);
//
// What of an image is read may be lies: all is checked, and no more than max_ext4_reads bytes are read between
// two calls of rewind(). Which bytes a file has says fs/ext4.hpp. Leaves out checksums and the journal:
// needs_recovery() says that a journal holds what is newer.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/base/status.hpp>

namespace shoal::fs {

/// `read(offset, out)`: fills `out` from the image; ok, or why not.
template <class R>
concept image_reader = requires(R& read, std::uint64_t offset, bytes_span out) {
  { read(offset, out) } -> std::same_as<status>;
};

enum class ext4_error : std::uint8_t {
  none,
  not_ext4,       ///< there is no such file system
  unsupported,    ///< it has features that this does not read
  damaged,        ///< it says what cannot be
  too_large,      ///< more would have to be read or told than the limits allow
  unreadable,     ///< the image could not be read
  not_found,      ///< there is no such file
  not_directory,  ///< a file stands where the path goes on
  symlink,        ///< the path leads through a symbolic link, or to one
};

[[nodiscard]] constexpr std::string_view text_of(ext4_error error) noexcept {
  switch (error) {
    case ext4_error::none: return "no error";
    case ext4_error::not_ext4: return "no ext4 file system is there";
    case ext4_error::unsupported: return "the file system has features that are not supported";
    case ext4_error::damaged: return "the file system is damaged";
    case ext4_error::too_large: return "the file system or the file is too large";
    case ext4_error::unreadable: return "the image cannot be read";
    case ext4_error::not_found: return "there is no such file";
    case ext4_error::not_directory: return "a file stands where a directory is expected";
    case ext4_error::symlink: return "it is, or leads through, a symbolic link, which is not followed";
  }
  return "unknown error";
}

/// Bytes that are read at most to find one file: of directories, and of the file's map.
inline constexpr std::uint64_t max_ext4_reads = 64u << 20;

/// An inode as it is stored.
struct ext4_inode {
  std::uint64_t place = 0;       ///< of its record in the image
  std::vector<std::byte> bytes;  ///< the record: 128 to 4096 bytes

  [[nodiscard]] std::uint16_t mode() const noexcept { return load_le<std::uint16_t>(bytes.data()); }
  [[nodiscard]] std::uint64_t size() const noexcept {
    return load_le<std::uint32_t>(&bytes[4]) | std::uint64_t{load_le<std::uint32_t>(&bytes[0x6c])} << 32;
  }
  [[nodiscard]] std::uint32_t flags() const noexcept { return load_le<std::uint32_t>(&bytes[0x20]); }
  [[nodiscard]] bool is_directory() const noexcept { return (mode() & 0xf000) == 0x4000; }
  [[nodiscard]] bool is_symlink() const noexcept { return (mode() & 0xf000) == 0xa000; }
  [[nodiscard]] bool is_encrypted() const noexcept { return (flags() & 0x800) != 0; }
  [[nodiscard]] bool has_extents() const noexcept { return (flags() & 0x80000) != 0; }
  /// Its content stands in the record itself.
  [[nodiscard]] bool is_inline() const noexcept { return (flags() & 0x10000000) != 0; }

  static constexpr std::size_t map_at = 0x28;  ///< 60 bytes: the map of its blocks, or its content
  static constexpr std::size_t map_size = 60;
  [[nodiscard]] bytes_view map() const noexcept { return bytes_view{bytes}.subspan(map_at, map_size); }
};

template <image_reader Read>
class ext4_volume {
 public:
  static constexpr std::uint32_t root = 2;  ///< the inode of the root directory

  /// @param start  of the file system in the image
  explicit ext4_volume(Read read, std::uint64_t start = 0) : read_(std::move(read)), start_(start) {}

  /// Reads the superblock. @pre of all others: it was ok
  [[nodiscard]] ext4_error open() {
    std::vector<std::byte> super(1024);
    if (start_ > std::uint64_t{1} << 62) return ext4_error::not_ext4;
    if (read_(start_ + 1024, super) != status::ok) return ext4_error::unreadable;
    const auto at16 = [&](std::size_t at) { return load_le<std::uint16_t>(&super[at]); };
    const auto at32 = [&](std::size_t at) { return load_le<std::uint32_t>(&super[at]); };
    if (at16(0x38) != 0xef53) return ext4_error::not_ext4;
    const bool dynamic = at32(0x4c) >= 1;
    const std::uint32_t incompatible = dynamic ? at32(0x60) : 0;
    if ((incompatible & ~known_features) != 0 || at32(0x18) > 6) return ext4_error::unsupported;
    has_types_ = (incompatible & 2) != 0;
    needs_recovery_ = (incompatible & 4) != 0;
    const bool meta_groups = (incompatible & 0x10) != 0;
    const bool wide = (incompatible & 0x80) != 0;
    block_size_ = 1024u << at32(0x18);
    block_count_ = at32(4) | (wide ? std::uint64_t{at32(0x150)} << 32 : 0);
    first_block_ = at32(0x14);
    group_blocks_ = at32(0x20);
    group_inodes_ = at32(0x28);
    inode_count_ = at32(0);
    inode_size_ = dynamic ? at16(0x58) : std::uint16_t{128};
    descriptor_size_ = wide ? at16(0xfe) : std::uint16_t{32};
    first_meta_group_ = meta_groups ? at32(0x104) : ~std::uint32_t{0};
    sparse_ = dynamic && (at32(0x64) & 1) != 0;
    sparse2_ = dynamic && (at32(0x5c) & 0x200) != 0;
    backups_[0] = at32(0x24c);
    backups_[1] = at32(0x250);
    if (inode_size_ < 128 || inode_size_ > 4096 || inode_size_ > block_size_ ||
        (inode_size_ & (inode_size_ - 1)) != 0 || descriptor_size_ < (wide ? 64 : 32) ||
        descriptor_size_ > 1024 || (descriptor_size_ & (descriptor_size_ - 1)) != 0 || group_blocks_ == 0 ||
        group_inodes_ == 0 || block_count_ == 0 || first_block_ >= block_count_ ||
        block_count_ > (std::uint64_t{1} << 62) / block_size_) {
      return ext4_error::damaged;
    }
    return ext4_error::none;
  }

  [[nodiscard]] std::uint32_t block_size() const noexcept { return block_size_; }
  /// Names of a directory tell what kind of file they name.
  [[nodiscard]] bool has_types() const noexcept { return has_types_; }
  /// It was not unmounted: what is in its journal is newer, and files may be elsewhere by now.
  [[nodiscard]] bool needs_recovery() const noexcept { return needs_recovery_; }
  /// Where a block is in the image.
  [[nodiscard]] std::uint64_t place_of(std::uint64_t block) const noexcept {
    return start_ + block * block_size_;
  }
  /// Whether there are these blocks; there is no block 0 that a file could have.
  [[nodiscard]] bool has_blocks(std::uint64_t first, std::uint64_t count) const noexcept {
    return first != 0 && first < block_count_ && count <= block_count_ - first;
  }

  /// Another file may take as much reading again.
  void rewind() noexcept { reads_ = 0; }

  /// @param out  one block
  [[nodiscard]] ext4_error read_block(std::uint64_t block, bytes_span out) {
    if (!has_blocks(block, 1)) return ext4_error::damaged;
    return read(place_of(block), out);
  }

  [[nodiscard]] ext4_error read_inode(std::uint32_t number, ext4_inode& out) {
    if (number == 0 || number > inode_count_) return ext4_error::damaged;
    const std::uint32_t group = (number - 1) / group_inodes_;
    std::uint64_t descriptor = 0;
    if (!find_descriptor(group, descriptor)) return ext4_error::damaged;
    std::vector<std::byte> bytes(descriptor_size_);
    if (const ext4_error e = read(descriptor, bytes); e != ext4_error::none) return e;
    std::uint64_t table = load_le<std::uint32_t>(&bytes[8]);
    if (descriptor_size_ >= 64) table |= std::uint64_t{load_le<std::uint32_t>(&bytes[0x28])} << 32;
    const std::uint64_t inside = std::uint64_t{(number - 1) % group_inodes_} * inode_size_;
    if (!has_blocks(table, inside / block_size_ + 1)) return ext4_error::damaged;
    out.place = place_of(table) + inside;
    out.bytes.resize(inode_size_);
    return read(out.place, out.bytes);
  }

 private:
  // file types, a journal to replay, meta groups, extents, 64 bits, multiple mount protection, flexible groups,
  // attributes in inodes, a seed of checksums, large directories, content in inodes, encryption, casefolding
  static constexpr std::uint32_t known_features =
      2 | 4 | 0x10 | 0x40 | 0x80 | 0x100 | 0x200 | 0x400 | 0x2000 | 0x4000 | 0x8000 | 0x10000 | 0x20000;

  ext4_error read(std::uint64_t place, bytes_span out) {
    constexpr std::uint64_t least = 512;  // a small read is not for nothing
    reads_ += std::max<std::uint64_t>(out.size(), least);
    if (reads_ > max_ext4_reads) return ext4_error::too_large;
    return read_(place, out) == status::ok ? ext4_error::none : ext4_error::unreadable;
  }

  static bool is_power(std::uint32_t number, std::uint32_t base) noexcept {
    while (number > 1 && number % base == 0) number /= base;
    return number == 1;
  }
  [[nodiscard]] bool has_super(std::uint32_t group) const noexcept {
    if (group == 0) return true;
    if (sparse2_) return group == backups_[0] || group == backups_[1];
    return !sparse_ || is_power(group, 3) || is_power(group, 5) || is_power(group, 7);
  }

  /// Where the descriptor of a group is in the image.
  bool find_descriptor(std::uint32_t group, std::uint64_t& place) const noexcept {
    const std::uint32_t in_block = block_size_ / descriptor_size_;
    const std::uint32_t number = group / in_block;
    std::uint64_t block = (block_size_ == 1024 ? 1u : 0u) + std::uint64_t{1} + number;
    if (number >= first_meta_group_) {
      const std::uint32_t first = number * in_block;
      block = first_block_ + std::uint64_t{first} * group_blocks_ + (has_super(first) ? 1 : 0);
    }
    place = place_of(block) + std::uint64_t{group % in_block} * descriptor_size_;
    return has_blocks(block, 1);
  }

  Read read_;
  std::uint64_t start_;
  std::uint64_t reads_ = 0;
  std::uint64_t block_count_ = 0;
  std::uint32_t block_size_ = 0;
  std::uint32_t first_block_ = 0;
  std::uint32_t group_blocks_ = 0;
  std::uint32_t group_inodes_ = 0;
  std::uint32_t inode_count_ = 0;
  std::uint32_t first_meta_group_ = 0;
  std::uint32_t backups_[2] = {};
  std::uint16_t inode_size_ = 0;
  std::uint16_t descriptor_size_ = 0;
  bool has_types_ = false;
  bool needs_recovery_ = false;
  bool sparse_ = false;
  bool sparse2_ = false;
};

}  // namespace shoal::fs
