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
#include <shoal/base/elf_entries.hpp>
#include <shoal/base/elf_file.hpp>
#include <shoal/base/error.hpp>
#include <shoal/base/result.hpp>
#include <shoal/base/status.hpp>
#include <shoal/vmi/address.hpp>
#include <shoal/vmi/symbol_table.hpp>

namespace shoal::vmi {

/// No more sections are read: a kernel has a hundred.
inline constexpr std::size_t max_elf_sections = 4096;

/// Does not own the file, whose bytes stay, and stay the same.
class elf_sections {
 public:
  /// Errors as elf_file::parse; truncated, too, when a section is not all in the file.
  [[nodiscard]] static result<elf_sections> parse(bytes_view file) {
    const status_or<elf_file> read = elf_file::parse(file);
    if (!read) return make_error_code(read.code);
    if (read->head().section_count > max_elf_sections) return errc::limit_exceeded;
    elf_sections out{*read};
    for (std::size_t i = 0; i < read->head().section_count; ++i) {
      const status_or<elf_section> each = read->section(i);
      if (!each) return make_error_code(each.code);
      if (!read->content(*each)) return errc::truncated;
      out.sections_.push_back(*each);
    }
    return out;
  }

  [[nodiscard]] const elf_head& head() const noexcept { return file_.head(); }

  /// The bytes of the first section with this name; empty when there is none, or it has none in the file.
  [[nodiscard]] bytes_view bytes(std::string_view name) const noexcept {
    for (const elf_section& each : sections_) {
      if (name_of(each) == name) return *file_.content(each);
    }
    return {};
  }

  /// What the file puts at an address, up to the end of its section; empty for what it leaves zero.
  [[nodiscard]] bytes_view at(std::uint64_t address) const noexcept {
    for (const elf_section& each : sections_) {
      if ((each.flags & elf_section::loaded) == 0 || each.type == elf_section::zeros) continue;
      const std::uint64_t offset = address - each.address;  // more than any size when it lies before
      if (offset < each.size) return file_.content(each)->subspan(static_cast<std::size_t>(offset));
    }
    return {};
  }

  /// Those with a name and a place, without the marks that assemblers make and too long names. not_found when
  /// the file has none: it was stripped; malformed, limit_exceeded.
  [[nodiscard]] result<symbol_table> symbols() const {
    const status_or<elf_symbols> all = file_.symbols();
    if (!all) return make_error_code(all.code);
    if (all->size() == 0) return errc::not_found;
    symbol_table out;
    for (std::size_t i = 0; i < all->size(); ++i) {
      const elf_symbol each = (*all)[i];
      const std::string_view name = elf_string(all->names, each.name, max_symbol_name + 1);
      // local labels, and where code and data begin on ARM
      if (name.empty() || name.starts_with('$') || name.starts_with(".L")) continue;
      if (name.size() > max_symbol_name) continue;  // longer than the kernel's own table takes
      const char type = type_of(each);
      if (type == 0) continue;
      const status added = out.add(virtual_address{each.address}, type, name);
      if (added != status::ok) return make_error_code(added);
    }
    out.finish();
    return out;
  }

 private:
  explicit elf_sections(const elf_file& file) noexcept : file_(file) {}

  [[nodiscard]] std::string_view name_of(const elf_section& of) const noexcept {
    if (head().names >= sections_.size()) return {};
    return elf_string(as_text(*file_.content(sections_[head().names])), of.name, max_symbol_name + 1);
  }

  /// As nm prints it; 0 for what is no place: not in this file, a section, the name of a source file.
  [[nodiscard]] char type_of(const elf_symbol& of) const noexcept {
    constexpr unsigned chosen_when_loaded = 10;  // a function (STT_GNU_IFUNC)
    if (of.kind > elf_symbol::function && of.kind != chosen_when_loaded) return 0;
    const auto letter = [&](char upper) { return of.local ? static_cast<char>(upper + ('a' - 'A')) : upper; };
    if (of.section == elf_symbol::absolute) return letter('A');
    if (of.section == 0 || of.section >= sections_.size()) return 0;
    const elf_section& in = sections_[of.section];
    if ((in.flags & elf_section::executable) != 0) return letter('T');
    if (in.type == elf_section::zeros) return letter('B');
    return letter((in.flags & elf_section::writable) != 0 ? 'D' : 'R');
  }

  elf_file file_;
  std::vector<elf_section> sections_;
};

}  // namespace shoal::vmi
