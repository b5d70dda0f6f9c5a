// SPDX-License-Identifier: BSL-1.0
//
// device_register, register_field: the registers of a device as types, so that what must not be done with one
// does not compile. Freestanding.
//
//     using control = device_register<0x08, access_rule::read_write>;
//     using enable = register_field<control, 0>;              // one bit, bool
//     using speed = register_field<control, 4, 3>;            // three bits
//     register_block uart{bus, base};                         // hal/register_block.hpp
//     uart.put(enable{true}, speed{5});
//
// For drivers and models. Leaves out where the device is: that is the block's.
#pragma once

#include <concepts>
#include <cstdint>
#include <type_traits>

#include <shoal/hal/bus_address.hpp>

namespace shoal::hal {

/// What software may do with a register.
enum class access_rule : std::uint8_t {
  read_only,
  write_only,          ///< reading it gives nothing, or has a side effect
  read_write,          ///< reads as it was written
  write_one_to_clear,  ///< a flag goes where a one is written: never read, change, write
};

/// @tparam Offset  from the start of the device, in bytes
/// @tparam Count   how many of the same stand in a row
template <std::uint64_t Offset, access_rule Rule, register_word Word = std::uint32_t, std::uint32_t Count = 1>
struct device_register {
  static_assert(Count > 0 && Offset % sizeof(Word) == 0, "a register stands at a multiple of its width");

  using word = Word;
  static constexpr std::uint64_t offset = Offset;
  static constexpr access_rule rule = Rule;
  static constexpr std::uint32_t count = Count;
};

template <class R>
concept any_register = requires {
  requires register_word<typename R::word>;
  { R::offset } -> std::convertible_to<std::uint64_t>;
  { R::rule } -> std::convertible_to<access_rule>;
  { R::count } -> std::convertible_to<std::uint32_t>;
};
template <class R>
concept readable_register = any_register<R> && R::rule != access_rule::write_only;
template <class R>
concept writable_register =
    any_register<R> && (R::rule == access_rule::write_only || R::rule == access_rule::read_write);
/// May be read, changed and written back.
template <class R>
concept changeable_register = any_register<R> && R::rule == access_rule::read_write;
template <class R>
concept clearable_register = any_register<R> && R::rule == access_rule::write_one_to_clear;

/// Some bits of a register, and a value for them.
/// @tparam Value  bool for one bit, else the register's word; or an enum of yours
template <any_register Register, unsigned Shift, unsigned Width = 1,
          class Value = std::conditional_t<Width == 1, bool, typename Register::word>>
struct register_field {
  using owner = Register;
  using word = typename Register::word;
  static_assert(Width > 0 && Shift + Width <= 8 * sizeof(word), "a field lies inside its register");

  static constexpr word mask =
      static_cast<word>(static_cast<word>(static_cast<word>(~word{0}) >> (8 * sizeof(word) - Width)) << Shift);

  Value value{};

  /// The bits where they stand; those that the field has not are cut off.
  [[nodiscard]] constexpr word bits() const noexcept {
    return static_cast<word>(static_cast<word>(static_cast<word>(value) << Shift) & mask);
  }
  [[nodiscard]] static constexpr Value from(word bits) noexcept {
    return static_cast<Value>(static_cast<word>(bits & mask) >> Shift);
  }
};

template <class F>
concept any_field = any_register<typename F::owner> && requires(const F& field, typename F::word bits) {
  { F::mask } -> std::convertible_to<typename F::word>;
  { field.bits() } noexcept -> std::same_as<typename F::word>;
  F::from(bits);
};

}  // namespace shoal::hal
