// SPDX-License-Identifier: BSL-1.0
//
// elf_file: the tables of an ELF file in memory: what is loaded where, which sections there are, and which
// symbols. Freestanding.
//
//     const status_or<elf_file> read = elf_file::parse(bytes);
//     for (std::size_t i = 0; i < read->head().segment_count; ++i) load(read->segment(i));
//     const status_or<elf_section> names = read->section(7);
//     const status_or<bytes_view> text = read->content(*names);
//
// The file may be hostile: tables and contents lie inside of it, and nothing else is said about what entries
// claim. Leaves out what segments, sections and symbols mean.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <shoal/base/bytes.hpp>
#include <shoal/base/elf_entries.hpp>
#include <shoal/base/status.hpp>

namespace shoal {

/// Which files are read: `wide` are those of 64 bits.
enum class elf_width : bool { any, wide };

/// A table of symbols and the strings of their names; both live as long as the file.
struct elf_symbols {
  bytes_view entries;
  std::string_view names;
  bool wide = false;

  [[nodiscard]] std::size_t size() const noexcept { return entries.size() / elf_symbol::entry_bytes(wide); }
  /// @pre i < size()
  [[nodiscard]] elf_symbol operator[](std::size_t i) const noexcept {
    return elf_symbol::decode(entries.subspan(i * elf_symbol::entry_bytes(wide)), wide);
  }
};

/// The string at an offset of a table of strings: of a longer one the first `most` bytes, nothing behind the
/// table's end.
[[nodiscard]] inline std::string_view elf_string(std::string_view table, std::uint32_t at,
                                                 std::size_t most) noexcept {
  if (at >= table.size()) return {};
  const std::string_view cut = table.substr(at, most);
  return cut.substr(0, cut.find('\0'));
}

/// Does not own the file: its bytes stay, and stay the same, while it is used. One that parse() did not make
/// has no tables to ask for.
class elf_file {
 public:
  static constexpr std::size_t max_segments = 64;

  elf_file() noexcept = default;

  /// Errors: truncated (it ends inside its header or its segments); malformed (no ELF file, or one that breaks
  /// its rules); unsupported (big-endian, another width); limit_exceeded.
  [[nodiscard]] static status_or<elf_file> parse(bytes_view file, elf_width width = elf_width::any) noexcept {
    const status_or<elf_head> head = elf_head::decode(file);
    if (!head) return head.code;
    if (width == elf_width::wide && !head->wide) return status::unsupported;
    if (head->version != 1 || head->head_size != elf_head::entry_bytes(head->wide)) return status::malformed;
    elf_file read;
    read.file_ = file;
    read.head_ = *head;
    if (head->segment_count == 0) return read;
    const std::size_t each = elf_segment::entry_bytes(head->wide);
    if (head->segment_size != each) return status::malformed;
    if (head->segment_count > max_segments) return status::limit_exceeded;
    if (!contains(file.size(), head->segments, head->segment_count * each)) return status::truncated;
    return read;
  }

  [[nodiscard]] const elf_head& head() const noexcept { return head_; }

  /// @pre i < head().segment_count
  [[nodiscard]] elf_segment segment(std::size_t i) const noexcept {
    const std::uint64_t offset = head_.segments + i * head_.segment_size;
    return elf_segment::decode(*part(offset, head_.segment_size), head_.wide);
  }
  /// out_of_range for one that is not there; truncated when the file ends before; malformed.
  [[nodiscard]] status_or<elf_section> section(std::size_t i) const noexcept {
    if (i >= head_.section_count) return status::out_of_range;
    const std::size_t each = elf_section::entry_bytes(head_.wide);
    if (head_.section_size != each) return status::malformed;
    if (!contains(file_.size(), head_.sections, head_.section_count * each)) return status::truncated;
    return elf_section::decode(*part(head_.sections + i * each, each), head_.wide);
  }

  /// What the file has of it; truncated when it ends before.
  [[nodiscard]] status_or<bytes_view> content(const elf_segment& of) const noexcept {
    return part(of.offset, of.file_bytes);
  }
  [[nodiscard]] status_or<bytes_view> content(const elf_section& of) const noexcept {
    return of.type == elf_section::zeros ? bytes_view{} : part(of.offset, of.size);
  }

  /// Of its first table of them; none when it was stripped. Errors as section() and content(); malformed for a
  /// table without strings, or with entries of another size.
  [[nodiscard]] status_or<elf_symbols> symbols() const noexcept {
    for (std::size_t i = 0; i < head_.section_count; ++i) {
      const status_or<elf_section> table = section(i);
      if (!table) return table.code;
      if (table->type != elf_section::symbols) continue;
      const status_or<elf_section> strings = section(table->link);
      if (!strings || strings->type != elf_section::strings) return status::malformed;
      if (table->entry_size != elf_symbol::entry_bytes(head_.wide)) return status::malformed;
      const status_or<bytes_view> entries = content(*table);
      const status_or<bytes_view> names = content(*strings);
      if (!entries || !names) return status::truncated;
      return elf_symbols{*entries, as_text(*names), head_.wide};
    }
    return elf_symbols{};
  }

 private:
  [[nodiscard]] status_or<bytes_view> part(std::uint64_t offset, std::uint64_t size) const noexcept {
    if (!contains(file_.size(), offset, size)) return status::truncated;
    return file_.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
  }

  bytes_view file_;
  elf_head head_;
};

}  // namespace shoal
