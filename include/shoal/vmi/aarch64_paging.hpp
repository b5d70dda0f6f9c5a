// SPDX-License-Identifier: BSL-1.0
//
// aarch64_paging: the page tables of 64-bit ARM as vmi/page_walk.hpp takes them, for each size of page, width
// of virtual addresses, and with addresses of 52 bits (ARM DDI 0487, D8.2 and D8.3). Freestanding.
//
//     using kernel = aarch64_paging<12, 48>;                  // 4 KiB pages
//     walk_pages<kernel>(memory, kernel::root_of(ttbr1), address);
//
// Each half of the addresses has tables of its own, TTBR0's and TTBR1's: the caller takes the right root.
// Leaves out tagged addresses, 128-bit tables and stage 2.
#pragma once

#include <cstddef>
#include <cstdint>

#include <shoal/vmi/page_walk.hpp>

namespace shoal::vmi {

/// @tparam Page   log2 of the page: 12, 14 or 16
/// @tparam Width  bits of a virtual address: 64 - T1SZ
/// @tparam Large  physical addresses of 52 bits: FEAT_LPA for 64 KiB pages, FEAT_LPA2 (TCR.DS) for the others
template <unsigned Page, unsigned Width, bool Large = (Width > 48)>
  requires((Page == 12 || Page == 14 || Page == 16) && Width > Page + 3 && Width <= 52)
struct aarch64_paging {
  using entry_type = std::uint64_t;
  static constexpr pointer_width width = pointer_width::eight;
  static constexpr auto levels =
      detail::even_levels<(Width - Page + Page - 4) / (Page - 3)>(Width, Page, Page - 3);

  [[nodiscard]] static constexpr page_entry decode(std::size_t level, entry_type entry) noexcept {
    if ((entry & 1) == 0) return {};
    const std::uint8_t shift = levels[level].shift;
    const std::uint64_t address = address_of(entry);
    const bool last = level == levels.size() - 1;
    if ((entry & 2) != 0 && !last) return {entry_kind::table, 0, address};
    if (last ? (entry & 2) == 0 : shift > largest_block) return {};
    return {entry_kind::page, shift, detail::page_base(address, shift)};
  }
  [[nodiscard]] static constexpr bool canonical(std::uint64_t address) noexcept {
    // the halves are apart from bit Width on: bit Width - 1 is part of the index
    const std::uint64_t upper = address >> Width;
    return upper == 0 || upper == ~std::uint64_t{0} >> Width;
  }
  /// @param ttbr  with the ASID
  [[nodiscard]] static constexpr physical_address root_of(std::uint64_t ttbr) noexcept {
    if constexpr (Large) return physical_address{detail::bit_field(ttbr, 47, 6) | (ttbr >> 2 & 15) << 48};
    return physical_address{detail::bit_field(ttbr, 47, 4)};
  }

 private:
  static constexpr unsigned largest_block = Page == 12   ? (Large ? 39 : 30)
                                            : Page == 14 ? (Large ? 36 : 25)
                                                         : (Large ? 42 : 29);

  [[nodiscard]] static constexpr std::uint64_t address_of(entry_type entry) noexcept {
    if constexpr (!Large) return detail::bit_field(entry, 47, Page);
    if constexpr (Page == 16) return detail::bit_field(entry, 47, 16) | (entry >> 12 & 15) << 48;
    return detail::bit_field(entry, 49, Page) | (entry >> 8 & 3) << 50;
  }
};
static_assert(paging_format<aarch64_paging<12, 48>> && paging_format<aarch64_paging<16, 52>>);
static_assert(aarch64_paging<12, 48>::levels.size() == 4 && aarch64_paging<12, 52>::levels.size() == 5 &&
              aarch64_paging<12, 39>::levels.size() == 3);
static_assert(aarch64_paging<14, 48>::levels.size() == 4 && aarch64_paging<14, 47>::levels.size() == 3 &&
              aarch64_paging<14, 52>::levels.size() == 4);
static_assert(aarch64_paging<16, 42>::levels.size() == 2 && aarch64_paging<16, 48>::levels.size() == 3 &&
              aarch64_paging<16, 52>::levels.size() == 3);

}  // namespace shoal::vmi
