// SPDX-License-Identifier: BSL-1.0
//
// The root of a kernel's page tables found in the memory of its machine: by how Linux on x86-64 builds them,
// or, for any format, by what they say of an address whose place is known.
//
//     for (const kernel_place& each : find_x86_kernels(memory)) address_space space{memory, each.format,
//     each.root}; const auto roots = find_roots<aarch64_paging<12, 48>>(memory, stext, kallsyms.tokens);
//
// No register of a processor is asked: it may hold a process's tables, without the kernel's text in them. Each
// page of memory is looked at once, each candidate for as long as a walk takes.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/vmi/address.hpp>
#include <shoal/vmi/page_walk.hpp>
#include <shoal/vmi/paging.hpp>
#include <shoal/vmi/physical_memory.hpp>

namespace shoal::vmi {

/// No more roots are given: a machine has one for each process.
inline constexpr std::size_t max_roots = 256;
/// After how many tables that look like a root on x86-64 the search is over.
inline constexpr std::size_t max_root_candidates = 8192;

/// No more kernels are told apart in one memory.
inline constexpr std::size_t max_kernel_places = 64;

/// Where a kernel is.
struct kernel_place {
  paging format = paging::x86_64_4;
  physical_address root{};
  virtual_address text{};      ///< the beginning of its code, moved by KASLR
  physical_address text_at{};  ///< where that is in memory
};

namespace detail {

inline constexpr std::uint64_t page_bytes = 4096;
/// From a kernel's first byte of code to its last of data.
inline constexpr std::uint64_t largest_image = 128_MiB;
/// log2 of the largest page in which Linux maps its code. A table of a lower level, taken for a root, has
/// larger ones.
inline constexpr std::uint8_t largest_code_page = 25;

/// Calls `f` with each page of memory until it returns false.
template <physical_memory M, class F>
void each_page(const M& memory, F&& f) {
  for (const physical_range& ram : memory.extents()) {
    const std::uint64_t skip = (0 - value(ram.base)) & (page_bytes - 1);
    for (std::uint64_t at = skip; at < ram.size && ram.size - at >= page_bytes; at += page_bytes) {
      if (!f(ram.base + at)) return;
    }
  }
}

/// The table of 1 GiB steps for the last 512 GiB: the kernel's text and its fixed mappings, and nothing before
/// them.
template <physical_memory M>
[[nodiscard]] bool is_kernel_pud(const M& memory, physical_address table) {
  std::array<std::byte, page_bytes> page{};
  if (memory.read_physical(table, page) != status::ok) return false;
  constexpr std::size_t text = std::size_t{510} * 8;
  const auto present = [&](std::size_t at) { return (load_le<std::uint64_t>(page.data() + at) & 0x81) == 1; };
  return present(text) && present(text + 8) &&
         std::ranges::all_of(bytes_view{page}.first(text), [](std::byte b) { return b == std::byte{0}; });
}

/// The table that the last entry of a table names, when it is one that Linux would write.
template <physical_memory M>
[[nodiscard]] std::optional<physical_address> last_table(const M& memory, physical_address table) {
  const status_or<std::uint64_t> entry = read_number<std::uint64_t>(memory, table + std::uint64_t{511} * 8);
  if (!entry || (*entry & 0xfff0'0000'0000'0081) != 1) return std::nullopt;
  const physical_address next{bit_field(*entry, 51, 12)};
  if (next == table) return std::nullopt;
  return next;
}

/// Whether a root maps nothing for programs.
template <physical_memory M>
[[nodiscard]] bool maps_no_program(const M& memory, physical_address root) {
  std::array<std::byte, page_bytes / 2> half{};
  return memory.read_physical(root, half) == status::ok &&
         std::ranges::all_of(half, [](std::byte b) { return b == std::byte{0}; });
}

}  // namespace detail

/// Where the kernel's text begins: the first that is mapped of the 2 MiB steps that KASLR chooses from.
template <physical_memory M>
[[nodiscard]] std::optional<kernel_place> find_x86_text(const M& memory, paging format, physical_address root) {
  constexpr std::uint64_t first = 0xffff'ffff'8000'0000;
  constexpr std::uint64_t step = std::uint64_t{2} << 20;
  for (std::uint64_t i = 0; i < 512; ++i) {
    const virtual_address text{first + i * step};
    const translation at = walk_pages(format, memory, root, text);
    if (at.code == status::ok) return kernel_place{format, root, text, at.address};
  }
  return std::nullopt;
}

/// The tables and the text of the Linux kernels on x86-64 that are in memory, with four levels or five: the one
/// that runs, and others that ran before the machine was booted again, or whose remains fit. Of each place one
/// root, the likeliest places first: a root of five levels comes before one of four, which its second level
/// looks like; then one in the image of its kernel; then one without a program; then by the order of memory.
template <physical_memory M>
[[nodiscard]] std::vector<kernel_place> find_x86_kernels(const M& memory) {
  struct ranked {
    kernel_place place;
    int rank = 0;
  };
  std::vector<ranked> all;
  const auto add = [&](const kernel_place& place, int rank) {
    const auto same = std::ranges::find_if(all, [&](const ranked& each) {
      return each.place.text == place.text && each.place.text_at == place.text_at;
    });
    if (same != all.end()) {
      if (rank > same->rank) *same = {place, rank};
      return;
    }
    // of too many the likeliest stay
    const auto least = std::ranges::min_element(all, {}, &ranked::rank);
    if (all.size() < max_kernel_places) {
      all.push_back({place, rank});
    } else if (rank > least->rank) {
      *least = {place, rank};
    }
  };
  std::size_t candidates = 0;
  detail::each_page(memory, [&](physical_address root) {
    const std::optional<physical_address> below = detail::last_table(memory, root);
    if (!below) return true;
    paging format = paging::x86_64_4;
    if (!detail::is_kernel_pud(memory, *below)) {
      const std::optional<physical_address> pud = detail::last_table(memory, *below);
      if (!pud || !detail::is_kernel_pud(memory, *pud)) return true;
      format = paging::x86_64_5;
    }
    if (++candidates > max_root_candidates) return false;
    const std::optional<kernel_place> place = find_x86_text(memory, format, root);
    if (!place) return true;
    const std::uint64_t into = value(root) - value(place->text_at);
    add(*place, (format == paging::x86_64_5 ? 4 : 0) + (into < detail::largest_image ? 2 : 0) +
                    (detail::maps_no_program(memory, root) ? 1 : 0));
    return true;
  });
  std::vector<kernel_place> places;
  for (int rank = 7; rank >= 0; --rank) {
    for (const ranked& each : all) {
      if (each.rank == rank) places.push_back(each.place);
    }
  }
  return places;
}

/// The roots by which `text`, an address of the kernel's code, and `place`, a place in memory behind it in the
/// same image, are as far apart as in memory. In the order of memory; roots that begin at no page are not
/// found.
///
/// @param text      as kallsyms has it (_stext)
/// @param at_least  how far apart they are at least: what lies in one large page fits by chance
template <paging_format F, physical_memory M>
[[nodiscard]] std::vector<physical_address> find_roots(const M& memory, virtual_address text,
                                                       physical_address place, std::uint64_t at_least = 1) {
  std::vector<physical_address> roots;
  detail::each_page(memory, [&](physical_address root) {
    const translation code = walk_pages<F>(memory, root, text);
    if (code.code != status::ok || code.shift > detail::largest_code_page) return true;
    const std::uint64_t apart = value(place) - value(code.address);
    if (apart < at_least || apart > detail::largest_image) return true;
    const translation data = walk_pages<F>(memory, root, text + apart);
    if (data.code == status::ok && data.address == place) roots.push_back(root);
    return roots.size() < max_roots;
  });
  return roots;
}

}  // namespace shoal::vmi
