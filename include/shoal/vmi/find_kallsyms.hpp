// SPDX-License-Identifier: BSL-1.0
//
// find_kallsyms: a Linux kernel's symbols in the memory of its machine, with nothing known of either.
//
//     result<found_kallsyms> kernel = find_kallsyms(memory, pointer_width::eight);
//     if (kernel) use(kernel->tables.symbols.find("init_task"));
//     kernel = find_kallsyms(memory, pointer_width::eight, image, fits);   // in a part of it, and as one likes
//
// The tables are searched by physical address, before there is a page table to go by: a kernel's image lies in
// one piece. What is found is copied, then decoded. Tables that break a limit, that cannot be decoded or that
// do not fit are passed by: remains of a kernel that ran before, or put there to be found.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/vmi/kallsyms.hpp>
#include <shoal/vmi/physical_memory.hpp>

namespace shoal::vmi {

/// How many tables of tokens are tried in a memory: each kernel that ran in it left one at most.
inline constexpr std::size_t max_kallsyms_tries = 64;

struct found_kallsyms {
  kallsyms tables;
  physical_address tokens{};  ///< where the table of tokens is: a place in the kernel's image
};

namespace detail {

template <physical_memory M, class Fits>
class kallsyms_search {
 public:
  kallsyms_search(const M& memory, pointer_width width, physical_range within, Fits fits)
      : memory_(memory), width_(width), within_(within), fits_(std::move(fits)) {}

  result<found_kallsyms> run() {
    constexpr std::uint64_t step = std::uint64_t{1} << 20;
    constexpr std::uint64_t overlap = 32;
    for (const physical_range& ram : memory_.extents()) {
      if (value(within_.base) >= value(ram.base) + ram.size) continue;
      const std::uint64_t first =
          value(within_.base) > value(ram.base) ? value(within_.base) - value(ram.base) : 0;
      const std::uint64_t last =
          value(within_.base) > ~within_.size ? ~std::uint64_t{0} : value(within_.base) + within_.size;
      const std::uint64_t end = last > value(ram.base) ? std::min(ram.size, last - value(ram.base)) : 0;
      for (std::uint64_t at = first; at < end; at += step) {
        const auto n = static_cast<std::size_t>(std::min(ram.size - at, std::min(end - at, step) + overlap));
        const bytes_view bytes = look(ram.base + at, n);
        for (std::size_t digits = 0; (digits = find_kallsyms_digits(bytes, digits)) != std::string_view::npos;
             ++digits) {
          result<found_kallsyms> found = decode(ram, at + digits);
          if (found && fits_(*found)) return found;
          if (tried_ == max_kallsyms_tries) return errc::limit_exceeded;
        }
      }
    }
    return errc::not_found;
  }

 private:
  /// Without a copy where it can be had. Empty where the memory cannot be read.
  [[nodiscard]] bytes_view look(physical_address address, std::size_t n) {
    if constexpr (can_window<M>) {
      const bytes_view bytes = memory_.window(address, n);
      if (!bytes.empty()) return bytes;
    }
    return copy(address, n, looked_at_) ? bytes_view{looked_at_} : bytes_view{};
  }

  [[nodiscard]] bool copy(physical_address address, std::size_t n, std::vector<std::byte>& to) const {
    to.resize(n);
    return memory_.read_physical(address, to) == status::ok;
  }

  /// What stands around the digits, from so many bytes before them to so many behind, aligned.
  [[nodiscard]] std::optional<std::size_t> copy_around(const physical_range& ram, std::uint64_t digits,
                                                       std::uint64_t before, std::uint64_t behind) {
    // Tables are aligned by physical address too: the image is moved by whole pages.
    std::uint64_t first = digits > before ? digits - before : 0;
    first += (0 - (value(ram.base) + first)) & 255;
    if (first > digits) return std::nullopt;
    const std::uint64_t end = ram.size - digits > behind ? digits + behind : ram.size;
    if (!copy(ram.base + first, static_cast<std::size_t>(end - first), copy_)) return std::nullopt;
    return static_cast<std::size_t>(digits - first);
  }

  result<found_kallsyms> decode(const physical_range& ram, std::uint64_t digits) {
    const auto nearby = copy_around(ram, digits, max_token_table, 2 * max_token_table);
    if (!nearby || !kallsyms_tokens::at_digits(copy_, *nearby, width_)) return errc::not_found;
    ++tried_;
    const auto all = copy_around(ram, digits, max_kallsyms_names, max_kallsyms_names);
    if (!all) return errc::not_found;
    const auto tokens = kallsyms_tokens::at_digits(copy_, *all, width_);
    if (!tokens) return errc::not_found;
    result<kallsyms> found = decode_kallsyms(copy_, *tokens, width_);
    if (!found) return found.error();
    const std::uint64_t into = *all - tokens->begin();
    return found_kallsyms{std::move(*found), ram.base + (digits - into)};
  }

  const M& memory_;
  pointer_width width_;
  physical_range within_;
  Fits fits_;
  std::size_t tried_ = 0;
  std::vector<std::byte> looked_at_;  // while what is found in it is decoded from a copy of its own
  std::vector<std::byte> copy_;
};

}  // namespace detail

/// Finds and decodes the first tables that fit. not_found when there are none; limit_exceeded for more tables
/// of tokens than are tried.
///
/// @param within  where in memory: what does not begin there is not looked at
/// @param fits    fits(found): whether these are the ones; they are looked for further when not
template <physical_memory M, class Fits>
[[nodiscard]] result<found_kallsyms> find_kallsyms(const M& memory, pointer_width width, physical_range within,
                                                   Fits fits) {
  return detail::kallsyms_search<M, Fits>{memory, width, within, std::move(fits)}.run();
}

/// The first that can be decoded, anywhere.
template <physical_memory M>
[[nodiscard]] result<found_kallsyms> find_kallsyms(const M& memory, pointer_width width) {
  constexpr physical_range anywhere{physical_address{0}, ~std::uint64_t{0}};
  return find_kallsyms(memory, width, anywhere, [](const found_kallsyms&) { return true; });
}

}  // namespace shoal::vmi
