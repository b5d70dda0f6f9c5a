// SPDX-License-Identifier: BSL-1.0
//
// elf_entries: the header of an ELF file and the entries of its tables, of 64 bits and of 32, little-endian
// (System V ABI, chapters 4 and 5). Freestanding.
//
//     const status_or<elf_head> head = elf_head::decode(file);            // its first bytes
//     bytes.resize(elf_segment::entry_bytes(head->wide));
//     read_at(head->segments, bytes);
//     const elf_segment first = elf_segment::decode(bytes, head->wide);
//
// What they say may be wrong. Leaves out whether what they tell of is there: elf_file looks at that for a file
// in memory, vmi/elf_core.hpp for one that is too large.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/base/status.hpp>

namespace shoal {

namespace detail {

/// Fields: where they are depends on the width of the file, and how wide places and sizes are.
struct elf_fields {
  const std::byte* from;
  bool wide;

  [[nodiscard]] std::uint16_t half(std::size_t in_wide, std::size_t in_narrow) const noexcept {
    return load_le<std::uint16_t>(from + (wide ? in_wide : in_narrow));
  }
  [[nodiscard]] std::uint32_t word(std::size_t in_wide, std::size_t in_narrow) const noexcept {
    return load_le<std::uint32_t>(from + (wide ? in_wide : in_narrow));
  }
  [[nodiscard]] std::uint64_t place(std::size_t in_wide, std::size_t in_narrow) const noexcept {
    return wide ? load_le<std::uint64_t>(from + in_wide) : load_le<std::uint32_t>(from + in_narrow);
  }
};

}  // namespace detail

/// What the file is, and where its tables are.
struct elf_head {
  static constexpr std::size_t most_bytes = 64;
  static constexpr std::uint16_t executable = 2;  ///< a type: linked to the addresses where it runs
  static constexpr std::uint16_t core = 4;        ///< memory of somebody
  static constexpr std::uint16_t large = 0xffff;  ///< a segment_count: it is the info of section 0

  bool wide = false;  ///< of 64 bits
  std::uint16_t type = 0;
  std::uint16_t machine = 0;   ///< 62 x86-64, 40 ARM, 183 AArch64, 243 RISC-V
  std::uint32_t version = 0;   ///< 1
  std::uint64_t entry = 0;     ///< where the first instruction is
  std::uint64_t segments = 0;  ///< where in the file the program headers are
  std::uint64_t sections = 0;  ///< where the section headers are
  std::uint16_t head_size = 0;
  std::uint16_t segment_size = 0;
  std::uint16_t segment_count = 0;
  std::uint16_t section_size = 0;
  std::uint16_t section_count = 0;  ///< 0, too, for the more than 65,279 that ELF can say in another way
  std::uint16_t names = 0;          ///< which section has the names of sections

  [[nodiscard]] static constexpr std::size_t entry_bytes(bool wide) noexcept { return wide ? 64 : 52; }
  /// @param file  its first most_bytes at least, or all of it
  /// malformed for what is no ELF file; truncated; unsupported for big-endian.
  [[nodiscard]] static status_or<elf_head> decode(bytes_view file) noexcept {
    if (file.size() < entry_bytes(false)) return status::truncated;
    if (!as_text(file).starts_with(std::string_view{"\177ELF", 4})) return status::malformed;
    if (file[4] != std::byte{1} && file[4] != std::byte{2}) return status::malformed;
    if (file[5] != std::byte{1}) return status::unsupported;
    const bool wide = file[4] == std::byte{2};
    if (file.size() < entry_bytes(wide)) return status::truncated;
    const detail::elf_fields at{file.data(), wide};
    return elf_head{.wide = wide,
                    .type = at.half(16, 16),
                    .machine = at.half(18, 18),
                    .version = at.word(20, 20),
                    .entry = at.place(24, 24),
                    .segments = at.place(32, 28),
                    .sections = at.place(40, 32),
                    .head_size = at.half(52, 40),
                    .segment_size = at.half(54, 42),
                    .segment_count = at.half(56, 44),
                    .section_size = at.half(58, 46),
                    .section_count = at.half(60, 48),
                    .names = at.half(62, 50)};
  }
};

/// A program header: a piece of memory, or what is known of one.
struct elf_segment {
  static constexpr std::uint32_t load = 1;  ///< a type
  static constexpr std::uint32_t note = 4;
  static constexpr std::uint32_t executable = 1;  ///< a flag
  static constexpr std::uint32_t writable = 2;

  std::uint32_t type = 0;
  std::uint32_t flags = 0;
  std::uint64_t offset = 0;
  std::uint64_t address = 0;
  std::uint64_t physical_address = 0;
  std::uint64_t file_bytes = 0;
  std::uint64_t memory_bytes = 0;
  std::uint64_t alignment = 0;

  [[nodiscard]] static constexpr std::size_t entry_bytes(bool wide) noexcept { return wide ? 56 : 32; }
  /// @pre entry.size() >= entry_bytes(wide)
  [[nodiscard]] static elf_segment decode(bytes_view entry, bool wide) noexcept {
    const detail::elf_fields at{entry.data(), wide};
    return {.type = at.word(0, 0),
            .flags = at.word(4, 24),
            .offset = at.place(8, 4),
            .address = at.place(16, 8),
            .physical_address = at.place(24, 12),
            .file_bytes = at.place(32, 16),
            .memory_bytes = at.place(40, 20),
            .alignment = at.place(48, 28)};
  }
};

/// A section header.
struct elf_section {
  static constexpr std::uint32_t symbols = 2;  ///< a type
  static constexpr std::uint32_t strings = 3;
  static constexpr std::uint32_t zeros = 8;     ///< the file has none of its bytes
  static constexpr std::uint64_t writable = 1;  ///< a flag
  static constexpr std::uint64_t loaded = 2;
  static constexpr std::uint64_t executable = 4;

  std::uint32_t name = 0;  ///< where it begins in the section of names
  std::uint32_t type = 0;
  std::uint64_t flags = 0;
  std::uint64_t address = 0;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  std::uint32_t link = 0;
  std::uint32_t info = 0;
  std::uint64_t entry_size = 0;

  [[nodiscard]] static constexpr std::size_t entry_bytes(bool wide) noexcept { return wide ? 64 : 40; }
  /// @pre entry.size() >= entry_bytes(wide)
  [[nodiscard]] static elf_section decode(bytes_view entry, bool wide) noexcept {
    const detail::elf_fields at{entry.data(), wide};
    return {.name = at.word(0, 0),
            .type = at.word(4, 4),
            .flags = at.place(8, 8),
            .address = at.place(16, 12),
            .offset = at.place(24, 16),
            .size = at.place(32, 20),
            .link = at.word(40, 24),
            .info = at.word(44, 28),
            .entry_size = at.place(56, 36)};
  }
};

/// A name and what it stands for.
struct elf_symbol {
  static constexpr unsigned function = 2;              ///< a kind; less: a variable, or it does not say
  static constexpr std::uint16_t no_section = 0xff00;  ///< from here on the section is something else
  static constexpr std::uint16_t absolute = 0xfff1;    ///< such a one: the address is a number

  std::uint32_t name = 0;  ///< where it begins in the table of strings
  unsigned kind = 0;
  bool local = false;
  std::uint16_t section = 0;  ///< 0: it is in another file
  std::uint64_t address = 0;
  std::uint64_t size = 0;

  [[nodiscard]] static constexpr std::size_t entry_bytes(bool wide) noexcept { return wide ? 24 : 16; }
  /// @pre entry.size() >= entry_bytes(wide)
  [[nodiscard]] static elf_symbol decode(bytes_view entry, bool wide) noexcept {
    const detail::elf_fields at{entry.data(), wide};
    const unsigned info = std::to_integer<unsigned>(entry[wide ? 4 : 12]);
    return {.name = at.word(0, 0),
            .kind = info & 15,
            .local = info >> 4 == 0,
            .section = at.half(6, 14),
            .address = at.place(8, 4),
            .size = at.place(16, 8)};
  }
};

}  // namespace shoal
