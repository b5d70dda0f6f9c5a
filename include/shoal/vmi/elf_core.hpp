// SPDX-License-Identifier: BSL-1.0
//
// elf_core: the table of an ELF core file that holds a machine's memory, as QEMU's dump-guest-memory,
// makedumpfile -E, virsh dump and /proc/kcore's readers write it.
//
//     result<elf_core> core = read_elf_core(file);
//     if (core) memory = image_memory<bytes_source>::make(file, core->regions);
//
// ELF64 and ELF32, little-endian (System V ABI, chapters 4 and 5). Pieces that the file was cut before are left
// out and counted. Leaves out what notes say, but for where they are, and compressed dumps.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/elf_entries.hpp>
#include <shoal/base/error.hpp>
#include <shoal/base/result.hpp>
#include <shoal/base/status.hpp>
#include <shoal/vmi/address.hpp>
#include <shoal/vmi/image_memory.hpp>

namespace shoal::vmi {

struct elf_core {
  std::uint16_t machine = 0;        ///< e_machine: 62 x86-64, 40 ARM, 183 AArch64, 243 RISC-V
  std::vector<ram_region> regions;  ///< in the order of the file
  std::uint64_t notes_offset = 0;   ///< of the first PT_NOTE, in the file
  std::uint64_t notes_size = 0;     ///< 0: none
  std::size_t missing = 0;          ///< pieces of which the file has not all
};

/// Reads the table. malformed for what is no ELF file; unsupported for one that is no core or is big-endian;
/// truncated when the table is not all there; limit_exceeded past max_regions.
template <image_source Source>
[[nodiscard]] result<elf_core> read_elf_core(const Source& source) {
  std::array<std::byte, elf_head::most_bytes> bytes{};  // the largest of all entries
  const auto has = [&](std::uint64_t offset, std::size_t size) {
    return source.read(offset, bytes_span{bytes}.first(size)) == status::ok;
  };
  const auto first = static_cast<std::size_t>(std::min<std::uint64_t>(source.size(), bytes.size()));
  if (!has(0, first)) return errc::truncated;
  const status_or<elf_head> head = elf_head::decode(bytes_view{bytes}.first(first));
  if (!head) return make_error_code(head.code);
  if (head->type != elf_head::core) return errc::unsupported;
  const std::size_t size = elf_segment::entry_bytes(head->wide);
  if (head->segment_size != size) return errc::malformed;
  std::uint32_t count = head->segment_count;
  if (count == elf_head::large) {
    if (!has(head->sections, elf_section::entry_bytes(head->wide))) return errc::truncated;
    count = elf_section::decode(bytes, head->wide).info;
  }
  if (count > max_regions) return errc::limit_exceeded;
  if (!contains(source.size(), head->segments, std::uint64_t{count} * size)) return errc::truncated;
  elf_core out;
  out.machine = head->machine;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (!has(head->segments + std::uint64_t{i} * size, size)) return errc::truncated;
    const elf_segment each = elf_segment::decode(bytes, head->wide);
    const bool load = each.type == elf_segment::load;
    if (each.file_bytes == 0 || (!load && each.type != elf_segment::note)) continue;
    if (!contains(source.size(), each.offset, each.file_bytes)) {
      ++out.missing;
    } else if (load) {
      out.regions.push_back({physical_address{each.physical_address}, each.offset, each.file_bytes});
    } else if (out.notes_size == 0) {
      out.notes_offset = each.offset;
      out.notes_size = each.file_bytes;
    }
  }
  return out;
}

}  // namespace shoal::vmi
