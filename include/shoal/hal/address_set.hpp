// SPDX-License-Identifier: BSL-1.0
//
// address_set: a filter for chosen addresses, one bit for each in a window whose base may move. Freestanding.
//
//     address_set<0x1000> chosen{bus_address{0x0903'0000}, {0x3fc, 0x400}};   // two registers of a page
//     chosen.insert(0x410);  chosen.erase(0x400);
//     chosen.move_to(bus_address{0x0904'0000});                               // a BAR has moved
//
// A miss costs a compare or a bit test. Leaves out addresses far apart: any_of several sets.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include <shoal/hal/access_filter.hpp>
#include <shoal/hal/access_record.hpp>
#include <shoal/hal/bus_address.hpp>

namespace shoal::hal {

/// @tparam Span   addresses in the window
/// @tparam Grain  addresses that share a bit: 4 for registers of 32 bits, 1 for ports and GPIO lines
template <std::uint64_t Span, std::uint64_t Grain = 4>
class address_set {
  static_assert(Span > 0 && Grain > 0 && Span % Grain == 0);

 public:
  /// Offsets outside the window are no part of the set.
  explicit constexpr address_set(std::uint64_t base, std::initializer_list<std::uint64_t> offsets = {}) noexcept
      : base_(base) {
    for (const std::uint64_t offset : offsets) insert(offset);
  }
  explicit constexpr address_set(bus_address base, std::initializer_list<std::uint64_t> offsets = {}) noexcept
      : address_set(static_cast<std::uint64_t>(base), offsets) {}
  explicit constexpr address_set(port_address base, std::initializer_list<std::uint64_t> offsets = {}) noexcept
      : address_set(static_cast<std::uint64_t>(base), offsets) {}

  constexpr void insert(std::uint64_t offset) noexcept {
    if (offset < Span) word(offset) |= bit(offset);
  }
  constexpr void erase(std::uint64_t offset) noexcept {
    if (offset < Span) word(offset) &= ~bit(offset);
  }
  constexpr void insert_all() noexcept { bits_.fill(~std::uint64_t{0}); }
  constexpr void clear() noexcept { bits_.fill(0); }

  constexpr void move_to(std::uint64_t base) noexcept { base_ = base; }
  constexpr void move_to(bus_address base) noexcept { base_ = static_cast<std::uint64_t>(base); }
  constexpr void move_to(port_address base) noexcept { base_ = static_cast<std::uint64_t>(base); }

  /// True when the access touches an address of the set: of one that is wider than Grain, any part. A narrower
  /// one is where it starts.
  [[nodiscard]] constexpr bool wants(const access_record& seen) const noexcept {
    const std::uint64_t offset = seen.address - base_;
    if (reach(seen) <= Grain) return has(offset);
    for (std::uint64_t at = 0; at < reach(seen); at += Grain) {
      if (has(offset + at)) return true;
    }
    return false;
  }

 private:
  static constexpr std::uint64_t bit(std::uint64_t offset) noexcept {
    return std::uint64_t{1} << (offset / Grain % 64);
  }
  constexpr std::uint64_t& word(std::uint64_t offset) noexcept {
    return bits_[static_cast<std::size_t>(offset / Grain / 64)];
  }
  constexpr bool has(std::uint64_t offset) const noexcept {
    return offset < Span && (bits_[static_cast<std::size_t>(offset / Grain / 64)] & bit(offset)) != 0;
  }

  std::uint64_t base_;
  std::array<std::uint64_t, static_cast<std::size_t>((Span / Grain + 63) / 64)> bits_{};
};
static_assert(access_filter<address_set<4096>>);

}  // namespace shoal::hal
