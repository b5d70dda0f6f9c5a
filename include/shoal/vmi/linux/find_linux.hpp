// SPDX-License-Identifier: BSL-1.0
//
// find_linux: where a Linux kernel is in the memory of its machine, and its symbols: on x86-64, 64-bit ARM and
// 32-bit ARM, whichever it is.
//
//     result<found_linux> found = find_linux(memory);
//     if (found) address_space space{memory, found->place.format, found->place.root};
//
// On x86-64 page tables are found by how Linux builds them (find_x86_linux.hpp). Elsewhere the symbols are
// found first, and then the tables that map them where they are.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/vmi/find_kallsyms.hpp>
#include <shoal/vmi/find_root.hpp>
#include <shoal/vmi/linux/code_names.hpp>
#include <shoal/vmi/linux/find_x86_linux.hpp>
#include <shoal/vmi/linux/kernel_profile.hpp>
#include <shoal/vmi/symbol_table.hpp>

namespace shoal::vmi {

struct found_linux {
  kernel_place place;
  symbol_table symbols;
};

namespace detail {

/// How many entries of a page of tables are not empty.
template <physical_memory M>
[[nodiscard]] std::size_t entries_in(const M& memory, physical_address table) {
  std::array<std::byte, page_bytes> page{};
  if (memory.read_physical(table, page) != status::ok) return 0;
  std::size_t used = 0;
  for (std::size_t at = 0; at < page.size(); at += 8) used += load_le<std::uint64_t>(page.data() + at) != 0;
  return used;
}

/// Of the roots that map the kernel's code, the kernel's own.
template <physical_memory M>
[[nodiscard]] physical_address kernel_root(const M& memory, std::span<const physical_address> roots,
                                           pointer_width width, physical_address text_at) {
  physical_address best = roots.front();
  if (width == pointer_width::four) {
    // Processes have the kernel's half as well. Linux keeps its own tables right before its code.
    constexpr std::uint64_t before = 4_MiB;
    for (const physical_address each : roots) {
      if (each < text_at && value(text_at) - value(each) <= before) best = each;
    }
    return best;
  }
  // Tables of the boot and of the way out to programs map the code and little else.
  std::size_t most = 0;
  for (const physical_address each : roots) {
    const std::size_t used = entries_in(memory, each);
    if (used > most) best = each;
    most = std::max(most, used);
  }
  return best;
}

inline constexpr std::array<paging, 9> aarch64_formats{
    paging::aarch64_4k_48,  paging::aarch64_4k_39,  paging::aarch64_4k_52,
    paging::aarch64_64k_48, paging::aarch64_64k_42, paging::aarch64_64k_52,
    paging::aarch64_16k_47, paging::aarch64_16k_48, paging::aarch64_16k_52};
inline constexpr std::array<paging, 2> arm_formats{paging::arm_short, paging::arm_long};

}  // namespace detail

/// The tables by which the symbols' addresses lead to where they were found, for a kernel of ARM.
template <physical_memory M>
[[nodiscard]] std::optional<kernel_place> find_arm_kernel(const M& memory, const found_kallsyms& found,
                                                          pointer_width width) {
  // the tables of symbols are constants, which lie behind the code
  const std::optional<kernel_range> text = find_range(found.tables.symbols, "_stext", "_etext");
  if (!text) return std::nullopt;
  const std::span<const paging> formats = width == pointer_width::eight
                                              ? std::span<const paging>{detail::aarch64_formats}
                                              : std::span<const paging>{detail::arm_formats};
  for (const paging format : formats) {
    const std::vector<physical_address> roots = with_format(
        format, [&]<class F>(F) { return find_roots<F>(memory, text->begin, found.tokens, text->size()); });
    if (roots.empty()) continue;
    const translation at = walk_pages(format, memory, roots.front(), text->begin);
    if (at.code != status::ok) continue;  // the guest changed it just now
    return kernel_place{format, detail::kernel_root(memory, roots, width, at.address), text->begin, at.address};
  }
  return std::nullopt;
}

/// The kernel of ARM in a memory, the first whose symbols and tables agree. Errors as of find_kallsyms.
template <physical_memory M>
[[nodiscard]] result<found_linux> find_arm_linux(const M& memory) {
  constexpr physical_range anywhere{physical_address{0}, ~std::uint64_t{0}};
  std::error_code why = errc::not_found;
  for (const pointer_width width : {pointer_width::eight, pointer_width::four}) {
    std::optional<kernel_place> place;
    result<found_kallsyms> found = find_kallsyms(memory, width, anywhere, [&](const found_kallsyms& each) {
      place = find_arm_kernel(memory, each, width);
      return place.has_value();
    });
    if (found) return found_linux{*place, std::move(found->tables.symbols)};
    if (found.error() != errc::not_found) why = found.error();
  }
  return why;
}

/// The kernel that runs. not_found where there is none, or none with symbols; limit_exceeded as find_kallsyms.
template <physical_memory M>
[[nodiscard]] result<found_linux> find_linux(const M& memory) {
  std::vector<kernel_profile> builds;
  if (const result<found_x86_linux> found = find_x86_linux(memory, builds)) {
    return found_linux{found->place, std::move(builds[found->build].symbols)};
  }
  return find_arm_linux(memory);
}

}  // namespace shoal::vmi
