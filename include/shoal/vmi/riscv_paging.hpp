// SPDX-License-Identifier: BSL-1.0
//
// riscv_paging: the page tables of 64-bit RISC-V, Sv39, Sv48 and Sv57 by their number of levels, as
// vmi/page_walk.hpp takes them (RISC-V privileged architecture, 12.3 to 12.6, with Svnapot). Freestanding.
//
//     using sv39 = riscv_paging<3>;
//     walk_pages<sv39>(memory, sv39::root_of(satp), address);
//
// Leaves out Sv32.
#pragma once

#include <cstddef>
#include <cstdint>

#include <shoal/vmi/page_walk.hpp>

namespace shoal::vmi {

template <std::size_t Levels>
  requires(Levels >= 3 && Levels <= 5)
struct riscv_paging {
  using entry_type = std::uint64_t;
  static constexpr pointer_width width = pointer_width::eight;
  static constexpr auto levels = detail::even_levels<Levels>(12 + 9 * Levels, 12, 9);

  [[nodiscard]] static constexpr page_entry decode(std::size_t level, entry_type entry) noexcept {
    constexpr entry_type valid = 1;
    constexpr entry_type readable = 2;
    constexpr entry_type writable = 4;
    constexpr entry_type executable = 8;
    constexpr entry_type contiguous = entry_type{1} << 63;  // Svnapot
    if ((entry & valid) == 0) return {};
    if ((entry & (readable | writable)) == writable) return {};  // reserved
    const std::uint64_t address = detail::bit_field(entry, 53, 10) << 2;
    const bool last = level == Levels - 1;
    if ((entry & (readable | executable)) == 0) {
      if (last) return {};
      return {entry_kind::table, 0, address};
    }
    if ((entry & contiguous) != 0) {
      // sixteen pages as one: the number's low four bits say so
      if (!last || (address >> 12 & 15) != 8) return {};
      return {entry_kind::page, 16, detail::page_base(address, 16)};
    }
    const std::uint8_t shift = levels[level].shift;
    if (detail::page_base(address, shift) != address) return {};  // misaligned superpage
    return {entry_kind::page, shift, address};
  }
  [[nodiscard]] static constexpr bool canonical(std::uint64_t address) noexcept {
    return detail::sign_extended(address, 12 + 9 * Levels);
  }
  /// @param satp  with mode and ASID
  [[nodiscard]] static constexpr physical_address root_of(std::uint64_t satp) noexcept {
    return physical_address{detail::bit_field(satp, 43, 0) << 12};
  }
};
static_assert(paging_format<riscv_paging<3>> && paging_format<riscv_paging<5>>);

}  // namespace shoal::vmi
