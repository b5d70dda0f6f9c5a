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
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
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

/// Models vmi::physical_memory. Reading from several threads is fine.
class introspected_memory {
 public:
  /// A dump, by its first bytes, or the RAM of a machine with this layout. What open(2) says, and
  /// read_elf_core, read_lime; errc::truncated for a file without a byte.
  [[nodiscard]] static result<introspected_memory> of_file(const std::filesystem::path& path,
                                                           ram_layout layout = ram_layout::flat) {
    result<posix::mapping> file = posix::mapping::open(path);
    if (!file) return file.error();
    const vmi::bytes_source source{file->bytes()};
    result<std::vector<vmi::ram_region>> regions = regions_of(source, layout);
    if (!regions) return regions.error();
    return make(std::move(*file), std::move(*regions));
  }

  /// A guest of QEMU's. As find_qemu_ram, and what open(2) says.
  [[nodiscard]] static result<introspected_memory> of_process(pid_t pid) {
    result<qemu_ram> ram = find_qemu_ram(pid);
    if (!ram) return ram.error();
    if (!ram->file.empty()) {
      result<posix::mapping> file = posix::mapping::open(ram->file);
      if (!file) return file.error();
      return make(std::move(*file), std::move(ram->regions));
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

 private:
  using mapped = vmi::image_memory<vmi::bytes_source>;
  using foreign = vmi::image_memory<process_memory>;

  introspected_memory(posix::mapping file, mapped memory)
      : file_(std::move(file)),
        memory_(std::move(memory)),
        extents_(written(*file_, std::get<mapped>(memory_))) {}
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

  [[nodiscard]] static result<introspected_memory> make(posix::mapping file,
                                                        std::vector<vmi::ram_region> regions) {
    result<mapped> made = mapped::make(vmi::bytes_source{file.bytes()}, std::move(regions));
    if (!made) return made.error();
    return introspected_memory{std::move(file), std::move(*made)};
  }

  [[nodiscard]] static result<std::vector<vmi::ram_region>> regions_of(const vmi::bytes_source& source,
                                                                       ram_layout layout) {
    if (source.size() < 4) return errc::truncated;
    const auto magic = load_le<std::uint32_t>(source.view().data());
    if (magic == 0x464c'457f) {
      result<vmi::elf_core> core = vmi::read_elf_core(source);
      if (!core) return core.error();
      return std::move(core->regions);
    }
    if (magic == vmi::lime_magic) {
      result<vmi::lime_dump> dump = vmi::read_lime(source);
      if (!dump) return dump.error();
      return std::move(dump->regions);
    }
    return ram_regions(layout, source.size());
  }

  std::optional<posix::mapping> file_;
  std::variant<mapped, foreign> memory_;
  std::vector<vmi::physical_range> extents_;
};
static_assert(vmi::can_window<introspected_memory>);

}  // namespace shoal::linux_os
