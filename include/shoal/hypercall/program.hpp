// SPDX-License-Identifier: BSL-1.0
//
// program: a unikernel's ELF file, checked, and put into a guest's memory. Freestanding.
//
//     const status_or<program> guest = program::parse(file, architecture::x86_64, memory_size);
//     manifest devices = guest->devices();                               // attach them, then:
//     if (const status s = guest->load(memory); s != status::ok) return s;
//     const status_or<std::uint64_t> argument = write_boot_info(memory, *guest, devices, options);
//
// The file may be hostile: everything is checked before a byte is written, and load() can then fail only for
// memory that is smaller than was said. Sections, symbols and the interpreter are not looked at.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include <shoal/base/bytes.hpp>
#include <shoal/base/elf_file.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/base/status.hpp>
#include <shoal/hal/guest_memory.hpp>
#include <shoal/hypercall/abi.hpp>
#include <shoal/hypercall/guest_ram.hpp>
#include <shoal/hypercall/manifest.hpp>

namespace shoal::hypercall {

/// As ELF numbers them.
enum class architecture : std::uint16_t { x86_64 = 62, aarch64 = 183 };

/// A file that can be run. Does not own it: the file's bytes stay, and stay the same, while it is used.
class program {
 public:
  static constexpr std::size_t max_segments = 16;  ///< to load, of elf_file::max_segments in all

  program() noexcept = default;

  /// Errors: truncated (something lies behind the end of the file); malformed (no ELF file, or one that breaks
  /// its rules); unsupported (not for this machine or ABI, no manifest, memory that is written and executed);
  /// out_of_range (needs other memory than [1 MiB, memory_size)); limit_exceeded; invalid_argument
  /// (memory_size).
  [[nodiscard]] static status_or<program> parse(bytes_view file, architecture machine,
                                                std::uint64_t memory_size) noexcept {
    program read;
    if (const status s = read.assign(file, machine, memory_size); s != status::ok) return s;
    return read;
  }
  /// The same without a copy of its 8 KiB. One that failed is not to be used.
  [[nodiscard]] status assign(bytes_view file, architecture machine, std::uint64_t memory_size) noexcept {
    if (!is_memory_size(memory_size)) return status::invalid_argument;
    file_ = file;
    memory_size_ = memory_size;
    end_ = layout::program;
    count_ = 0;
    has_abi_ = false;
    has_manifest_ = false;
    return read_headers(machine);
  }

  /// So many bytes of a file's beginning are all that parse() and load() look at: tables of names and what only
  /// debuggers want are behind it.
  /// @param beginning  of the file, with its headers; where it is without them, or they are none, the answer is
  /// the most
  [[nodiscard]] static std::uint64_t bytes_needed(bytes_view beginning) noexcept {
    constexpr std::uint64_t all = ~std::uint64_t{0};
    const status_or<elf_file> elf = elf_file::parse(beginning, elf_width::wide);
    if (!elf) return all;
    std::uint64_t end = beginning.size();
    for (std::size_t i = 0; i < elf->head().segment_count; ++i) {
      const elf_segment h = elf->segment(i);
      if (h.type != elf_segment::load && h.type != elf_segment::note) continue;
      if (h.file_bytes > all - h.offset) return all;
      end = std::max(end, h.offset + h.file_bytes);
    }
    return end;
  }

  [[nodiscard]] std::uint64_t entry() const noexcept { return entry_; }
  /// The first page that nothing of the program is on.
  [[nodiscard]] std::uint64_t end() const noexcept { return end_; }
  [[nodiscard]] std::uint64_t memory_size() const noexcept { return memory_size_; }
  /// What it asks for: nothing is attached.
  [[nodiscard]] const manifest& devices() const noexcept { return manifest_; }
  /// Of the pages it is loaded to, ascending. Live as long as the program.
  [[nodiscard]] std::span<const protection> protections() const noexcept {
    return {protections_.data(), count_};
  }

  /// Copies its segments, and zeroes what they have beyond the file.
  /// out_of_range when the memory is not one piece of RAM as large as was said to parse().
  template <hal::guest_memory M>
  [[nodiscard]] status load(M& memory) const noexcept {
    for (const segment& s : std::span{segments_}.first(count_)) {
      const bytes_span to =
          memory.window(hal::guest_address{s.address}, static_cast<std::size_t>(s.memory_bytes));
      if (to.size() != s.memory_bytes) return status::out_of_range;
    }
    for (const segment& s : std::span{segments_}.first(count_)) {
      const bytes_span to =
          memory.window(hal::guest_address{s.address}, static_cast<std::size_t>(s.memory_bytes));
      const auto length = static_cast<std::size_t>(s.file_bytes);
      std::memcpy(to.data(), file_.data() + s.file_offset, length);
      std::fill(to.begin() + static_cast<std::ptrdiff_t>(length), to.end(), std::byte{0});
    }
    return status::ok;
  }

 private:
  static constexpr std::size_t note_header_size = 20;  // with the name, which is 6 bytes and 2 of padding
  static constexpr std::size_t manifest_padding = 4;   // the note's descriptor starts at 20, the manifest at 24

  /// Of what is loaded.
  struct segment {
    std::uint64_t file_offset = 0;
    std::uint64_t file_bytes = 0;  // not 0
    std::uint64_t address = 0;
    std::uint64_t memory_bytes = 0;
  };

  status read_headers(architecture machine) noexcept {
    const status_or<elf_file> elf = elf_file::parse(file_, elf_width::wide);
    if (!elf) return elf.code;
    const elf_head& head = elf->head();
    if (head.type != elf_head::executable || head.machine != static_cast<std::uint16_t>(machine))
      return status::unsupported;
    if (head.segment_count == 0) return status::malformed;
    entry_ = head.entry;
    for (std::size_t i = 0; i < head.segment_count; ++i) {
      const elf_segment h = elf->segment(i);
      status s = status::ok;
      if (h.type == elf_segment::load) s = add_segment(h);
      if (h.type == elf_segment::note) s = read_note(*elf, h);
      if (s != status::ok) return s;
    }
    return finish();
  }

  status add_segment(const elf_segment& h) noexcept {
    const bool executable = (h.flags & elf_segment::executable) != 0;
    const bool writable = (h.flags & elf_segment::writable) != 0;
    if (h.memory_bytes < h.file_bytes) return status::malformed;
    if (executable && writable) return status::unsupported;
    if (h.memory_bytes == 0) return status::ok;
    if (h.address < layout::program || !contains(memory_size_, h.address, h.memory_bytes))
      return status::out_of_range;
    // without bytes of the file: what follows the data. Nothing to copy, and no rights but those that all has
    if (h.file_bytes == 0) {
      end_ = std::max(end_, page_end(h.address + h.memory_bytes));
      return status::ok;
    }
    if (!contains(file_.size(), h.offset, h.file_bytes)) return status::truncated;
    // more than any memory, and the sums below could wrap
    if (!std::has_single_bit(h.alignment) || h.alignment > layout::most) return status::malformed;
    const std::uint64_t first = h.address & ~(h.alignment - 1);
    const std::uint64_t end = (h.address + h.memory_bytes + h.alignment - 1) & ~(h.alignment - 1);
    if (first < layout::program || end > memory_size_) return status::out_of_range;
    if (first % layout::page != 0 || end % layout::page != 0) return status::malformed;
    if (count_ != 0 && first < protections_[count_ - 1].end)
      return status::malformed;  // overlap, or descending
    if (count_ == max_segments) return status::limit_exceeded;
    segments_[count_] = {h.offset, h.file_bytes, h.address, h.memory_bytes};
    protections_[count_] = {first, end, writable, executable};
    ++count_;
    end_ = std::max(end_, end);
    return status::ok;
  }

  [[nodiscard]] static constexpr std::uint64_t page_end(std::uint64_t address) noexcept {
    return (address + layout::page - 1) & ~(layout::page - 1);
  }

  /// Of each note segment the first note; of others than Solo5's nothing.
  status read_note(const elf_file& elf, const elf_segment& h) noexcept {
    const status_or<bytes_view> found = elf.content(h);
    if (!found) return found.code;
    const bytes_view note = *found;
    if (note.size() < note_header_size) return status::ok;
    const auto name_size = load_le<std::uint32_t>(note.data());
    if (name_size != 6 || as_text(note.subspan(12, 6)) != std::string_view{"Solo5\0", 6}) return status::ok;
    const auto size = load_le<std::uint32_t>(note.data() + 4);
    if (size > note.size() - note_header_size) return status::truncated;
    const bytes_view content = note.subspan(note_header_size, size);
    const auto type = load_le<std::uint32_t>(note.data() + 8);
    if (type == abi_note_type) return read_abi(content);
    if (type == manifest_note_type) return read_manifest(content);
    return status::ok;
  }
  status read_abi(bytes_view content) noexcept {
    if (content.size() != sizeof(abi_note) || has_abi_) return status::malformed;
    has_abi_ = true;
    const bool known = load_le<std::uint32_t>(content.data()) == hvt_target &&
                       load_le<std::uint32_t>(content.data() + 4) == hvt_version;
    return known ? status::ok : status::unsupported;
  }
  status read_manifest(bytes_view content) noexcept {
    if (content.size() < manifest_padding || has_manifest_) return status::malformed;
    has_manifest_ = true;
    return manifest_.assign(content.subspan(manifest_padding));
  }

  [[nodiscard]] status finish() const noexcept {
    if (!has_abi_ || !has_manifest_) return status::unsupported;
    for (const segment& s : std::span{segments_}.first(count_)) {
      const protection& p = protections_[static_cast<std::size_t>(&s - segments_.data())];
      if (p.executable && entry_ >= s.address && entry_ - s.address < s.memory_bytes) return status::ok;
    }
    return status::out_of_range;  // the first instruction is none of the program's
  }

  bytes_view file_;
  std::uint64_t memory_size_ = 0;
  std::uint64_t entry_ = 0;
  std::uint64_t end_ = layout::program;
  std::array<segment, max_segments> segments_{};
  std::array<protection, max_segments> protections_{};
  std::size_t count_ = 0;
  bool has_abi_ = false;
  bool has_manifest_ = false;
  manifest manifest_;
};

/// What the guest is told beside its devices.
struct boot_options {
  std::uint64_t cycle_frequency = 0;  ///< Hz
  std::string_view command_line;      ///< at most 8191 bytes, none of them zero
};

/// Writes boot info, manifest and command line. The guest's first argument is layout::boot_info.
/// @param devices  with what is attached
/// Errors: limit_exceeded and invalid_argument (command line), out_of_range (memory).
template <hal::guest_memory M>
[[nodiscard]] status write_boot_info(M& memory, const program& guest, const manifest& devices,
                                     const boot_options& options) noexcept {
  if (options.command_line.size() >= layout::command_line_size) return status::limit_exceeded;
  if (options.command_line.find('\0') != std::string_view::npos) return status::invalid_argument;
  const bytes_view wire = devices.bytes();
  boot_info info;
  info.memory_size = guest.memory_size();
  info.kernel_end = guest.end();
  info.cycle_frequency = options.cycle_frequency;
  info.manifest = layout::boot_info + sizeof info;
  info.command_line = info.manifest + wire.size();
  const bytes_span all = memory.window(hal::guest_address{layout::boot_info},
                                       sizeof info + wire.size() + layout::command_line_size);
  if (all.empty()) return status::out_of_range;
  std::memcpy(all.data(), &info, sizeof info);
  std::memcpy(all.data() + sizeof info, wire.data(), wire.size());
  const bytes_view text = as_bytes(options.command_line);
  const bytes_span words = all.subspan(sizeof info + wire.size());
  *std::copy(text.begin(), text.end(), words.begin()) = std::byte{0};
  return status::ok;
}

}  // namespace shoal::hypercall
