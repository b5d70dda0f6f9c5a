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

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/base/result.hpp>
#include <shoal/vmi/elf_head.hpp>
#include <shoal/vmi/image_memory.hpp>

namespace shoal::vmi {

struct elf_core {
  std::uint16_t machine = 0;        ///< e_machine: 62 x86-64, 40 ARM, 183 AArch64, 243 RISC-V
  std::vector<ram_region> regions;  ///< in the order of the file
  std::uint64_t notes_offset = 0;   ///< of the first PT_NOTE, in the file
  std::uint64_t notes_size = 0;     ///< 0: none
  std::size_t missing = 0;          ///< pieces of which the file has not all
};

namespace detail {

template <image_source Source>
class elf_core_reader {
 public:
  explicit elf_core_reader(const Source& source) noexcept : source_(source) {}

  result<elf_core> run() {
    const result<elf_head> head = read_elf_head(source_);
    if (!head) return head.error();
    if (head->type != elf_head::core) return errc::unsupported;
    wide_ = head->wide;
    core_.machine = head->machine;
    const std::uint64_t table = head->segments;
    const std::size_t entry = wide_ ? 56 : 32;
    if (head->segment_size != entry) return errc::malformed;
    std::uint32_t count = head->segment_count;
    if (count == elf_head::large) {
      std::array<std::byte, 4> info{};  // sh_info
      if (!contains(source_.size(), head->sections, 64) ||
          source_.read(head->sections + (wide_ ? 44 : 28), info) != status::ok) {
        return errc::truncated;
      }
      count = load_le<std::uint32_t>(info.data());
    }
    if (count > max_regions) return errc::limit_exceeded;
    if (!contains(source_.size(), table, std::uint64_t{count} * entry)) return errc::truncated;
    for (std::uint32_t i = 0; i < count; ++i) {
      std::array<std::byte, 56> bytes{};
      if (source_.read(table + std::uint64_t{i} * entry, bytes_span{bytes}.first(entry)) != status::ok) {
        return errc::truncated;
      }
      take(bytes);
    }
    return std::move(core_);
  }

 private:
  void take(bytes_view header) {
    const std::byte* at = header.data();
    const std::uint32_t type = load_le<std::uint32_t>(at);
    const std::uint64_t offset = wide_ ? load_le<std::uint64_t>(at + 8) : load_le<std::uint32_t>(at + 4);
    const std::uint64_t address = wide_ ? load_le<std::uint64_t>(at + 24) : load_le<std::uint32_t>(at + 12);
    const std::uint64_t size = wide_ ? load_le<std::uint64_t>(at + 32) : load_le<std::uint32_t>(at + 16);
    constexpr std::uint32_t load = 1;
    constexpr std::uint32_t note = 4;
    if (size == 0 || (type != load && type != note)) return;
    if (!contains(source_.size(), offset, size)) {
      ++core_.missing;
    } else if (type == load) {
      core_.regions.push_back({physical_address{address}, offset, size});
    } else if (core_.notes_size == 0) {
      core_.notes_offset = offset;
      core_.notes_size = size;
    }
  }

  const Source& source_;
  elf_core core_;
  bool wide_ = false;
};

}  // namespace detail

/// Reads the table. malformed for what is no ELF file; unsupported for one that is no core or is big-endian;
/// truncated when the table is not all there; limit_exceeded past max_regions.
template <image_source Source>
[[nodiscard]] result<elf_core> read_elf_core(const Source& source) {
  return detail::elf_core_reader<Source>{source}.run();
}

}  // namespace shoal::vmi
