// SPDX-License-Identifier: BSL-1.0
//
// The contract of what takes records of accesses, the sink that takes none, and the one that groups.
// Freestanding.
//
//     recording quiet{bus, chosen, null_sink{}};            // the bus itself: nothing else is left in the code
//     access_ring<> ring;
//     recording watched{bus, chosen, grouping{ring}};       // polling a register is two records, not a million
//
// A ring to another thread: hal/access_ring.hpp.
#pragma once

#include <concepts>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <shoal/hal/access_record.hpp>

namespace shoal::hal {

/// `put(record)`: takes it, at once and without an answer, on the strand of the device's driver.
template <class S>
concept access_sink = requires(std::remove_reference_t<S>& sink, const access_record& record) {
  { sink.put(record) } noexcept -> std::same_as<void>;
};

/// A sink that says so is never given anything: whoever would make a record for it makes none.
template <class S>
concept discarding_sink = access_sink<S> && requires { typename std::remove_reference_t<S>::discards; };

struct null_sink {
  using discards = void;
  constexpr void put(const access_record&) const noexcept {}
};
static_assert(discarding_sink<null_sink>);

/// Passes the first of equal accesses on at once and the others as one record, once another access comes, or
/// flush(), or there are `longest` of them. That record has the time of the second access.
template <access_sink Sink>
class grouping {
 public:
  static constexpr std::uint32_t longest = 4096;

  /// @param sink  an lvalue is referred to, an rvalue kept
  explicit constexpr grouping(Sink&& sink) noexcept : sink_(std::forward<Sink>(sink)) {}

  constexpr void put(const access_record& record) noexcept {
    if (!begun_ || record.repeats != 0 || !same_access(record, last_)) {
      flush();
      begun_ = true;
      last_ = record;
      sink_.put(record);
    } else if (!held_) {
      held_ = true;
      last_ = record;
    } else if (++last_.repeats == longest - 1) {
      flush();
    }
  }

  /// Passes on what is held back: whoever stops, or pauses, calls it.
  constexpr void flush() noexcept {
    if (!held_) return;
    held_ = false;
    sink_.put(last_);
  }

 private:
  Sink sink_;
  access_record last_;
  bool begun_ = false;
  bool held_ = false;  // last_ has not been passed on
};
template <class Sink>
grouping(Sink&&) -> grouping<Sink>;

}  // namespace shoal::hal
