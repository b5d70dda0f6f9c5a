// SPDX-License-Identifier: BSL-1.0
//
// The page tables of 32-bit ARM as vmi/page_walk.hpp takes them: arm_short_paging, of ARMv7 processors without
// more than 4 GiB in mind, and arm_long_paging ("LPAE"). ARM DDI 0406C, B3.5 and B3.6. Freestanding.
//
//     walk_pages<arm_short_paging>(memory, arm_short_paging::root_of(ttbr0), address);
//
// Tables are those of TTBR0 with TTBCR's N or T0SZ zero, as Linux has them; with a split, the kernel's register
// points into the middle: take the root from the kernel (swapper_pg_dir) instead. Leaves out big-endian tables.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <shoal/vmi/page_walk.hpp>

namespace shoal::vmi {

struct arm_short_paging {
  using entry_type = std::uint32_t;
  static constexpr pointer_width width = pointer_width::four;
  static constexpr std::array<paging_level, 2> levels{paging_level{20, 12}, paging_level{12, 8}};

  [[nodiscard]] static constexpr page_entry decode(std::size_t level, entry_type entry) noexcept {
    const entry_type type = entry & 3;
    if (level == 0) {
      if (type == 0) return {};
      if (type == 1) return {entry_kind::table, 0, entry & 0xffff'fc00};
      constexpr entry_type supersection = 1u << 18;
      if ((entry & supersection) == 0) return {entry_kind::page, 20, entry & 0xfff0'0000};
      // the address above 4 GiB: bits 23:20 are 35:32, bits 8:5 are 39:36
      const std::uint64_t above = std::uint64_t{(entry >> 20) & 15} << 32 | std::uint64_t{(entry >> 5) & 15}
                                                                                << 36;
      return {entry_kind::page, 24, above | (entry & 0xff00'0000)};
    }
    if (type == 0) return {};
    if (type == 1) return {entry_kind::page, 16, entry & 0xffff'0000};
    return {entry_kind::page, 12, entry & 0xffff'f000};
  }
  [[nodiscard]] static constexpr bool canonical(std::uint64_t address) noexcept { return address >> 32 == 0; }
  /// @param ttbr  with attributes
  [[nodiscard]] static constexpr physical_address root_of(std::uint64_t ttbr) noexcept {
    return physical_address{detail::bit_field(ttbr, 31, 14)};
  }
};
static_assert(paging_format<arm_short_paging>);

struct arm_long_paging {
  using entry_type = std::uint64_t;
  static constexpr pointer_width width = pointer_width::four;
  static constexpr auto levels = detail::even_levels<3>(32, 12, 9);

  [[nodiscard]] static constexpr page_entry decode(std::size_t level, entry_type entry) noexcept {
    const std::uint8_t shift = levels[level].shift;
    const std::uint64_t address = detail::bit_field(entry, 39, 12);
    const bool last = level == levels.size() - 1;
    if ((entry & 1) == 0) return {};
    if ((entry & 2) != 0 && !last) return {entry_kind::table, 0, address};
    if ((entry & 2) == 0 && last) return {};
    return {entry_kind::page, shift, detail::page_base(address, shift)};
  }
  [[nodiscard]] static constexpr bool canonical(std::uint64_t address) noexcept { return address >> 32 == 0; }
  /// @param ttbr  with the ASID. The table has four entries and is aligned to 32 bytes.
  [[nodiscard]] static constexpr physical_address root_of(std::uint64_t ttbr) noexcept {
    return physical_address{detail::bit_field(ttbr, 39, 5)};
  }
};
static_assert(paging_format<arm_long_paging>);

}  // namespace shoal::vmi
