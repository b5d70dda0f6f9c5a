// SPDX-License-Identifier: BSL-1.0
//
// register_block: the registers of one device on a bus. For drivers. Freestanding.
//
//     register_block timer{bus, bus_address{0x0300'0000}};
//     timer.put(enable{true}, speed{5});              // the whole register out of its fields
//     timer.set(speed{7});                            // read, change, write
//     if (timer.get<expired>()) timer.clear<flags>(expired::mask);
//
// Each call is one access of the register's width (set: two). What the register's rule forbids does not
// compile. Costs what the bus costs; with a fixed_address that is a load or store at a constant address.
#pragma once

#include <concepts>
#include <cstdint>

#include <shoal/hal/bus_address.hpp>
#include <shoal/hal/device_register.hpp>
#include <shoal/hal/mmio_bus.hpp>

namespace shoal::hal {

/// A bus_address that is known when the program is compiled.
template <std::uint64_t Address>
struct fixed_address {
  constexpr operator bus_address() const noexcept { return bus_address{Address}; }
};

/// @tparam Bus   a copy of the bus is kept; a reference where that is wrong
/// @tparam Base  bus_address or fixed_address
template <mmio_bus Bus, std::convertible_to<bus_address> Base = bus_address>
class register_block {
 public:
  constexpr register_block(Bus bus, Base base) noexcept : bus_(bus), base_(base) {}

  /// @param index  of registers in a row; one that does not exist reads as ones
  template <readable_register R>
  [[nodiscard]] constexpr typename R::word read(std::uint32_t index = 0) noexcept {
    using word = typename R::word;
    if (index >= R::count) return static_cast<word>(~word{0});
    return bus_.template load<word>(address<R>(index));
  }
  /// @param index  a register that does not exist is not written
  template <writable_register R>
  constexpr void write(typename R::word value, std::uint32_t index = 0) noexcept {
    if (index < R::count) bus_.template store<typename R::word>(address<R>(index), value);
  }
  /// The bits of `mask` become those of `bits`.
  template <changeable_register R>
  constexpr void change(typename R::word mask, typename R::word bits, std::uint32_t index = 0) noexcept {
    using word = typename R::word;
    const word rest = static_cast<word>(read<R>(index) & static_cast<word>(~mask));
    write<R>(static_cast<word>(rest | static_cast<word>(bits & mask)), index);
  }
  /// Clears the flags that are ones in `flags`.
  template <clearable_register R>
  constexpr void clear(typename R::word flags, std::uint32_t index = 0) noexcept {
    if (index < R::count) bus_.template store<typename R::word>(address<R>(index), flags);
  }

  /// One field's value.
  template <any_field F>
    requires readable_register<typename F::owner>
  [[nodiscard]] constexpr auto get() noexcept {
    return F::from(read<typename F::owner>());
  }
  /// Writes a register: these fields, and zeroes.
  template <any_field F, any_field... More>
    requires writable_register<typename F::owner> &&
             (std::same_as<typename F::owner, typename More::owner> && ...)
  constexpr void put(F field, More... more) noexcept {
    check_fields<F, More...>();
    write<typename F::owner>(static_cast<typename F::word>((field.bits() | ... | more.bits())));
  }
  /// Changes these fields of a register and leaves the others.
  template <any_field F, any_field... More>
    requires changeable_register<typename F::owner> &&
             (std::same_as<typename F::owner, typename More::owner> && ...)
  constexpr void set(F field, More... more) noexcept {
    check_fields<F, More...>();
    using word = typename F::word;
    change<typename F::owner>(static_cast<word>((F::mask | ... | More::mask)),
                              static_cast<word>((field.bits() | ... | more.bits())));
  }

  [[nodiscard]] constexpr bus_address base() const noexcept { return base_; }

 private:
  template <class... Fields>
  static constexpr void check_fields() noexcept {
    static_assert((std::uint64_t{Fields::mask} + ...) == (std::uint64_t{Fields::mask} | ...),
                  "fields of one write do not overlap");
  }
  template <class R>
  [[nodiscard]] constexpr bus_address address(std::uint32_t index) const noexcept {
    return static_cast<bus_address>(base_) + (R::offset + std::uint64_t{index} * sizeof(typename R::word));
  }

  Bus bus_;
  [[no_unique_address]] Base base_;
};

}  // namespace shoal::hal
