// SPDX-License-Identifier: BSL-1.0
//
// walk_pages: from a virtual to a physical address by the page tables in a machine's memory, for any processor
// whose format is described (vmi/x86_paging.hpp, arm_paging.hpp, aarch64_paging.hpp, riscv_paging.hpp).
// Freestanding.
//
//     const translation at = walk_pages<x86_64_paging<4>>(memory, root, address);
//     if (at.code == status::ok) memory.read_physical(at.address, out);
//
// One read a level and never more, whatever the tables say: tables that contain themselves end where any others
// do. Leaves out permissions, which the last entry holds, nested tables, and pages that are swapped out.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <shoal/base/status.hpp>
#include <shoal/vmi/address.hpp>
#include <shoal/vmi/physical_memory.hpp>

namespace shoal::vmi {

/// A level of tables: an entry covers 2^shift bytes, a table has 2^bits entries.
struct paging_level {
  std::uint8_t shift = 0;
  std::uint8_t bits = 0;
};

enum class entry_kind : std::uint8_t { absent, table, page };

/// What an entry says.
struct page_entry {
  entry_kind kind = entry_kind::absent;
  std::uint8_t shift = 0;     ///< of a page: it has 2^shift bytes
  std::uint64_t address = 0;  ///< of the table or the page; of a page the low bits are zero
};

/// A format of page tables. `levels`: from the root down. `decode(level, entry)`: level counts from 0 at the
/// root. `canonical(a)`: whether the processor takes the address at all. `root_of(r)`: where the root table is,
/// out of the register that holds it.
template <class F>
concept paging_format = requires(std::size_t level, typename F::entry_type entry, std::uint64_t number) {
  requires std::unsigned_integral<typename F::entry_type>;
  { F::levels[level] } -> std::convertible_to<paging_level>;
  { F::levels.size() } -> std::convertible_to<std::size_t>;
  { F::decode(level, entry) } noexcept -> std::same_as<page_entry>;
  { F::canonical(number) } noexcept -> std::same_as<bool>;
  { F::root_of(number) } noexcept -> std::same_as<physical_address>;
  { F::width } -> std::convertible_to<pointer_width>;
};

/// Where a virtual address is.
struct translation {
  status code = status::out_of_range;
  /// Of the page, or, when nothing is mapped, of the hole: 2^shift bytes around the address, aligned, share its
  /// fate.
  std::uint8_t shift = 0;
  physical_address address{};  ///< when the code is ok
  std::uint64_t entry = 0;     ///< the last one read, as it is in memory
};

namespace detail {

/// Reads entries of tables: by one comparison and one load where the table lies in one piece of memory with the
/// root. The rest is out of line, for what is said here is written out for each level of each format.
template <std::unsigned_integral T, physical_memory M>
class table_reader {
 public:
  [[gnu::always_inline]] table_reader(const M& memory, physical_address root) noexcept : memory_(memory) {
    if constexpr (can_window<M>) {
      const ram_piece piece = memory.piece_around(root);
      base_ = value(piece.base);
      bytes_ = piece.bytes.data();
      if (piece.bytes.size() >= sizeof(T)) places_ = piece.bytes.size() - sizeof(T) + 1;
    }
  }

  [[nodiscard, gnu::always_inline]] status_or<T> read(physical_address at) const noexcept {
    const std::uint64_t into = value(at) - base_;
    if (into < places_) return load_live<T>(bytes_ + static_cast<std::size_t>(into));
    return read_elsewhere(at);
  }

 private:
  [[nodiscard, gnu::noinline]] status_or<T> read_elsewhere(physical_address at) const noexcept {
    return read_number<T>(memory_, at);
  }

  const M& memory_;
  std::uint64_t base_ = 0;
  const std::byte* bytes_ = nullptr;
  std::uint64_t places_ = 0;  ///< in the piece, where an entry may begin
};

/// One level, with shifts and masks that the compiler knows: half of a walk's time is theirs otherwise. True
/// when the walk ends here, and only then `out` is written: all else stays in registers.
template <paging_format F, std::size_t Level, class Reader>
[[nodiscard, gnu::always_inline]] inline bool walk_level(const Reader& reader, std::uint64_t wanted,
                                                         physical_address& table, std::uint64_t& last_read,
                                                         translation& out) noexcept {
  using entry_type = typename F::entry_type;
  constexpr paging_level here = F::levels[Level];
  const std::uint64_t index = (wanted >> here.shift) & ((std::uint64_t{1} << here.bits) - 1);
  const status_or<entry_type> raw = reader.read(table + index * sizeof(entry_type));
  if (!raw) {
    out = {status::malformed, here.shift, {}, last_read};
    return true;
  }
  last_read = *raw;
  const page_entry entry = F::decode(Level, *raw);
  if (entry.kind == entry_kind::table) {
    table = physical_address{entry.address};
    return false;
  }
  if (entry.kind == entry_kind::absent) {
    out = {status::out_of_range, here.shift, {}, last_read};
    return true;
  }
  const std::uint64_t inside = wanted & ((std::uint64_t{1} << entry.shift) - 1);
  out = {status::ok, entry.shift, physical_address{entry.address | inside}, last_read};
  return true;
}

template <paging_format F, class Reader, std::size_t... Level>
[[nodiscard, gnu::always_inline]] inline bool walk_levels(const Reader& reader, std::uint64_t wanted,
                                                          physical_address table, translation& out,
                                                          std::index_sequence<Level...>) noexcept {
  std::uint64_t last_read = 0;
  return (walk_level<F, Level>(reader, wanted, table, last_read, out) || ...);
}

}  // namespace detail

/// Goes through the tables. out_of_range when nothing is mapped there; malformed when a table is not in memory.
template <paging_format F, physical_memory M>
[[nodiscard]] translation walk_pages(const M& memory, physical_address root, virtual_address address) noexcept {
  const std::uint64_t wanted = value(address);
  translation out;
  out.shift = F::levels[0].shift;
  if (!F::canonical(wanted)) return out;
  const detail::table_reader<typename F::entry_type, M> reader{memory, root};
  const bool ended =
      detail::walk_levels<F>(reader, wanted, root, out, std::make_index_sequence<F::levels.size()>{});
  if (!ended) out.code = status::malformed;  // a format whose last level has tables: its description is wrong
  return out;
}

namespace detail {

/// Bits [first, last] of a word, both counted, where they are.
[[nodiscard]] constexpr std::uint64_t bit_field(std::uint64_t word, unsigned last, unsigned first) noexcept {
  const std::uint64_t upto = last == 63 ? ~std::uint64_t{0} : (std::uint64_t{1} << (last + 1)) - 1;
  return word & upto & ~((std::uint64_t{1} << first) - 1);
}

/// True when the bits from `bits - 1` up are all the same.
[[nodiscard]] constexpr bool sign_extended(std::uint64_t address, unsigned bits) noexcept {
  const std::uint64_t upper = address >> (bits - 1);
  return upper == 0 || upper == ~std::uint64_t{0} >> (bits - 1);
}

[[nodiscard]] constexpr std::uint64_t page_base(std::uint64_t address, unsigned shift) noexcept {
  return address >> shift << shift;
}

/// Levels for tables of 2^bits entries over pages of 2^page bytes; the root takes what is left of `width` bits.
template <std::size_t Count>
[[nodiscard]] constexpr std::array<paging_level, Count> even_levels(unsigned width, unsigned page,
                                                                    unsigned bits) noexcept {
  std::array<paging_level, Count> levels{};
  for (std::size_t i = 0; i < Count; ++i) {
    const unsigned shift = page + bits * static_cast<unsigned>(Count - 1 - i);
    const unsigned here = i == 0 ? width - shift : bits;
    levels[i] = {static_cast<std::uint8_t>(shift), static_cast<std::uint8_t>(here)};
  }
  return levels;
}

}  // namespace detail
}  // namespace shoal::vmi
