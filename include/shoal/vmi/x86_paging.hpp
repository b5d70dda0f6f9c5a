// SPDX-License-Identifier: BSL-1.0
//
// x86_64_paging: the page tables of 64-bit x86 with 4 levels, and with 5 ("LA57"), as vmi/page_walk.hpp takes
// them (Intel SDM volume 3, 4.5; AMD APM volume 2, 5.3). Freestanding.
//
//     walk_pages<x86_64_paging<5>>(memory, x86_64_paging<5>::root_of(cr3), address);
//
// Leaves out 32-bit and PAE paging.
#pragma once

#include <cstddef>
#include <cstdint>

#include <shoal/vmi/page_walk.hpp>

namespace shoal::vmi {

template <std::size_t Levels>
  requires(Levels == 4 || Levels == 5)
struct x86_64_paging {
  using entry_type = std::uint64_t;
  static constexpr pointer_width width = pointer_width::eight;
  static constexpr auto levels = detail::even_levels<Levels>(12 + 9 * Levels, 12, 9);

  [[nodiscard, gnu::always_inline]] static constexpr page_entry decode(std::size_t level,
                                                                       entry_type entry) noexcept {
    constexpr entry_type present = 1;
    constexpr entry_type page_size = 0x80;
    const std::uint8_t shift = levels[level].shift;
    const std::uint64_t address = detail::bit_field(entry, 51, 12);
    const bool last = level == Levels - 1;
    if (!last && (entry & (present | page_size)) == present) return {entry_kind::table, 0, address};
    if ((entry & present) == 0) return {};
    if (shift > 30) return {};  // no page is larger than 1 GiB: the bit is reserved
    return {entry_kind::page, shift, detail::page_base(address, shift)};
  }
  [[nodiscard]] static constexpr bool canonical(std::uint64_t address) noexcept {
    return detail::sign_extended(address, 12 + 9 * Levels);
  }
  /// @param cr3  with PCID and flags
  [[nodiscard]] static constexpr physical_address root_of(std::uint64_t cr3) noexcept {
    return physical_address{detail::bit_field(cr3, 51, 12)};
  }
};
static_assert(paging_format<x86_64_paging<4>> && paging_format<x86_64_paging<5>>);

}  // namespace shoal::vmi
