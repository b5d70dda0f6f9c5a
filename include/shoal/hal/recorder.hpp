// SPDX-License-Identifier: BSL-1.0
//
// recorder: asks a filter about an access and tells a sink, with the time: what recording, recording_gpio
// and recording_i2c have in common, for wrappers of other things that are accessed. Freestanding.
//
//     recorder watch{address_range{0x40, 4}, ring};
//     watch.note(access::out, 0x43, 0x36, 1);
//
// With a sink that discards it is an empty class that does nothing.
#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>

#include <shoal/hal/access_filter.hpp>
#include <shoal/hal/access_record.hpp>
#include <shoal/hal/access_sink.hpp>
#include <shoal/hal/cycle_counter.hpp>

namespace shoal::hal {

/// @tparam Filter   a reference when others change it, as they move a BAR
/// @tparam Sink     a reference where it is no handle: deduced so from an lvalue, as the filter is
/// @tparam Counter  the time of the records
template <access_filter Filter, access_sink Sink, counter Counter = cycle_counter>
class recorder {
 public:
  /// @param source  the number of the device in the records
  constexpr recorder(Filter&& filter, Sink&& sink, std::uint16_t source = 0) noexcept
      : filter_(std::forward<Filter>(filter)), sink_(std::forward<Sink>(sink)), source_(source) {}

  /// An access: recorded if it is chosen.
  constexpr void note(access what, std::uint64_t address, std::uint64_t value, std::uint8_t width) noexcept {
    if (wants(what, address, value, width)) [[unlikely]]
      keep_out_of_line(what, address, value, width);
  }
  /// The same for one that is itself much dearer than a call, as what a kernel does: nothing is out of line.
  /// True when it is chosen.
  constexpr bool note_inline(access what, std::uint64_t address, std::uint64_t value,
                             std::uint8_t width) noexcept {
    const bool chosen = wants(what, address, value, width);
    if (chosen) keep(what, address, value, width);
    return chosen;
  }
  /// More of what was chosen: recorded.
  constexpr void note_more(access what, std::uint64_t address, std::uint64_t value,
                           std::uint8_t width) noexcept {
    keep(what, address, value, width);
  }

  [[nodiscard]] constexpr std::remove_reference_t<Filter>& filter() noexcept { return filter_; }
  [[nodiscard]] constexpr std::remove_reference_t<Sink>& sink() noexcept { return sink_; }

 private:
  constexpr bool wants(access what, std::uint64_t address, std::uint64_t value, std::uint8_t width) noexcept {
    access_record seen;
    seen.address = address;
    seen.value = value;
    seen.source = source_;
    seen.what = what;
    seen.width = width;
    return filter_.wants(seen);
  }
  constexpr void keep(access what, std::uint64_t address, std::uint64_t value, std::uint8_t width) noexcept {
    sink_.put({Counter::now(), address, value, 0, source_, what, width});
  }
  // A driver with a hundred accesses has it once, and a miss stays a test and a branch.
  [[gnu::noinline]] constexpr void keep_out_of_line(access what, std::uint64_t address, std::uint64_t value,
                                                    std::uint8_t width) noexcept {
    keep(what, address, value, width);
  }

  [[no_unique_address]] Filter filter_;
  [[no_unique_address]] Sink sink_;
  std::uint16_t source_;
};

template <access_filter Filter, discarding_sink Sink, counter Counter>
class recorder<Filter, Sink, Counter> {
 public:
  constexpr recorder(const std::remove_reference_t<Filter>&, const std::remove_reference_t<Sink>&,
                     std::uint16_t = 0) noexcept {}
  constexpr void note(access, std::uint64_t, std::uint64_t, std::uint8_t) const noexcept {}
  constexpr bool note_inline(access, std::uint64_t, std::uint64_t, std::uint8_t) const noexcept {
    return false;
  }
  constexpr void note_more(access, std::uint64_t, std::uint64_t, std::uint8_t) const noexcept {}
};

template <class Filter, class Sink>
recorder(Filter&&, Sink&&, std::uint16_t = 0) -> recorder<Filter, Sink>;

}  // namespace shoal::hal
