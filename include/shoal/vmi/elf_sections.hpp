// SPDX-License-Identifier: BSL-1.0
//
// elf_sections: the sections of an ELF file and its symbols, as a kernel that was linked has them (vmlinux).
//
//     const result<elf_sections> file = elf_sections::parse(bytes);
//     if (!file) return file.error();
//     result<symbol_table> symbols = file->symbols();                       // of .symtab
//     const bytes_view types = file->bytes(".BTF");
//
// ELF64 and ELF32, little-endian (System V ABI, chapter 4). The file may be hostile: a table that is not all in
// it is an error, before anything is taken from it. Leaves out what is compressed, and symbols to be bound.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/base/result.hpp>
#include <shoal/vmi/address.hpp>
#include <shoal/vmi/elf_head.hpp>
#include <shoal/vmi/symbol_table.hpp>

namespace shoal::vmi {

/// No more sections are read: a kernel has a hundred.
inline constexpr std::size_t max_elf_sections = 4096;

/// Does not own the file, whose bytes stay, and stay the same.
class elf_sections {
 public:
  /// malformed for what is no ELF file or breaks its rules; unsupported for big-endian; limit_exceeded;
  /// truncated when a section is not all in the file.
  [[nodiscard]] static result<elf_sections> parse(bytes_view file) {
    const result<elf_head> head = read_elf_head(bytes_source{file});
    if (!head) return head.error();
    elf_sections out{file, *head};
    if (head->section_count == 0) return out;
    if (head->section_size != (head->wide ? 64 : 40)) return errc::malformed;
    if (head->section_count > max_elf_sections) return errc::limit_exceeded;
    const std::uint64_t size = std::uint64_t{head->section_count} * head->section_size;
    if (!contains(file.size(), head->sections, size)) return errc::truncated;
    for (std::size_t i = 0; i < head->section_count; ++i) {
      const section each = out.read(static_cast<std::size_t>(head->sections) + i * head->section_size);
      if (each.type != no_bits && !contains(file.size(), each.offset, each.size)) return errc::truncated;
      out.sections_.push_back(each);
    }
    return out;
  }

  [[nodiscard]] const elf_head& head() const noexcept { return head_; }

  /// The bytes of the first section with this name; empty when there is none, or it has none in the file.
  [[nodiscard]] bytes_view bytes(std::string_view name) const noexcept {
    for (const section& each : sections_) {
      if (name_of(each) == name) return bytes(each);
    }
    return {};
  }

  /// What the file puts at an address, up to the end of its section; empty for what it leaves zero.
  [[nodiscard]] bytes_view at(std::uint64_t address) const noexcept {
    for (const section& each : sections_) {
      if ((each.flags & is_loaded) == 0 || each.type == no_bits || address - each.address >= each.size)
        continue;
      return bytes(each).subspan(static_cast<std::size_t>(address - each.address));
    }
    return {};
  }

  /// Those with a name and a place, without the marks that assemblers make and too long names. not_found when
  /// the file has no table of symbols: it was stripped; malformed, limit_exceeded.
  [[nodiscard]] result<symbol_table> symbols() const {
    for (const section& each : sections_) {
      if (each.type == table_of_symbols) return read_symbols(each);
    }
    return errc::not_found;
  }

 private:
  static constexpr std::uint32_t table_of_symbols = 2;
  static constexpr std::uint32_t table_of_strings = 3;
  static constexpr std::uint32_t no_bits = 8;
  static constexpr std::uint64_t is_written = 1;
  static constexpr std::uint64_t is_loaded = 2;
  static constexpr std::uint64_t is_executed = 4;

  struct section {
    std::uint32_t name = 0;
    std::uint32_t type = 0;
    std::uint64_t flags = 0;
    std::uint64_t address = 0;
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
    std::uint32_t link = 0;
  };

  elf_sections(bytes_view file, const elf_head& head) noexcept : file_(file), head_(head) {}

  template <class T>
  [[nodiscard]] static T number(bytes_view bytes, std::size_t at) noexcept {
    return load_le<T>(bytes.data() + at);
  }
  /// As wide as the file's addresses.
  [[nodiscard]] std::uint64_t word(bytes_view bytes, std::size_t at) const noexcept {
    return head_.wide ? number<std::uint64_t>(bytes, at) : number<std::uint32_t>(bytes, at);
  }

  [[nodiscard]] section read(std::size_t at) const noexcept {
    const bytes_view header = file_.subspan(at, head_.section_size);
    const std::size_t step = head_.wide ? 8 : 4;
    section out;
    out.name = number<std::uint32_t>(header, 0);
    out.type = number<std::uint32_t>(header, 4);
    out.flags = word(header, 8);
    out.address = word(header, 8 + step);
    out.offset = word(header, 8 + 2 * step);
    out.size = word(header, 8 + 3 * step);
    out.link = number<std::uint32_t>(header, 8 + 4 * step);
    return out;
  }

  /// @pre it is not no_bits, or empty
  [[nodiscard]] bytes_view bytes(const section& of) const noexcept {
    if (of.type == no_bits) return {};
    return file_.subspan(static_cast<std::size_t>(of.offset), static_cast<std::size_t>(of.size));
  }

  /// The text at an offset of a table of strings; longer ones are cut.
  [[nodiscard]] static std::string_view text(bytes_view strings, std::uint32_t at) noexcept {
    if (at >= strings.size()) return {};
    const std::string_view cut = as_text(strings).substr(at, max_symbol_name + 1);
    return cut.substr(0, cut.find('\0'));
  }
  [[nodiscard]] std::string_view name_of(const section& of) const noexcept {
    if (head_.names >= sections_.size()) return {};
    return text(bytes(sections_[head_.names]), of.name);
  }

  [[nodiscard]] result<symbol_table> read_symbols(const section& table) const {
    if (table.link >= sections_.size() || sections_[table.link].type != table_of_strings)
      return errc::malformed;
    const bytes_view strings = bytes(sections_[table.link]);
    const bytes_view entries = bytes(table);
    const std::size_t entry = head_.wide ? 24 : 16;
    symbol_table out;
    for (std::size_t at = 0; entries.size() - at >= entry; at += entry) {
      const bytes_view each = entries.subspan(at, entry);
      const std::string_view name = text(strings, number<std::uint32_t>(each, 0));
      const auto info = std::to_integer<unsigned>(each[head_.wide ? 4 : 12]);
      const auto where = number<std::uint16_t>(each, head_.wide ? 6 : 14);
      // local labels, and where code and data begin on ARM
      if (name.empty() || name.starts_with('$') || name.starts_with(".L")) continue;
      if (name.size() > max_symbol_name) continue;  // longer than the kernel's own table takes
      const char type = type_of(info, where);
      if (type == 0) continue;
      const status added = out.add(virtual_address{word(each, head_.wide ? 8 : 4)}, type, name);
      if (added != status::ok) return make_error_code(added);
    }
    out.finish();
    return out;
  }

  /// As nm prints it; 0 for what is no place: not in this file, a section, the name of a source file.
  [[nodiscard]] char type_of(unsigned info, std::uint16_t where) const noexcept {
    constexpr std::uint16_t absolute = 0xfff1;
    const unsigned kind = info & 15;
    if (kind > 2 && kind != 10) return 0;  // no name for a place, object or function
    const bool local = info >> 4 == 0;
    const auto letter = [&](char upper) { return local ? static_cast<char>(upper + ('a' - 'A')) : upper; };
    if (where == absolute) return letter('A');
    if (where == 0 || where >= sections_.size()) return 0;
    const section& in = sections_[where];
    if ((in.flags & is_executed) != 0) return letter('T');
    if (in.type == no_bits) return letter('B');
    return letter((in.flags & is_written) != 0 ? 'D' : 'R');
  }

  bytes_view file_;
  elf_head head_;
  std::vector<section> sections_;
};

}  // namespace shoal::vmi
