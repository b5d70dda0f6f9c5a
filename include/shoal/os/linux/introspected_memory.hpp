// SPDX-License-Identifier: BSL-1.0
//
// introspected_memory: the memory of a machine to look into, wherever it is: a guest that QEMU runs, the file
// behind its RAM, or a dump of a machine (raw, ELF core, LiME).
//
//     result<introspected_memory> memory = introspected_memory::of_process(pid);
//     if (!memory) return memory.error();
//     auto kernel = vmi::linux_kernel<introspected_memory>::attach(*memory);
//
// Where QEMU's RAM is a file (memory-backend-memfd or -file with share=on) it is mapped, and a read costs
// nanoseconds. Otherwise each read is a system call on QEMU's memory, which takes the right to trace it.
// Nothing is stopped or written.
//
// A file that somebody makes shorter reads as zeros from then on: ask is_gone() behind a look, before its
// findings are believed.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/base/result.hpp>
#include <shoal/os/linux/qemu_process.hpp>
#include <shoal/os/posix/mapping.hpp>
#include <shoal/os/posix/mapping_guard.hpp>
#include <shoal/os/posix/unique_fd.hpp>
#include <shoal/vmi/elf_core.hpp>
#include <shoal/vmi/image_memory.hpp>
#include <shoal/vmi/lime.hpp>
#include <shoal/vmi/physical_memory.hpp>

namespace shoal::linux_os {

/// A piece of another process's memory. Models vmi::image_source.
class process_memory {
 public:
  /// What open(2) says.
  [[nodiscard]] static result<process_memory> open(pid_t pid, std::uint64_t address, std::uint64_t size) {
    posix::unique_fd fd{::open(("/proc/" + std::to_string(pid) + "/mem").c_str(), O_RDONLY | O_CLOEXEC)};
    if (!fd) return posix::last_error();
    return process_memory{std::move(fd), address, size};
  }

  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  [[nodiscard]] status read(std::uint64_t offset, bytes_span out) const noexcept {
    if (!contains(size_, offset, out.size())) return status::out_of_range;
    while (!out.empty()) {
      const ssize_t n = ::pread(fd_.get(), out.data(), out.size(), static_cast<off_t>(address_ + offset));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return status::out_of_range;
      out = out.subspan(static_cast<std::size_t>(n));
      offset += static_cast<std::uint64_t>(n);
    }
    return status::ok;
  }

 private:
  process_memory(posix::unique_fd fd, std::uint64_t address, std::uint64_t size) noexcept
      : fd_(std::move(fd)), address_(address), size_(size) {}

  posix::unique_fd fd_;
  std::uint64_t address_;
  std::uint64_t size_;
};
static_assert(vmi::image_source<process_memory>);

/// Whether a file begins as a dump whose pages are compressed, of kdump or as QEMU and makedumpfile send one.
[[nodiscard]] inline bool is_compressed_dump(bytes_view file) noexcept {
  const std::string_view text = as_text(file);
  return text.starts_with("KDUMP   ") || text.starts_with("DISKDUMP") || text.starts_with("makedumpfile");
}

/// Models vmi::physical_memory. Reading from several threads is fine.
class introspected_memory {
 public:
  /// A dump, by its first bytes, or the RAM of a machine with this layout. What open(2) says, and
  /// read_elf_core, read_lime; errc::truncated for a file of less than a page; errc::unsupported for a
  /// compressed dump.
  [[nodiscard]] static result<introspected_memory> of_file(const std::filesystem::path& path,
                                                           ram_layout layout = ram_layout::flat) {
    return open_file(path, [layout](std::uint64_t size) { return ram_regions(layout, size); });
  }
  /// The same of RAM in one piece from an address on.
  [[nodiscard]] static result<introspected_memory> of_file(const std::filesystem::path& path,
                                                           vmi::physical_address base) {
    return open_file(path, [base](std::uint64_t size) { return vmi::raw_regions(size, base); });
  }

  /// A guest of QEMU's. As find_qemu_ram, and what open(2) says.
  [[nodiscard]] static result<introspected_memory> of_process(pid_t pid) {
    result<qemu_ram> ram = find_qemu_ram(pid);
    if (!ram) return ram.error();
    if (!ram->file.empty()) {
      result<posix::mapping> file = posix::mapping::open(ram->file);
      if (!file) return file.error();
      return guarded(std::move(*file), [&ram](const vmi::bytes_source&) -> result<contents> {
        return contents{std::move(ram->regions)};
      });
    }
    result<process_memory> memory = process_memory::open(pid, ram->address, ram->size);
    if (!memory) return memory.error();
    result<foreign> made = foreign::make(std::move(*memory), std::move(ram->regions));
    if (!made) return made.error();
    return introspected_memory{std::move(*made)};
  }

  [[nodiscard]] status read_physical(vmi::physical_address address, bytes_span out) const noexcept {
    if (const mapped* const here = std::get_if<mapped>(&memory_)) return here->read_physical(address, out);
    return std::get_if<foreign>(&memory_)->read_physical(address, out);
  }
  [[nodiscard, gnu::always_inline]] vmi::ram_piece piece_around(vmi::physical_address address) const noexcept {
    const mapped* const here = std::get_if<mapped>(&memory_);
    return here != nullptr ? here->piece_around(address) : vmi::ram_piece{};
  }
  [[nodiscard, gnu::always_inline]] bytes_view window(vmi::physical_address address,
                                                      std::size_t n) const noexcept {
    const mapped* const here = std::get_if<mapped>(&memory_);
    return here != nullptr ? here->window(address, n) : bytes_view{};
  }
  /// Where something was written by the time of opening. Pages that a machine never touched have none: to look
  /// at them in a memfd would give it memory.
  [[nodiscard]] std::span<const vmi::physical_range> extents() const noexcept { return extents_; }

  /// The file has another size than when it was opened. What was read since nobody knows when is worth nothing.
  [[nodiscard]] bool is_gone() const noexcept { return file_ && (guard_->is_gone() || !file_->unchanged()); }
  /// Pieces of which a dump does not have all: it was cut when it was written or copied.
  [[nodiscard]] std::size_t pieces_missing() const noexcept { return pieces_missing_; }

 private:
  using mapped = vmi::image_memory<vmi::bytes_source>;
  using foreign = vmi::image_memory<process_memory>;

  /// What a file holds.
  struct contents {
    std::vector<vmi::ram_region> regions;
    std::size_t pieces_missing = 0;
  };

  introspected_memory(posix::mapping file, posix::mapping_guard guard, mapped memory,
                      std::size_t pieces_missing)
      : file_(std::move(file)),
        guard_(std::move(guard)),
        memory_(std::move(memory)),
        extents_(written(*file_, std::get<mapped>(memory_))),
        pieces_missing_(pieces_missing) {}
  explicit introspected_memory(foreign memory)
      : memory_(std::move(memory)),
        extents_(std::get<foreign>(memory_).extents().begin(), std::get<foreign>(memory_).extents().end()) {}

  /// What of a memory has bytes in its file, and maps it at once: faults one by one take ten times as long.
  [[nodiscard]] static std::vector<vmi::physical_range> written(const posix::mapping& file,
                                                                const mapped& memory) {
    constexpr std::uint64_t small_hole =
        2_MiB;  // zeros that a copy left out, in the middle of a kernel perhaps
    std::vector<vmi::physical_range> out;
    for (const vmi::ram_region& region : memory.regions()) {
      const std::uint64_t end = region.offset + region.size;
      for (std::uint64_t at = region.offset; at < end;) {
        const off_t data = ::lseek(file.fd(), static_cast<off_t>(at), SEEK_DATA);
        if (data < 0 || static_cast<std::uint64_t>(data) >= end) break;
        const off_t hole = ::lseek(file.fd(), data, SEEK_HOLE);
        const std::uint64_t first = std::max(at, static_cast<std::uint64_t>(data));
        at = hole > data ? std::min(end, static_cast<std::uint64_t>(hole)) : end;
        const vmi::physical_range piece{region.base + (first - region.offset), at - first};
        const bool near =
            !out.empty() && value(piece.base) - (value(out.back().base) + out.back().size) <= small_hole;
        if (near) {
          out.back().size = value(piece.base) + piece.size - value(out.back().base);
        } else {
          out.push_back(piece);
        }
        populate(file.bytes().subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(at - first)));
      }
    }
    return out;
  }

  static void populate(bytes_view bytes) noexcept {
    constexpr int populate_read =
        22;  // MADV_POPULATE_READ, Linux 5.14; older kernels refuse it, and nothing is lost
    constexpr std::uintptr_t page = 4096;
    const std::size_t before = reinterpret_cast<std::uintptr_t>(bytes.data()) % page;
    (void)::madvise(const_cast<std::byte*>(bytes.data() - before), before + bytes.size(), populate_read);
  }

  /// @param layout  where RAM of so many bytes lies, when the file is no dump
  template <class Layout>
  [[nodiscard]] static result<introspected_memory> open_file(const std::filesystem::path& path,
                                                             const Layout& layout) {
    result<posix::mapping> file = posix::mapping::open(path);
    if (!file) return file.error();
    if (file->bytes().size() < 4) return errc::truncated;
    return guarded(std::move(*file),
                   [&layout](const vmi::bytes_source& source) { return contents_of(source, layout); });
  }

  /// @param find  what the file holds
  template <class Find>
  [[nodiscard]] static result<introspected_memory> guarded(posix::mapping file, const Find& find) {
    const vmi::bytes_source source{file.bytes()};
    result<posix::mapping_guard> guard = posix::mapping_guard::watch(file.bytes());
    if (!guard) return guard.error();
    result<contents> found = find(source);
    if (!found) return found.error();
    result<mapped> made = mapped::make(source, std::move(found->regions));
    if (!made) return made.error();
    return introspected_memory{std::move(file), std::move(*guard), std::move(*made), found->pieces_missing};
  }

  template <class Layout>
  [[nodiscard]] static result<contents> contents_of(const vmi::bytes_source& source, const Layout& layout) {
    const auto magic = load_le<std::uint32_t>(source.view().data());
    if (magic == 0x464c'457f) {
      result<vmi::elf_core> core = vmi::read_elf_core(source);
      if (!core) return core.error();
      return contents{std::move(core->regions), core->missing};
    }
    if (magic == vmi::lime_magic) {
      result<vmi::lime_dump> dump = vmi::read_lime(source);
      if (!dump) return dump.error();
      return contents{std::move(dump->regions), std::size_t{dump->cut}};
    }
    if (is_compressed_dump(source.view())) return errc::unsupported;
    constexpr std::uint64_t page = 4096;
    if (source.size() < page) return errc::truncated;
    return contents{layout(source.size())};
  }

  std::optional<posix::mapping> file_;
  std::optional<posix::mapping_guard> guard_;  // goes before the mapping; there with it
  std::variant<mapped, foreign> memory_;
  std::vector<vmi::physical_range> extents_;
  std::size_t pieces_missing_ = 0;
};
static_assert(vmi::can_window<introspected_memory>);

}  // namespace shoal::linux_os
