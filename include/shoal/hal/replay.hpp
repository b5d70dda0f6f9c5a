// SPDX-License-Identifier: BSL-1.0
//
// replay: a bus without a device: it answers a driver as a recording says, and reports where the driver does
// not do what it did then. Freestanding.
//
//     replay_script script{records, report};
//     replay bus{script};
//     pl061 gpio{bus, base};  blink(gpio);                   // the driver, as it was then
//     script.finish();
//     return script.differences();
//
// Accesses that the recorder's filter did not want are in no recording: give the same filter. They read as
// ones, and so does what the recording does not have. Leaves out devices that act by themselves: interrupts,
// DMA.
#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>

#include <shoal/base/status.hpp>
#include <shoal/hal/access_filter.hpp>
#include <shoal/hal/access_record.hpp>
#include <shoal/hal/bus_address.hpp>
#include <shoal/hal/mmio_bus.hpp>
#include <shoal/hal/replay_script.hpp>

namespace shoal::hal {

/// An mmio_bus and a port_bus; copies follow the same script.
template <class Report, access_filter Filter = every_access>
class replay {
 public:
  /// @param script  outlives the bus
  explicit constexpr replay(replay_script<Report>& script, Filter filter = {}) noexcept
      : script_(&script), filter_(filter) {}

  template <register_word T>
  [[nodiscard]] constexpr T load(bus_address address) noexcept {
    return answer<T>(access::load, static_cast<std::uint64_t>(address), 0);
  }
  template <register_word T>
  constexpr void store(bus_address address, T value) noexcept {
    answer<T>(access::store, static_cast<std::uint64_t>(address), value);
  }
  template <register_word T>
  [[nodiscard]] constexpr T in(port_address port) noexcept {
    return answer<T>(access::in, static_cast<std::uint64_t>(port), 0);
  }
  template <register_word T>
  constexpr void out(port_address port, T value) noexcept {
    answer<T>(access::out, static_cast<std::uint64_t>(port), value);
  }

 private:
  template <class T>
  constexpr T answer(access what, std::uint64_t address, T value) noexcept {
    access_record got;
    got.address = address;
    got.value = value;
    got.what = what;
    got.width = sizeof(T);
    constexpr T ones = static_cast<T>(~T{0});
    if (!filter_.wants(got)) return ones;
    const status_or<std::uint64_t> then = script_->step(got);
    return then ? static_cast<T>(*then) : ones;
  }

  replay_script<Report>* script_;
  [[no_unique_address]] Filter filter_;
};
template <class Report>
replay(replay_script<Report>&) -> replay<Report>;
template <class Report, class Filter>
replay(replay_script<Report>&, Filter) -> replay<Report, Filter>;

namespace detail {
using silent_report = void (*)(const replay_difference&) noexcept;
}
static_assert(mmio_bus<replay<detail::silent_report>> && port_bus<replay<detail::silent_report>>);

}  // namespace shoal::hal
