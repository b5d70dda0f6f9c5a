// SPDX-License-Identifier: BSL-1.0
//
// partitions: where file systems may start in the image of a disk: at its beginning, and at its partitions.
//
//     for (const byte_range& each : partitions(read)) try_file_system(each.begin);
//
// Reads the tables of MBR and GPT. Leaves out logical partitions, volumes of LVM, and sectors that are not of
// 512 bytes. Checks no checksum: a file system says itself whether it is there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/base/range_set.hpp>
#include <shoal/base/status.hpp>
#include <shoal/fs/ext4_volume.hpp>

namespace shoal::fs {

/// No more partitions are told.
inline constexpr std::size_t max_partitions = 128;

/// The whole image first, as one that starts at 0 and has no end; then the partitions, in the order of their
/// table.
template <image_reader Read>
[[nodiscard]] std::vector<byte_range> partitions(Read read) {
  constexpr std::uint64_t sector = 512;
  constexpr std::uint64_t most_sectors = ~std::uint64_t{0} / sector / 2;
  std::vector<byte_range> out{{0, ~std::uint64_t{0}}};
  std::vector<std::byte> table(sector);
  if (read(0, table) != status::ok || load_le<std::uint16_t>(&table[510]) != 0xaa55) return out;
  bool has_gpt = false;
  for (std::size_t at = 446; at < 510; at += 16) {
    const std::uint64_t first = load_le<std::uint32_t>(&table[at + 8]);
    const std::uint64_t count = load_le<std::uint32_t>(&table[at + 12]);
    const auto type = std::to_integer<unsigned>(table[at + 4]);
    has_gpt = has_gpt || type == 0xee;
    if (type != 0 && type != 0xee && first != 0 && count != 0) {
      out.push_back({first * sector, (first + count) * sector});
    }
  }
  if (!has_gpt || read(sector, table) != status::ok) return out;
  if (as_text(bytes_view{table}.first(8)) != "EFI PART") return out;
  const std::uint64_t entries = load_le<std::uint64_t>(&table[72]);
  const std::uint32_t count = load_le<std::uint32_t>(&table[80]);
  const std::uint32_t size = load_le<std::uint32_t>(&table[84]);
  if (entries > most_sectors || size < 128 || size > 4096) return out;
  std::vector<std::byte> entry(128);
  for (std::uint64_t i = 0; i < count && i < max_partitions; ++i) {
    if (read(entries * sector + i * size, entry) != status::ok) break;
    const std::uint64_t first = load_le<std::uint64_t>(&entry[32]);
    const std::uint64_t last = load_le<std::uint64_t>(&entry[40]);
    if (first != 0 && first <= last && last < most_sectors)
      out.push_back({first * sector, (last + 1) * sector});
  }
  return out;
}

}  // namespace shoal::fs
