// SPDX-License-Identifier: BSL-1.0
//
// How an hvt guest starts on aarch64: registers and page tables. Of the tender. Freestanding.
//
//     if (const status s = write_aarch64_tables(memory, size); s != status::ok) return s;
//     const aarch64_entry start = aarch64_entry_state(program.entry(), size);       // into KVM_SET_ONE_REG
//
// EL1 with the MMU on and everything masked, memory mapped one to one by blocks of 2 MiB, the first by pages of
// 4 KiB: nothing below 0x10000, read only below 0x100000. The gigabyte from 4 GiB on is device memory: a store
// there is a call.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <shoal/base/endian.hpp>
#include <shoal/base/status.hpp>
#include <shoal/hal/guest_memory.hpp>
#include <shoal/hypercall/abi.hpp>

namespace shoal::hypercall {

/// Guest-physical addresses of what write_aarch64_tables() writes, and of nothing else below 0x10000.
namespace aarch64_layout {
inline constexpr std::uint64_t level0 = 0x1000;
inline constexpr std::uint64_t level1 = 0x2000;
inline constexpr std::uint64_t level2 = 0x3000;  ///< four pages
inline constexpr std::uint64_t level3 = 0x7000;  ///< of the first 2 MiB
}  // namespace aarch64_layout

struct aarch64_entry {
  std::uint64_t pc = 0;
  std::uint64_t sp_el1 = 0;
  std::uint64_t x0 = layout::boot_info;
  std::uint64_t pstate = 0x3c5;        ///< EL1 with its own stack; D, A, I and F masked
  std::uint64_t cpacr_el1 = 3u << 20;  ///< floating point does not trap
  /// Indices 0 to 5: device nGnRnE, nGnRE, GRE, normal uncached, normal, normal write-through.
  std::uint64_t mair_el1 = 0xbbff'440c'0400;
  /// 40 bits of address, pages of 4 KiB, walks that are cached and shared, 16 bits of ASID, top byte ignored.
  std::uint64_t tcr_el1 = 0x32'b518'3518;
  std::uint64_t ttbr0_el1 = aarch64_layout::level0;
  std::uint64_t sctlr_el1 = 1u << 12 | 1u << 2 | 1u << 0;  ///< I, C, M; a host sets what it must beside
};

/// @pre is_memory_size(memory_size)
[[nodiscard]] constexpr aarch64_entry aarch64_entry_state(std::uint64_t entry,
                                                          std::uint64_t memory_size) noexcept {
  aarch64_entry state;
  state.pc = entry;
  state.sp_el1 = memory_size - 16;
  return state;
}

/// Writes page tables. invalid_argument for a size that no guest can have; out_of_range when the first 64 KiB
/// are not in the memory.
template <hal::guest_memory M>
status write_aarch64_tables(M& memory, std::uint64_t memory_size) noexcept {
  using namespace aarch64_layout;
  constexpr std::uint64_t block = 1;
  constexpr std::uint64_t table_or_page = 3;
  constexpr std::uint64_t normal = 4u << 2 | 3u << 8 | 1u << 10;  // attribute 4, inner shareable, accessed
  constexpr std::uint64_t device = 1u << 2 | 3u << 8 | 1u << 10;  // attribute 1
  constexpr std::uint64_t read_only = 1u << 7;
  constexpr std::uint64_t not_privileged = std::uint64_t{1} << 53;  // is not executed at EL1
  constexpr std::uint64_t not_user = std::uint64_t{1} << 54;        // nor at EL0
  constexpr std::uint64_t gigabyte = std::uint64_t{1} << 30;
  if (!is_memory_size(memory_size)) return status::invalid_argument;
  const bytes_span low = memory.window(hal::guest_address{0}, static_cast<std::size_t>(layout::boot_info));
  if (low.empty()) return status::out_of_range;
  std::fill(low.begin(), low.end(), std::byte{0});
  const auto put = [low](std::uint64_t table, std::uint64_t index, std::uint64_t entry) {
    store_le<std::uint64_t>(low.data() + table + 8 * index, entry);
  };

  put(level0, 0, level1 | table_or_page);
  for (std::uint64_t at = 0; at < memory_size; at += gigabyte) {
    put(level1, at / gigabyte, (level2 + at / gigabyte * layout::page) | table_or_page);
  }
  put(level1, mmio_base / gigabyte, mmio_base | block | device | not_privileged | not_user);
  put(level2, 0, level3 | table_or_page);
  for (std::uint64_t at = layout::boot_info; at < layout::granularity; at += layout::page) {
    const std::uint64_t rights = at < layout::program ? read_only | not_privileged : 0;
    put(level3, at / layout::page, at | table_or_page | normal | rights | not_user);
  }
  for (std::uint64_t at = layout::granularity; at < memory_size; at += layout::granularity) {
    put(level2, at / layout::granularity, at | block | normal | not_user);
  }
  return status::ok;
}

}  // namespace shoal::hypercall
