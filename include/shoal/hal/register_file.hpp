// SPDX-License-Identifier: BSL-1.0
//
// register_file: a device_model that is a row of registers, each with its own behaviour, and a script of what
// some loads are to find. For tests of drivers whose device has no model. Freestanding.
//
//     register_file<4> uart;
//     uart[0] = {.value = 0x80, .writable = 0x0f, .write_one_to_clear = 0x30};
//     uart.script(1, busy); uart.script(1, ready);         // what the next two loads of register 1 find
//     uart[2].value;                                       // what the driver wrote
//
// An access of another width than a register's reads ones and is ignored.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <shoal/hal/bus_address.hpp>
#include <shoal/hal/device_model.hpp>

namespace shoal::hal {

/// How one register behaves.
template <register_word Word>
struct register_behaviour {
  Word value = 0;
  Word readable = static_cast<Word>(~Word{0});  ///< bits that loads see; others are zero
  Word writable = static_cast<Word>(~Word{0});  ///< bits that stores change
  Word write_one_to_clear = 0;                  ///< bits that a one clears, whatever `writable` says
  std::uint32_t loads = 0;                      ///< how many there were
  std::uint32_t stores = 0;
};

/// @tparam Count  registers, side by side
template <std::size_t Count, register_word Word = std::uint32_t>
class register_file {
 public:
  static constexpr std::size_t longest_script = 64;

  [[nodiscard]] constexpr std::uint64_t size() const noexcept { return Count * sizeof(Word); }

  constexpr std::uint64_t load(std::uint64_t offset, std::uint8_t width) noexcept {
    const std::size_t index = static_cast<std::size_t>(offset / sizeof(Word));
    if (width != sizeof(Word) || index >= Count) return ~std::uint64_t{0};
    register_behaviour<Word>& one = registers_[index];
    ++one.loads;
    for (std::size_t i = 0; i < script_size_; ++i) {
      if (script_[i].index != index) continue;
      one.value = script_[i].value;
      --script_size_;
      for (; i < script_size_; ++i) script_[i] = script_[i + 1];
    }
    return static_cast<Word>(one.value & one.readable);
  }
  constexpr void store(std::uint64_t offset, std::uint64_t value, std::uint8_t width) noexcept {
    const std::size_t index = static_cast<std::size_t>(offset / sizeof(Word));
    if (width != sizeof(Word) || index >= Count) return;
    register_behaviour<Word>& one = registers_[index];
    ++one.stores;
    const Word written = static_cast<Word>(value);
    const Word cleared = static_cast<Word>(one.value & ~(one.write_one_to_clear & written));
    const Word changing = static_cast<Word>(one.writable & ~one.write_one_to_clear);
    one.value = static_cast<Word>((cleared & ~changing) | (written & changing));
  }

  /// @param index  below Count
  [[nodiscard]] constexpr register_behaviour<Word>& operator[](std::size_t index) noexcept {
    return registers_[index];
  }
  /// One of the next loads of a register makes its value this: the first that is scripted is the first that is
  /// found. False when 64 wait already.
  constexpr bool script(std::size_t index, Word value) noexcept {
    if (script_size_ == longest_script) return false;
    script_[script_size_++] = {index, value};
    return true;
  }

 private:
  struct scripted {
    std::size_t index = 0;
    Word value = 0;
  };

  std::array<register_behaviour<Word>, Count> registers_{};
  std::array<scripted, longest_script> script_{};
  std::size_t script_size_ = 0;
};
static_assert(device_model<register_file<1>> && device_model<register_file<4, std::uint8_t>>);

}  // namespace shoal::hal
