// SPDX-License-Identifier: BSL-1.0
//
// paging: which format of page tables a guest uses, when only running shows it. Freestanding.
//
//     const translation at = walk_pages(paging::x86_64_5, memory, root, address);
//     const auto width = with_format(found.format, []<class F>(F) { return F::width; });
#pragma once

#include <cstdint>

#include <shoal/vmi/aarch64_paging.hpp>
#include <shoal/vmi/arm_paging.hpp>
#include <shoal/vmi/page_walk.hpp>
#include <shoal/vmi/riscv_paging.hpp>
#include <shoal/vmi/x86_paging.hpp>

namespace shoal::vmi {

/// AArch64 by page and bits of a virtual address.
enum class paging : std::uint8_t {
  x86_64_4,
  x86_64_5,
  arm_short,
  arm_long,
  aarch64_4k_39,
  aarch64_4k_48,
  aarch64_4k_52,
  aarch64_16k_47,
  aarch64_16k_48,
  aarch64_16k_52,
  aarch64_64k_42,
  aarch64_64k_48,
  aarch64_64k_52,
  riscv_sv39,
  riscv_sv48,
  riscv_sv57,
};

[[nodiscard]] constexpr bool is_x86(paging format) noexcept {
  return format == paging::x86_64_4 || format == paging::x86_64_5;
}

/// Calls `f` with an object of the format's type and returns what it does.
template <class F>
constexpr auto with_format(paging format, F&& f) {
  switch (format) {
    case paging::x86_64_4: break;
    case paging::x86_64_5: return f(x86_64_paging<5>{});
    case paging::arm_short: return f(arm_short_paging{});
    case paging::arm_long: return f(arm_long_paging{});
    case paging::aarch64_4k_39: return f(aarch64_paging<12, 39>{});
    case paging::aarch64_4k_48: return f(aarch64_paging<12, 48>{});
    case paging::aarch64_4k_52: return f(aarch64_paging<12, 52>{});
    case paging::aarch64_16k_47: return f(aarch64_paging<14, 47>{});
    case paging::aarch64_16k_48: return f(aarch64_paging<14, 48>{});
    case paging::aarch64_16k_52: return f(aarch64_paging<14, 52>{});
    case paging::aarch64_64k_42: return f(aarch64_paging<16, 42>{});
    case paging::aarch64_64k_48: return f(aarch64_paging<16, 48>{});
    case paging::aarch64_64k_52: return f(aarch64_paging<16, 52>{});
    case paging::riscv_sv39: return f(riscv_paging<3>{});
    case paging::riscv_sv48: return f(riscv_paging<4>{});
    case paging::riscv_sv57: return f(riscv_paging<5>{});
  }
  return f(x86_64_paging<4>{});
}

/// As walk_pages<F>, by a format that is known at run time.
template <physical_memory M>
[[nodiscard]] translation walk_pages(paging format, const M& memory, physical_address root,
                                     virtual_address address) noexcept {
  return with_format(format, [&]<class F>(F) noexcept { return walk_pages<F>(memory, root, address); });
}

}  // namespace shoal::vmi
