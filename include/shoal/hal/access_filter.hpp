// SPDX-License-Identifier: BSL-1.0
//
// Which accesses a recorder records: small filters, and filters made of filters. Freestanding.
//
//     any_of chosen{address_range{0x40, 4},                                       // everything there
//                   all_of{writes, address_range{0x70, 2}, value_bits{0xff, 0x0b}}};
//     bar_window bar{bus_address{0xfebc'0000}, 0x20000, chosen};                  // offsets in a PCI device
//     bar.move_to(bus_address{0xfe00'0000});                                      // the guest has moved it
//
// For recording<...>, and for records that are there already: it is the same question. A filter that is inlined
// costs a compare or two. Chosen addresses one by one: hal/address_set.hpp. Leaves out rules over more than one
// access, which monitor/ has.
#pragma once

#include <concepts>
#include <cstdint>
#include <tuple>
#include <type_traits>

#include <shoal/hal/access_record.hpp>
#include <shoal/hal/bus_address.hpp>

namespace shoal::hal {

/// `wants(access)`: is this one chosen? Looks at all but the time and the repeats, which are not known yet.
template <class F>
concept access_filter = requires(const std::remove_reference_t<F>& filter, const access_record& seen) {
  { filter.wants(seen) } noexcept -> std::same_as<bool>;
};

struct every_access {
  [[nodiscard]] constexpr bool wants(const access_record&) const noexcept { return true; }
};

/// How many addresses an access touches: its bytes, or its lines.
[[nodiscard]] constexpr std::uint64_t reach(const access_record& seen) noexcept {
  return seen.width == 0 || is_i2c(seen.what) ? 1 : seen.width;
}

/// Accesses that touch one of `size` addresses from `first` on, with any of their bytes.
class address_range {
 public:
  /// @param size  at most 2^63
  constexpr address_range(std::uint64_t first, std::uint64_t size) noexcept : first_(first), size_(size) {}
  constexpr address_range(bus_address first, std::uint64_t size) noexcept
      : address_range(static_cast<std::uint64_t>(first), size) {}
  constexpr address_range(port_address first, std::uint64_t size) noexcept
      : address_range(static_cast<std::uint64_t>(first), size) {}

  [[nodiscard]] constexpr bool wants(const access_record& seen) const noexcept {
    const std::uint64_t before = reach(seen) - 1;
    return size_ != 0 && seen.address - first_ + before < size_ + before;
  }

 private:
  std::uint64_t first_;
  std::uint64_t size_;
};

/// Accesses of these kinds.
class access_kinds {
 public:
  template <std::same_as<access>... Kinds>
  explicit constexpr access_kinds(Kinds... kinds) noexcept : bits_((0u | ... | bit(kinds))) {}

  [[nodiscard]] constexpr bool wants(const access_record& seen) const noexcept {
    return (bits_ & bit(seen.what)) != 0;
  }

 private:
  static constexpr unsigned bit(access what) noexcept { return 1u << static_cast<unsigned>(what); }
  unsigned bits_;
};
inline constexpr access_kinds reads{access::load, access::in, access::line_get, access::lines_get,
                                    access::i2c_read};
inline constexpr access_kinds writes{access::store,        access::out,          access::line_set,
                                     access::line_request, access::line_release, access::lines_set,
                                     access::i2c_write};

/// Accesses whose value is `value` in the bits of `mask`.
class value_bits {
 public:
  constexpr value_bits(std::uint64_t mask, std::uint64_t value) noexcept : mask_(mask), value_(value & mask) {}
  [[nodiscard]] constexpr bool wants(const access_record& seen) const noexcept {
    return (seen.value & mask_) == value_;
  }

 private:
  std::uint64_t mask_;
  std::uint64_t value_;
};

/// Accesses that all of the filters want; of no filters, every access.
template <access_filter... Filters>
class all_of {
 public:
  explicit constexpr all_of(Filters... filters) noexcept : filters_(filters...) {}
  [[nodiscard]] constexpr bool wants(const access_record& seen) const noexcept {
    return std::apply([&](const auto&... filter) { return (true && ... && filter.wants(seen)); }, filters_);
  }

 private:
  std::tuple<Filters...> filters_;
};

/// Accesses that one of the filters wants; of no filters, none.
template <access_filter... Filters>
class any_of {
 public:
  explicit constexpr any_of(Filters... filters) noexcept : filters_(filters...) {}
  [[nodiscard]] constexpr bool wants(const access_record& seen) const noexcept {
    return std::apply([&](const auto&... filter) { return (false || ... || filter.wants(seen)); }, filters_);
  }

 private:
  std::tuple<Filters...> filters_;
};

/// Accesses that none of the filters wants.
template <access_filter... Filters>
class none_of {
 public:
  explicit constexpr none_of(Filters... filters) noexcept : any_(filters...) {}
  [[nodiscard]] constexpr bool wants(const access_record& seen) const noexcept { return !any_.wants(seen); }

 private:
  any_of<Filters...> any_;
};

/// A window whose base may move, as that of a PCI device's BAR: accesses that begin inside it and that the
/// filter wants, which is asked about offsets. Records keep the address. Moved on the strand of the accesses.
template <access_filter Inside = every_access>
class bar_window {
 public:
  constexpr bar_window(std::uint64_t base, std::uint64_t size, Inside inside = {}) noexcept
      : base_(base), open_(size), size_(size), inside_(inside) {}
  constexpr bar_window(bus_address base, std::uint64_t size, Inside inside = {}) noexcept
      : bar_window(static_cast<std::uint64_t>(base), size, inside) {}
  constexpr bar_window(port_address base, std::uint64_t size, Inside inside = {}) noexcept
      : bar_window(static_cast<std::uint64_t>(base), size, inside) {}

  constexpr void move_to(std::uint64_t base) noexcept {
    base_ = base;
    open_ = size_;
  }
  constexpr void move_to(bus_address base) noexcept { move_to(static_cast<std::uint64_t>(base)); }
  constexpr void move_to(port_address base) noexcept { move_to(static_cast<std::uint64_t>(base)); }
  /// The window is nowhere until it moves again: a device whose decoding is switched off.
  constexpr void disable() noexcept { open_ = 0; }

  [[nodiscard]] constexpr bool wants(const access_record& seen) const noexcept {
    if (seen.address - base_ >= open_) return false;  // an access does not begin before a BAR, which is aligned
    access_record within = seen;
    within.address = seen.address - base_;
    return inside_.wants(within);
  }

 private:
  std::uint64_t base_;
  std::uint64_t open_;  // size_, or 0
  std::uint64_t size_;
  [[no_unique_address]] Inside inside_;
};

static_assert(access_filter<every_access> && access_filter<address_range> && access_filter<access_kinds> &&
              access_filter<value_bits> && access_filter<all_of<>> && access_filter<any_of<every_access>> &&
              access_filter<none_of<>> && access_filter<bar_window<>>);

}  // namespace shoal::hal
