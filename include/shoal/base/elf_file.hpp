// SPDX-License-Identifier: BSL-1.0
//
// elf_file: the tables of an ELF file of 64 bits, little-endian: what is loaded where, and which sections there
// are (System V ABI, chapters 4 and 5). Freestanding.
//
//     const status_or<elf_file> read = elf_file::parse(bytes);
//     for (std::size_t i = 0; i < read->segment_count(); ++i) load(read->segment(i));
//     const status_or<elf_section> names = read->section(7);
//     const status_or<bytes_view> text = read->content(*names);
//
// The file may be hostile: tables lie inside of it, and nothing else is said about what entries claim. Leaves
// out what segments and sections mean.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/base/status.hpp>

namespace shoal {

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
  std::uint64_t file_bytes = 0;
  std::uint64_t memory_bytes = 0;
  std::uint64_t alignment = 0;
};

/// A section header.
struct elf_section {
  static constexpr std::uint32_t symbols = 2;  ///< a type
  static constexpr std::uint32_t strings = 3;

  std::uint32_t type = 0;
  std::uint32_t link = 0;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  std::uint64_t entry_size = 0;
};

/// Does not own the file: its bytes stay, and stay the same, while it is used. One that parse() did not make
/// has no tables to ask for.
class elf_file {
 public:
  static constexpr std::size_t max_segments = 64;
  static constexpr std::uint16_t executable = 2;  ///< a type: linked to the addresses where it runs

  elf_file() noexcept = default;

  /// Errors: truncated (it ends inside its header or its segments); malformed (no ELF file, or one that breaks
  /// its rules); unsupported (32 bits, big-endian); limit_exceeded.
  [[nodiscard]] static status_or<elf_file> parse(bytes_view file) noexcept {
    elf_file read;
    read.file_ = file;
    if (file.size() < header_size) return status::truncated;
    if (!as_text(file).starts_with(std::string_view{"\177ELF", 4})) return status::malformed;
    if (file[4] != std::byte{2} || file[5] != std::byte{1}) return status::unsupported;
    if (read.at<std::uint32_t>(20) != 1 || read.at<std::uint16_t>(52) != header_size) return status::malformed;
    if (read.segment_count() == 0) return read;
    if (read.at<std::uint16_t>(54) != segment_size) return status::malformed;
    if (read.segment_count() > max_segments) return status::limit_exceeded;
    if (!contains(file.size(), read.segments_at(), read.segment_count() * segment_size))
      return status::truncated;
    return read;
  }

  [[nodiscard]] std::uint16_t type() const noexcept { return at<std::uint16_t>(16); }
  /// As ELF numbers processors.
  [[nodiscard]] std::uint16_t machine() const noexcept { return at<std::uint16_t>(18); }
  /// Where the first instruction is.
  [[nodiscard]] std::uint64_t entry() const noexcept { return at<std::uint64_t>(24); }

  [[nodiscard]] std::size_t segment_count() const noexcept { return at<std::uint16_t>(56); }
  /// @pre i < segment_count()
  [[nodiscard]] elf_segment segment(std::size_t i) const noexcept {
    const std::uint64_t o = segments_at() + i * segment_size;
    return {.type = at<std::uint32_t>(o),
            .flags = at<std::uint32_t>(o + 4),
            .offset = at<std::uint64_t>(o + 8),
            .address = at<std::uint64_t>(o + 16),
            .file_bytes = at<std::uint64_t>(o + 32),
            .memory_bytes = at<std::uint64_t>(o + 40),
            .alignment = at<std::uint64_t>(o + 48)};
  }

  /// 0, too, for the more than 65,279 that ELF can say in another way.
  [[nodiscard]] std::size_t section_count() const noexcept { return at<std::uint16_t>(60); }
  /// out_of_range for one that is not there; truncated when the file ends before; malformed.
  [[nodiscard]] status_or<elf_section> section(std::size_t i) const noexcept {
    if (i >= section_count()) return status::out_of_range;
    if (at<std::uint16_t>(58) != section_size) return status::malformed;
    const auto table = at<std::uint64_t>(40);
    if (!contains(file_.size(), table, section_count() * section_size)) return status::truncated;
    const std::uint64_t o = table + i * section_size;
    return elf_section{.type = at<std::uint32_t>(o + 4),
                       .link = at<std::uint32_t>(o + 40),
                       .offset = at<std::uint64_t>(o + 24),
                       .size = at<std::uint64_t>(o + 32),
                       .entry_size = at<std::uint64_t>(o + 56)};
  }

  /// What the file has of it; truncated when it ends before.
  [[nodiscard]] status_or<bytes_view> content(const elf_segment& of) const noexcept {
    return part(of.offset, of.file_bytes);
  }
  [[nodiscard]] status_or<bytes_view> content(const elf_section& of) const noexcept {
    return part(of.offset, of.size);
  }

 private:
  static constexpr std::size_t header_size = 64;
  static constexpr std::size_t segment_size = 56;
  static constexpr std::size_t section_size = 64;

  template <class T>
  [[nodiscard]] T at(std::uint64_t offset) const noexcept {
    return load_le<T>(file_.data() + static_cast<std::size_t>(offset));
  }
  [[nodiscard]] status_or<bytes_view> part(std::uint64_t offset, std::uint64_t size) const noexcept {
    if (!contains(file_.size(), offset, size)) return status::truncated;
    return file_.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
  }
  [[nodiscard]] std::uint64_t segments_at() const noexcept { return at<std::uint64_t>(32); }

  bytes_view file_;
};

}  // namespace shoal
