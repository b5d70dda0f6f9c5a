// SPDX-License-Identifier: BSL-1.0
//
// elf_head: what the first bytes of an ELF file say: what it is, and where its tables are (System V ABI,
// chapter 4).
//
//     const result<elf_head> head = read_elf_head(file);
//     if (head && head->type == elf_head::core) read(head->segments, head->segment_count);
//
// ELF64 and ELF32, little-endian. Whether the tables are there is for who reads them to look at.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/base/result.hpp>
#include <shoal/vmi/image_memory.hpp>

namespace shoal::vmi {

struct elf_head {
  static constexpr std::uint16_t program = 2;     ///< linked for one place
  static constexpr std::uint16_t movable = 3;     ///< linked for any
  static constexpr std::uint16_t core = 4;        ///< memory of somebody
  static constexpr std::uint16_t large = 0xffff;  ///< of segment_count: it is in section 0 (PN_XNUM)

  bool wide = false;           ///< ELF64
  std::uint16_t type = 0;      ///< e_type
  std::uint16_t machine = 0;   ///< e_machine: 62 x86-64, 40 ARM, 183 AArch64, 243 RISC-V
  std::uint64_t segments = 0;  ///< where in the file the program headers are
  std::uint64_t sections = 0;  ///< where the section headers are
  std::uint16_t segment_size = 0;
  std::uint16_t segment_count = 0;
  std::uint16_t section_size = 0;
  std::uint16_t section_count = 0;
  std::uint16_t names = 0;  ///< which section has the sections' names
};

/// malformed for what is no ELF file; truncated; unsupported for big-endian.
template <image_source Source>
[[nodiscard]] result<elf_head> read_elf_head(const Source& source) {
  std::array<std::byte, 64> bytes{};
  if (source.read(0, bytes_span{bytes}.first(52)) != status::ok) return errc::truncated;
  constexpr std::array<std::byte, 4> magic{std::byte{0x7f}, std::byte{'E'}, std::byte{'L'}, std::byte{'F'}};
  if (!std::ranges::equal(magic, bytes_view{bytes}.first(4))) return errc::malformed;
  const unsigned width = std::to_integer<unsigned>(bytes[4]);
  if (width != 1 && width != 2) return errc::malformed;
  if (bytes[5] != std::byte{1}) return errc::unsupported;  // big-endian
  elf_head out;
  out.wide = width == 2;
  if (out.wide && source.read(0, bytes) != status::ok) return errc::truncated;
  const auto half = [&](std::size_t at) { return load_le<std::uint16_t>(&bytes[at]); };
  const auto place = [&](std::size_t wide, std::size_t narrow) -> std::uint64_t {
    return out.wide ? load_le<std::uint64_t>(&bytes[wide]) : load_le<std::uint32_t>(&bytes[narrow]);
  };
  out.type = half(16);
  out.machine = half(18);
  out.segments = place(32, 28);
  out.sections = place(40, 32);
  const std::size_t rest = out.wide ? 54 : 42;
  out.segment_size = half(rest);
  out.segment_count = half(rest + 2);
  out.section_size = half(rest + 4);
  out.section_count = half(rest + 6);
  out.names = half(rest + 8);
  return out;
}

}  // namespace shoal::vmi
