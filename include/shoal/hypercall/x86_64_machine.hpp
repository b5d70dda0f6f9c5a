// SPDX-License-Identifier: BSL-1.0
//
// How an hvt guest starts on x86-64: registers, descriptors and page tables. Of the tender. Freestanding.
//
//     if (const status s = write_x86_64_tables(memory, size); s != status::ok) return s;
//     const x86_64_entry start = x86_64_entry_state(program.entry(), size);     // into KVM_SET_SREGS,
//     KVM_SET_REGS
//
// 64-bit mode, ring 0, memory mapped one to one by pages of 2 MiB, the first of 4 KiB: nothing below 0x10000,
// read only below 0x100000. No interrupts, no NX: the guest brings its own descriptors if it wants any.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <shoal/base/endian.hpp>
#include <shoal/base/status.hpp>
#include <shoal/hal/guest_memory.hpp>
#include <shoal/hypercall/abi.hpp>
#include <shoal/hypercall/vendor_abi.hpp>

namespace shoal::hypercall {

/// Guest-physical addresses of what write_x86_64_tables() writes. Other pages stay as they are: in memory that
/// is fresh they cost nothing.
namespace x86_64_layout {
inline constexpr std::uint64_t descriptors = 0x1000;
inline constexpr std::uint64_t level4 = 0x2000;
inline constexpr std::uint64_t level3 = 0x3000;
inline constexpr std::uint64_t level2 = 0x4000;   ///< four pages
inline constexpr std::uint64_t level1 = 0x8000;   ///< of the first 2 MiB
inline constexpr std::uint64_t devices = 0x9000;  ///< level 2 of the gigabyte from 4 GiB on, if there are any
}  // namespace x86_64_layout

/// A segment register with what it caches, in the terms of a virtual machine monitor.
struct x86_64_segment {
  std::uint64_t base = 0;
  std::uint32_t limit = 0;  ///< bytes, less one
  std::uint16_t selector = 0;
  std::uint8_t type = 0;
  bool present = false;
  bool code_or_data = false;  ///< else one of the system's
  bool wide = false;          ///< 64-bit code
  bool big = false;           ///< 32-bit operands
  bool granular = false;      ///< the limit counts pages
  bool unusable = false;
};

struct x86_64_entry {
  std::uint64_t rip = 0;
  std::uint64_t rsp = 0;
  std::uint64_t rdi = layout::boot_info;
  std::uint64_t rflags = 2;
  std::uint64_t cr0 = 0x8001'0021;  ///< PG, WP, NE, PE
  std::uint64_t cr3 = x86_64_layout::level4;
  std::uint64_t cr4 = 0x620;   ///< OSXMMEXCPT, OSFXSR, PAE
  std::uint64_t efer = 0x500;  ///< LMA, LME
  std::uint64_t gdt_base = x86_64_layout::descriptors;
  std::uint16_t gdt_limit = 23;
  x86_64_segment code{.limit = 0xffff'ffff,
                      .selector = 8,
                      .type = 9,
                      .present = true,
                      .code_or_data = true,
                      .wide = true,
                      .granular = true};
  /// Of DS, ES, FS, GS and SS.
  x86_64_segment data{.limit = 0xffff'ffff,
                      .selector = 16,
                      .type = 3,
                      .present = true,
                      .code_or_data = true,
                      .big = true,
                      .granular = true};
  x86_64_segment task{.type = 11, .present = true};
  x86_64_segment local{.unusable = true};
};

/// @pre is_memory_size(memory_size)
[[nodiscard]] constexpr x86_64_entry x86_64_entry_state(std::uint64_t entry,
                                                        std::uint64_t memory_size) noexcept {
  x86_64_entry state;
  state.rip = entry;
  state.rsp = memory_size - 8;  // as after a call
  return state;
}

/// The eight bytes of a descriptor table that stand for a segment.
[[nodiscard]] constexpr std::uint64_t descriptor_of(const x86_64_segment& s) noexcept {
  const std::uint64_t limit = s.granular ? s.limit >> 12 : s.limit;
  const auto flag = [](bool set, unsigned bit) { return static_cast<std::uint64_t>(set) << bit; };
  return (limit & 0xffff) | (s.base & 0xff'ffff) << 16 | static_cast<std::uint64_t>(s.type) << 40 |
         flag(s.code_or_data, 44) | flag(s.present, 47) | (limit >> 16 & 0xf) << 48 | flag(s.wide, 53) |
         flag(s.big, 54) | flag(s.granular, 55) | (s.base >> 24 & 0xff) << 56;
}

/// Writes descriptors and page tables. invalid_argument for a size that no guest can have; out_of_range when
/// the first 64 KiB are not in the memory.
/// @param registers  map register_layout, too: a guest of Solo5's has nothing above its memory
template <hal::guest_memory M>
status write_x86_64_tables(M& memory, std::uint64_t memory_size, bool registers = false) noexcept {
  using namespace x86_64_layout;
  constexpr std::uint64_t present = 1;
  constexpr std::uint64_t may_write = 2;
  constexpr std::uint64_t uncached = 0x18;  // PCD, PWT
  constexpr std::uint64_t large = 0x80;
  if (!is_memory_size(memory_size)) return status::invalid_argument;
  const bytes_span low = memory.window(hal::guest_address{0}, static_cast<std::size_t>(layout::boot_info));
  if (low.empty()) return status::out_of_range;
  constexpr std::uint64_t gigabyte = std::uint64_t{1} << 30;
  const std::uint64_t gigabytes = (memory_size + gigabyte - 1) / gigabyte;
  const auto clear = [low](std::uint64_t at, std::uint64_t pages) {
    const bytes_span all =
        low.subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(pages * layout::page));
    std::fill(all.begin(), all.end(), std::byte{0});
  };
  const auto put = [low](std::uint64_t table, std::uint64_t index, std::uint64_t entry) {
    store_le<std::uint64_t>(low.data() + table + 8 * index, entry);
  };

  static_assert(level4 == descriptors + layout::page && level3 == level4 + layout::page &&
                level2 == level3 + layout::page);
  clear(descriptors, 3 + gigabytes);
  clear(level1, 1);
  const x86_64_entry state;
  put(descriptors, 1, descriptor_of(state.code));
  put(descriptors, 2, descriptor_of(state.data));
  put(level4, 0, level3 | present | may_write);
  for (std::uint64_t i = 0; i < gigabytes; ++i)
    put(level3, i, (level2 + i * layout::page) | present | may_write);
  put(level2, 0, level1 | present | may_write);
  for (std::uint64_t at = layout::boot_info; at < layout::granularity; at += layout::page) {
    put(level1, at / layout::page, at | present | (at < layout::program ? 0 : may_write));
  }
  for (std::uint64_t at = layout::granularity; at < memory_size; at += layout::granularity) {
    put(level2, at / layout::granularity, at | present | may_write | large);
  }
  if (registers) {
    clear(devices, 1);
    constexpr std::uint64_t first = register_layout::first;
    static_assert(register_layout::end - first == layout::granularity && first % layout::granularity == 0);
    put(level3, first / gigabyte, devices | present | may_write);
    put(devices, first % gigabyte / layout::granularity, first | present | may_write | uncached | large);
  }
  return status::ok;
}

}  // namespace shoal::hypercall
