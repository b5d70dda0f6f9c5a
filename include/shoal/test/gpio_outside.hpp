// SPDX-License-Identifier: BSL-1.0
//
// The outside of a GPIO chip, as far as a test can reach it: what conforms_to_gpio_chip is given beside a chip.
//
//     struct bench_wires {                       // any of these members, or none
//       void drive(std::uint32_t line, bool level);   // puts a physical level onto an input
//       void undrive(std::uint32_t line);             // leaves it to its bias again
//       bool level(std::uint32_t line);               // the physical level that an output has
//       bool is_output(std::uint32_t line);           // whether the chip drives the line
//       void settle();                                // waits until the chip has noticed
//       bool hold(std::uint32_t line, bool held);     // somebody else takes a line or gives it back; false:
//       cannot
//     };
//
// What a type has not, the suite leaves out: nothing can be said about inputs that nobody drives.
#pragma once

#include <concepts>
#include <cstdint>

namespace shoal::test {

template <class W>
concept can_drive_lines = requires(W& world, std::uint32_t line, bool level) { world.drive(line, level); };
template <class W>
concept can_undrive_lines =
    can_drive_lines<W> && requires(W& world, std::uint32_t line) { world.undrive(line); };
template <class W>
concept can_see_lines = requires(W& world, std::uint32_t line) {
  { world.level(line) } -> std::same_as<bool>;
};
template <class W>
concept can_tell_outputs = requires(W& world, std::uint32_t line) {
  { world.is_output(line) } -> std::same_as<bool>;
};
template <class W>
concept can_hold_lines = requires(W& world, std::uint32_t line, bool held) {
  { world.hold(line, held) } -> std::same_as<bool>;
};

/// Nobody out there.
struct no_outside {};

/// For any chip: no outside.
struct make_no_outside {
  template <class Chip>
  no_outside operator()(Chip&) const noexcept {
    return {};
  }
};

/// A chip that has its outside as members of its own, such as hal::simulated_chip.
template <class Chip>
struct own_outside {
  Chip& chip;
  void drive(std::uint32_t line, bool level) { chip.drive(line, level); }
  void undrive(std::uint32_t line) { chip.undrive(line); }
  bool level(std::uint32_t line) { return chip.level(line); }
  bool is_output(std::uint32_t line) { return chip.is_output(line); }
  bool hold(std::uint32_t line, bool held) { return chip.hold(line, held); }
};

}  // namespace shoal::test
