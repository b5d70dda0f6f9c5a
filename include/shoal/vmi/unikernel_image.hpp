// SPDX-License-Identifier: BSL-1.0
//
// unikernel_image: what a unikernel's ELF file says of its memory: what never changes, and where its variables
// are.
//
//     const result<unikernel_image> image = unikernel_image::parse(file);
//     const result<unikernel_symbol> count = image->find("count");
//     const std::vector<finding> found = check_unikernel(memory, *image);    // unikernel_check.hpp
//
// Of files that are linked to the addresses of the machine's memory where they run, as those for hvt are: what
// a unikernel's page tables say is not asked. The file may be hostile. Leaves out variables of threads, and
// what a program writes once and then no more (RELRO), which hvt lets it write.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/elf_file.hpp>
#include <shoal/base/error.hpp>
#include <shoal/base/result.hpp>
#include <shoal/vmi/address.hpp>
#include <shoal/vmi/symbol_table.hpp>

namespace shoal::vmi {

/// No unikernel has memory behind this address.
inline constexpr std::uint64_t max_unikernel = 4_GiB;

/// Pages that never change: bytes of the file, and zeros around them.
struct constant_area {
  physical_address base{};   ///< of the first page
  std::uint64_t size = 0;    ///< of all of them
  std::uint64_t before = 0;  ///< zeros in front of the bytes
  bytes_view bytes;          ///< of the file
  bool executable = false;   ///< text; else constants

  /// What should be from `offset` on. @pre offset + out.size() <= size
  void expected(std::uint64_t offset, bytes_span out) const noexcept {
    std::ranges::fill(out, std::byte{0});
    const std::uint64_t first = std::max(offset, before);
    const std::uint64_t end = std::min(offset + out.size(), before + bytes.size());
    if (first >= end) return;
    std::memcpy(out.data() + (first - offset), bytes.data() + (first - before),
                static_cast<std::size_t>(end - first));
  }
};

/// A name of the file's, which lies in the memory that it asks for.
struct unikernel_symbol {
  physical_address address{};
  std::uint64_t size = 0;  ///< 0 where the file does not say
  std::string_view name;   ///< at most max_symbol_name bytes of it; lives as long as the file
};

/// How far an address is into what it belongs to.
struct unikernel_place {
  unikernel_symbol symbol;
  std::uint64_t offset = 0;
};

/// Does not own the file: its bytes stay, and stay the same, while it is used.
class unikernel_image {
 public:
  /// Errors: truncated, malformed, unsupported, limit_exceeded as elf_file::parse, of segments and symbols,
  /// too; malformed for segments that overlap or descend; out_of_range for one that ends behind max_unikernel.
  [[nodiscard]] static result<unikernel_image> parse(bytes_view file) {
    const status_or<elf_file> elf = elf_file::parse(file, elf_width::wide);
    if (!elf) return make_error_code(elf.code);
    if (elf->head().type != elf_head::executable) return errc::unsupported;
    unikernel_image out;
    for (std::size_t i = 0; i < elf->head().segment_count; ++i) {
      const elf_segment each = elf->segment(i);
      if (each.type != elf_segment::load || each.memory_bytes == 0) continue;
      if (const status s = out.add(*elf, each); s != status::ok) return make_error_code(s);
    }
    const status_or<elf_symbols> symbols = elf->symbols();
    if (!symbols) return make_error_code(symbols.code);
    if (symbols->size() > max_symbols) return errc::limit_exceeded;
    out.read(*symbols);
    return out;
  }

  /// Text and constants, ascending.
  [[nodiscard]] std::span<const constant_area> constants() const noexcept { return constants_; }
  /// 0 when the file was stripped.
  [[nodiscard]] std::size_t symbol_count() const noexcept { return symbols_.size(); }

  /// What the file calls so: a global, or what has this name in one of its sources alone. not_found;
  /// invalid_argument when several sources have one.
  [[nodiscard]] result<unikernel_symbol> find(std::string_view name) const {
    const entry* found = nullptr;
    bool ambiguous = false;
    for (const entry& each : symbols_) {
      if (!has_name(each, name)) continue;
      if (each.global) return to_symbol(each);
      ambiguous = ambiguous || (found != nullptr && found->address != each.address);
      found = &each;
    }
    if (found == nullptr) return errc::not_found;
    if (ambiguous) return errc::invalid_argument;
    return to_symbol(*found);
  }

  /// What an address is in; nothing where it is in nothing that has a name.
  [[nodiscard]] std::optional<unikernel_place> at(physical_address address) const noexcept {
    const auto behind = std::ranges::upper_bound(symbols_, value(address), {}, &entry::address);
    if (behind == symbols_.begin()) return std::nullopt;
    const entry& nearest = *(behind - 1);  // of those at one address the largest
    const std::uint64_t offset = value(address) - nearest.address;
    if (nearest.size != 0 && offset >= nearest.size) return std::nullopt;
    return unikernel_place{to_symbol(nearest), offset};
  }

 private:
  struct range {
    std::uint64_t address = 0;
    std::uint64_t size = 0;
  };
  struct entry {
    std::uint64_t address = 0;
    std::uint64_t size = 0;
    std::uint32_t name = 0;  // where it begins in names_
    bool global = false;
  };

  status add(const elf_file& elf, const elf_segment& each) {
    if (!contains(max_unikernel, each.address, each.memory_bytes)) return status::out_of_range;
    if (each.memory_bytes < each.file_bytes) return status::malformed;
    loaded_.push_back({each.address, each.memory_bytes});
    if (each.file_bytes == 0) return status::ok;  // nothing but zeros, to be written
    const status_or<bytes_view> bytes = elf.content(each);
    if (!bytes) return bytes.code;
    // whole pages, as they are protected
    if (!std::has_single_bit(each.alignment) || each.alignment > max_unikernel) return status::malformed;
    const std::uint64_t first = each.address & ~(each.alignment - 1);
    const std::uint64_t end = (each.address + each.memory_bytes + each.alignment - 1) & ~(each.alignment - 1);
    if (end > max_unikernel) return status::out_of_range;
    if (first < end_) return status::malformed;
    end_ = end;
    if ((each.flags & elf_segment::writable) != 0) return status::ok;
    constants_.push_back({.base = physical_address{first},
                          .size = end - first,
                          .before = each.address - first,
                          .bytes = *bytes,
                          .executable = (each.flags & elf_segment::executable) != 0});
    return status::ok;
  }

  void read(const elf_symbols& symbols) {
    names_ = symbols.names;
    for (std::size_t i = 0; i < symbols.size(); ++i) {
      const elf_symbol of = symbols[i];
      if (of.section == 0 || of.section >= elf_symbol::no_section || of.kind > elf_symbol::function) continue;
      if (of.name >= names_.size() || names_[of.name] == '\0') continue;
      const entry each{of.address, of.size, of.name, !of.local};
      if (is_loaded(each)) symbols_.push_back(each);
    }
    std::ranges::sort(symbols_, [](const entry& a, const entry& b) {
      if (a.address != b.address) return a.address < b.address;
      return a.size != b.size ? a.size < b.size : a.name < b.name;
    });
  }

  [[nodiscard]] bool is_loaded(const entry& each) const noexcept {
    return std::ranges::any_of(loaded_, [&each](const range& in) {
      const std::uint64_t offset = each.address - in.address;  // more than any size when it lies before
      return offset < in.size && each.size <= in.size - offset;
    });
  }
  [[nodiscard]] bool has_name(const entry& each, std::string_view name) const noexcept {
    const std::string_view text = names_.substr(each.name);
    return text.starts_with(name) && (text.size() == name.size() || text[name.size()] == '\0');
  }
  [[nodiscard]] unikernel_symbol to_symbol(const entry& each) const noexcept {
    return {physical_address{each.address}, each.size, elf_string(names_, each.name, max_symbol_name)};
  }

  std::vector<constant_area> constants_;
  std::uint64_t end_ = 0;  // of the last segment with bytes
  std::vector<range> loaded_;
  std::vector<entry> symbols_;  // by address, then by size
  std::string_view names_;
};

}  // namespace shoal::vmi
