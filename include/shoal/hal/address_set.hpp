// SPDX-License-Identifier: BSL-1.0
//
// address_set: a filter for chosen addresses, a byte for each in a window whose base may move. Freestanding.
//
//     address_set<0x1000> chosen{bus_address{0x0903'0000}, {0x3fc, 0x400}};   // two registers of a page
//     chosen.insert(0x410);  chosen.erase(0x400);
//     chosen.move_to(bus_address{0x0904'0000});                               // a BAR has moved
//
// A miss costs two compares: bits would be an eighth of the memory and three more instructions for each access.
// Leaves out addresses far apart: any_of several sets.
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
/// @tparam Grain  addresses that share a byte: 4 for registers of 32 bits, 1 for ports and GPIO lines
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
    if (offset < Span) chosen_[static_cast<std::size_t>(offset / Grain)] = true;
  }
  constexpr void erase(std::uint64_t offset) noexcept {
    if (offset < Span) chosen_[static_cast<std::size_t>(offset / Grain)] = false;
  }
  constexpr void insert_all() noexcept { chosen_.fill(true); }
  constexpr void clear() noexcept { chosen_.fill(false); }

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
  constexpr bool has(std::uint64_t offset) const noexcept {
    const std::uint64_t number = offset / Grain;
    return number < Span / Grain && chosen_[static_cast<std::size_t>(number)];
  }

  std::uint64_t base_;
  std::array<bool, static_cast<std::size_t>(Span / Grain)> chosen_{};
};
static_assert(access_filter<address_set<4096>>);

}  // namespace shoal::hal
