// SPDX-License-Identifier: BSL-1.0
//
// page_digests: what a Linux kernel's code and constants are, page by page, to find out later what was changed
// in them.
//
//     const jump_sites sites = read_jump_sites(kernel, symbols);
//     const auto before = digest_pages(kernel, text, sites, digester);
//     ...
//     const auto now = digest_pages(kernel, text, sites, digester);
//     for (const virtual_address page : changed_pages(*before, *now)) alert(names.describe(page));
//
// Linux writes into its own code: it turns branches on and off at places that a table of its lists (static
// keys). There each of the two forms that the table allows counts as the same. Whatever else writes code is
// told: tracers, probes and live patches are no attack, but who watches a machine should know of them. Digests
// are of one boot of a machine: another one moves the kernel, and writes other addresses into it.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/base/result.hpp>
#include <shoal/crypto/hasher.hpp>
#include <shoal/vmi/address_space.hpp>
#include <shoal/vmi/linux/code_names.hpp>
#include <shoal/vmi/symbol_table.hpp>

namespace shoal::vmi {

/// No more code and no more jumps are read: a kernel has 20 MiB and 10,000.
inline constexpr std::uint64_t max_code_size = 256_MiB;
inline constexpr std::size_t max_jump_sites = 1'000'000;

/// Whose instructions a branch is made of.
enum class jump_code : std::uint8_t { x86_64, arm_64, arm_32 };

/// A branch that Linux turns on and off (struct jump_entry).
struct jump_site {
  virtual_address address{};
  virtual_address target{};
  jump_code code = jump_code::x86_64;
};
/// By address.
using jump_sites = std::vector<jump_site>;

/// The kernel's table of them. Empty when it has none, or they cannot be read: then each turn is told as a
/// change.
template <virtual_memory Space>
[[nodiscard]] jump_sites read_jump_sites(Space& space, const symbol_table& symbols,
                                         jump_code code = jump_code::x86_64) {
  // code and target, relative to where they stand, and a key; on 32-bit ARM three addresses
  const std::size_t entry_size = code == jump_code::arm_32 ? 12 : 16;
  jump_sites sites;
  const std::optional<kernel_range> table = find_range(symbols, "__start___jump_table", "__stop___jump_table");
  if (!table || table->size() / entry_size > max_jump_sites) return sites;
  std::vector<std::byte> bytes(static_cast<std::size_t>(table->size()));
  if (space.read(table->begin, bytes) != status::ok) return sites;
  const auto place = [&](std::size_t at) {
    const auto number = load_le<std::uint32_t>(bytes.data() + at);
    if (code == jump_code::arm_32) return virtual_address{number};
    return table->begin + at + static_cast<std::uint64_t>(std::int64_t{static_cast<std::int32_t>(number)});
  };
  for (std::size_t at = 0; bytes.size() - at >= entry_size; at += entry_size) {
    sites.push_back({place(at), place(at + 4), code});
  }
  std::ranges::sort(sites, {}, &jump_site::address);
  return sites;
}

/// How many bytes are one of the forms that a site may have, a nop or its branch; 0 when they are something
/// else.
/// @param distance  from the site to its target
[[nodiscard]] inline std::size_t jump_form(bytes_view bytes, jump_code code, std::uint64_t distance) noexcept {
  constexpr std::array<std::byte, 2> short_nop{std::byte{0x66}, std::byte{0x90}};
  constexpr std::array<std::byte, 5> long_nop{std::byte{0x0f}, std::byte{0x1f}, std::byte{0x44}};
  if (code != jump_code::x86_64) {
    if (bytes.size() < 4) return 0;
    const auto found = load_le<std::uint32_t>(bytes.data());
    const std::uint64_t words = (code == jump_code::arm_64 ? distance : distance - 8) / 4;
    const bool is_form =
        code == jump_code::arm_64
            ? found == 0xd503'201f || found == (0x1400'0000 | (words & 0x3ff'ffff))
            : found == 0xe320'f000 || found == 0xe1a0'0000 || found == (0xea00'0000 | (words & 0xff'ffff));
    return is_form ? 4 : 0;
  }
  if (bytes.size() >= 2 && (std::ranges::equal(bytes.first(2), short_nop) ||
                            (bytes[0] == std::byte{0xeb} && distance - 2 + 0x80 < 0x100 &&
                             bytes[1] == static_cast<std::byte>(distance - 2)))) {
    return 2;
  }
  if (bytes.size() >= 5 && (std::ranges::equal(bytes.first(5), long_nop) ||
                            (bytes[0] == std::byte{0xe9} && load_le<std::uint32_t>(bytes.data() + 1) ==
                                                                static_cast<std::uint32_t>(distance - 5)))) {
    return 5;
  }
  return 0;
}

/// Puts zeros where code is one of the forms that a site may have. @param begin  the address of the first byte
inline void blank_jumps(bytes_span code, virtual_address begin, const jump_sites& sites) noexcept {
  for (auto site = std::ranges::lower_bound(sites, begin, {}, &jump_site::address); site != sites.end();
       ++site) {
    const std::uint64_t at = value(site->address) - value(begin);
    if (at >= code.size()) break;
    const bytes_span rest = code.subspan(static_cast<std::size_t>(at));
    const std::size_t size = jump_form(rest, site->code, value(site->target) - value(site->address));
    std::ranges::fill(rest.first(size), std::byte{0});
  }
}

using sha256_digest = std::array<std::byte, 32>;

/// SHA-256 of each 4 KiB of a range, and of what is left at its end.
struct page_digests {
  static constexpr std::size_t page_size = 4096;
  kernel_range range;
  std::vector<sha256_digest> pages;
  std::size_t unreadable = 0;  ///< pages that could not be read: their digest is zero
};

/// limit_exceeded for more than max_code_size.
///
/// @param sites  empty for constants
template <virtual_memory Space, digester Digester>
[[nodiscard]] result<page_digests> digest_pages(Space& space, const kernel_range& range,
                                                const jump_sites& sites, const Digester& digester) {
  if (range.size() > max_code_size) return errc::limit_exceeded;
  page_digests out{range, {}, 0};
  std::vector<std::byte> code(static_cast<std::size_t>(range.size()));
  std::vector<bool> missing;
  constexpr std::size_t step = page_digests::page_size;
  for (std::size_t at = 0; at < code.size(); at += step) {
    const bytes_span page = bytes_span{code}.subspan(at, std::min(step, code.size() - at));
    missing.push_back(space.read(range.begin + at, page) != status::ok);
  }
  // in one piece: a jump may lie across two pages
  blank_jumps(code, range.begin, sites);
  for (std::size_t i = 0; i < missing.size(); ++i) {
    const bytes_view page = bytes_view{code}.subspan(i * step, std::min(step, code.size() - i * step));
    sha256_digest digest{};
    if (missing[i]) {
      ++out.unreadable;
    } else if (const status made = digester.digest(hash_code::sha2_256, page, digest); made != status::ok) {
      return make_error_code(made);
    }
    out.pages.push_back(digest);
  }
  return out;
}

/// Where pages differ. @pre both are of the same range
[[nodiscard]] inline std::vector<virtual_address> changed_pages(const page_digests& before,
                                                                const page_digests& now) {
  std::vector<virtual_address> out;
  for (std::size_t i = 0; i < std::min(before.pages.size(), now.pages.size()); ++i) {
    if (before.pages[i] != now.pages[i]) out.push_back(now.range.begin + i * page_digests::page_size);
  }
  return out;
}

}  // namespace shoal::vmi
