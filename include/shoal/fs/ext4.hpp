// SPDX-License-Identifier: BSL-1.0
//
// ext4: where a file of an ext2, ext3 or ext4 file system is in an image, to the byte.
//
//     ext4_files files{[&](std::uint64_t offset, bytes_span out) { return disk.read(offset, out); }};
//     file_place place;
//     if (const ext4_error e = files.find("/etc/shadow", place); e != ext4_error::none) return
//     tell(text_of(e));
//
// For who watches a disk. True until the guest moves the file: a program that writes a new file and renames it
// over the old one changes `records`, and what it wrote is elsewhere. Symbolic links are not followed.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/base/range_set.hpp>
#include <shoal/fs/ext4_map.hpp>
#include <shoal/fs/ext4_volume.hpp>

namespace shoal::fs {

/// Pieces of a file that are told at most.
inline constexpr std::size_t max_file_pieces = 1u << 20;

/// Where a file is, in bytes of the image.
struct file_place {
  range_set contents;  ///< its blocks, whole, and those of its map: nobody else has anything in them
  range_set records;   ///< its inode but for the time of the last access, and the names that lead to it
  std::uint64_t size = 0;
  bool is_directory = false;
};

template <image_reader Read>
class ext4_files {
 public:
  /// @param start  of the file system in the image
  explicit ext4_files(Read read, std::uint64_t start = 0) : volume_(std::move(read), start) {}

  [[nodiscard]] ext4_error open() { return volume_.open(); }

  /// See ext4_volume::needs_recovery().
  [[nodiscard]] bool needs_recovery() const noexcept { return volume_.needs_recovery(); }

  /// Where the file or directory at this path from the root is. @pre open() was ok
  [[nodiscard]] ext4_error find(std::string_view path, file_place& out) {
    volume_.rewind();
    std::vector<byte_range> records;
    ext4_inode inode;
    std::uint32_t number = ext4_volume<Read>::root;
    if (const ext4_error e = volume_.read_inode(number, inode); e != ext4_error::none) return e;
    while (true) {
      path.remove_prefix(std::min(path.find_first_not_of('/'), path.size()));
      if (path.empty()) break;
      const std::string_view name = path.substr(0, path.find('/'));
      path.remove_prefix(name.size());
      if (!inode.is_directory()) return ext4_error::not_directory;
      if (const ext4_error e = look_up(inode, name, number, records); e != ext4_error::none) return e;
      if (const ext4_error e = volume_.read_inode(number, inode); e != ext4_error::none) return e;
      if (inode.is_symlink()) return ext4_error::symlink;
    }
    return describe(inode, std::move(records), out);
  }

 private:
  static constexpr std::size_t max_name = 255;

  /// The bytes of an inode that change when its file does: without the time of the last access, the checksum,
  /// and the fraction of that time.
  static void add_record(const ext4_inode& inode, std::vector<byte_range>& out) {
    constexpr byte_range parts[] = {{0, 8}, {0xc, 0x7c}, {0x7e, 0x82}, {0x84, 0x8c}, {0x90, 4096}};
    for (const byte_range& part : parts) {
      const std::uint64_t end = std::min<std::uint64_t>(part.end, inode.bytes.size());
      if (part.begin < end) out.push_back({inode.place + part.begin, inode.place + end});
    }
  }

  ext4_error describe(const ext4_inode& inode, std::vector<byte_range> records, file_place& out) {
    add_record(inode, records);
    out.size = inode.size();
    out.is_directory = inode.is_directory();
    std::vector<byte_range> contents;
    bool too_many = false;
    // what has no blocks (devices, and what fits into the inode) has something else in the place of the map
    const bool has_blocks = inode.is_directory() || (inode.mode() & 0xf000) == 0x8000;
    if (has_blocks && !inode.is_inline()) {
      const ext4_error e = for_each_extent(volume_, inode, [&](const ext4_extent& run) {
        const std::uint64_t begin = volume_.place_of(run.block);
        const std::uint64_t end = begin + run.count * volume_.block_size();
        if (!contents.empty() && contents.back().end == begin) {
          contents.back().end = end;
        } else {
          too_many = contents.size() == max_file_pieces;
          if (!too_many) contents.push_back({begin, end});
        }
        return !too_many;
      });
      if (e != ext4_error::none) return e;
    }
    if (too_many) return ext4_error::too_large;
    out.contents = range_set{std::move(contents)};
    out.records = range_set{std::move(records)};
    return ext4_error::none;
  }

  /// The inode of a name, and where the name is.
  ext4_error look_up(const ext4_inode& directory, std::string_view name, std::uint32_t& number,
                     std::vector<byte_range>& records) {
    if (directory.is_encrypted()) return ext4_error::unsupported;
    if (name.size() > max_name) return ext4_error::not_found;
    bool found = false;
    ext4_error problem = ext4_error::none;
    const auto scan = [&](bytes_view names, std::uint64_t place) {
      problem = scan_names(names, place, name, number, records, found);
      return problem == ext4_error::none && !found;
    };
    if (directory.is_inline()) {
      // the number of the directory above comes first
      if (scan(directory.map().subspan(4), directory.place + ext4_inode::map_at + 4)) {
        const byte_range more = inline_rest(directory);
        const bytes_view rest = bytes_view{directory.bytes}.subspan(
            static_cast<std::size_t>(more.begin), static_cast<std::size_t>(more.end - more.begin));
        if (!rest.empty()) scan(rest, directory.place + more.begin);
      }
    } else {
      std::vector<std::byte> block(volume_.block_size());
      const ext4_error e = for_each_extent(volume_, directory, [&](const ext4_extent& run) {
        for (std::uint64_t i = 0; i < run.count && !run.is_map; ++i) {
          problem = volume_.read_block(run.block + i, block);
          if (problem != ext4_error::none || !scan(block, volume_.place_of(run.block + i))) return false;
        }
        return true;
      });
      if (e != ext4_error::none && problem == ext4_error::none) problem = e;
    }
    if (problem != ext4_error::none) return problem;
    return found ? ext4_error::none : ext4_error::not_found;
  }

  /// The names in a block, one behind the other. An index of names looks like one that is not used.
  ext4_error scan_names(bytes_view names, std::uint64_t place, std::string_view wanted, std::uint32_t& number,
                        std::vector<byte_range>& records, bool& found) const {
    constexpr std::size_t head = 8;
    for (std::size_t at = 0; names.size() - at >= head;) {
      const std::byte* const entry = names.data() + at;
      const std::uint32_t inode = load_le<std::uint32_t>(entry);
      std::size_t length = load_le<std::uint16_t>(entry + 4);
      if (length == 65535 || length == 0) length = 65536;  // as blocks of 64 KiB have it
      const std::size_t size =
          volume_.has_types() ? std::to_integer<std::size_t>(entry[6]) : load_le<std::uint16_t>(entry + 6);
      if (length < head || length % 4 != 0 || length > names.size() - at ||
          (inode != 0 && size > length - head)) {
        return ext4_error::damaged;
      }
      if (inode != 0 && as_text(names.subspan(at + head, size)) == wanted) {
        // all of it but its length, which grows when the next name goes
        records.push_back({place + at, place + at + 4});
        records.push_back({place + at + 6, place + at + head + size});
        number = inode;
        found = true;
        return ext4_error::none;
      }
      at += length;
    }
    return ext4_error::none;
  }

  /// Where in its record an inode goes on that holds its content: the value of the attribute system.data.
  static byte_range inline_rest(const ext4_inode& inode) noexcept {
    constexpr std::size_t small = 128;
    const std::size_t all = inode.bytes.size();
    if (all < small + 4) return {};
    const auto at16 = [&](std::size_t at) { return load_le<std::uint16_t>(&inode.bytes[at]); };
    const auto at32 = [&](std::size_t at) { return load_le<std::uint32_t>(&inode.bytes[at]); };
    const std::size_t begin = small + at16(small);
    if (begin % 4 != 0 || begin + 8 > all || at32(begin) != 0xea020000) return {};
    constexpr std::size_t entry_head = 16;
    constexpr std::byte system_prefix{7};
    const std::size_t first = begin + 4;
    for (std::size_t at = first; all - at >= entry_head && at32(at) != 0;) {
      const std::size_t name_size = std::to_integer<std::size_t>(inode.bytes[at]);
      if (name_size > all - at - entry_head) return {};
      const std::string_view name = as_text(bytes_view{inode.bytes}.subspan(at + entry_head, name_size));
      if (inode.bytes[at + 1] == system_prefix && name == "data") {
        const std::size_t value = first + at16(at + 2);
        const std::size_t size = at32(at + 8);
        if (at32(at + 4) != 0 || value > all || size > all - value) return {};
        return {value, value + size};
      }
      at += (entry_head + name_size + 3) / 4 * 4;
      if (at > all) return {};
    }
    return {};
  }

  ext4_volume<Read> volume_;
};

}  // namespace shoal::fs
