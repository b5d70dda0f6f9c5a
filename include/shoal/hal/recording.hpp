// SPDX-License-Identifier: BSL-1.0
//
// recording: a bus that is another bus and tells a sink about the accesses that a filter chooses. Neither the
// driver nor the device can tell. Freestanding.
//
//     access_ring<> ring;
//     recording watched{bus, address_set<0x1000>{base, {0x3fc, 0x400}}, ring};
//     pl061 gpio{watched, base};                                  // any driver
//
// For memory-mapped buses and for port buses. A store is recorded before it happens, so that one that stops the
// machine is there; a load after it. With a sink that discards, nothing of this is left in the code. Leaves out
// forbidding accesses, which monitor/ does.
#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>

#include <shoal/hal/access_filter.hpp>
#include <shoal/hal/access_record.hpp>
#include <shoal/hal/access_sink.hpp>
#include <shoal/hal/bus_address.hpp>
#include <shoal/hal/cycle_counter.hpp>
#include <shoal/hal/mmio_bus.hpp>
#include <shoal/hal/recorder.hpp>

namespace shoal::hal {

/// @tparam Bus  a copy is kept, as buses are handles; a reference where that is wrong
/// @tparam Filter, Sink, Counter  as of recorder
template <class Bus, access_filter Filter, access_sink Sink, counter Counter = cycle_counter>
  requires mmio_bus<std::remove_reference_t<Bus>> || port_bus<std::remove_reference_t<Bus>>
class recording {
  using bus_type = std::remove_reference_t<Bus>;

 public:
  /// @param source  the number of this device in the records
  constexpr recording(Bus bus, Filter&& filter, Sink&& sink, std::uint16_t source = 0) noexcept
      : bus_(bus), recorder_(std::forward<Filter>(filter), std::forward<Sink>(sink), source) {}

  template <register_word T>
    requires requires(bus_type& bus, bus_address address) { bus.template load<T>(address); }
  [[nodiscard]] constexpr T load(bus_address address) noexcept {
    const T value = bus_.template load<T>(address);
    recorder_.note(access::load, static_cast<std::uint64_t>(address), value, sizeof(T));
    return value;
  }
  template <register_word T>
    requires requires(bus_type& bus, bus_address address, T value) { bus.template store<T>(address, value); }
  constexpr void store(bus_address address, T value) noexcept {
    recorder_.note(access::store, static_cast<std::uint64_t>(address), value, sizeof(T));
    bus_.template store<T>(address, value);
  }

  template <register_word T>
    requires requires(bus_type& bus, port_address port) { bus.template in<T>(port); }
  [[nodiscard]] constexpr T in(port_address port) noexcept {
    const T value = bus_.template in<T>(port);
    recorder_.note(access::in, static_cast<std::uint64_t>(port), value, sizeof(T));
    return value;
  }
  template <register_word T>
    requires requires(bus_type& bus, port_address port, T value) { bus.template out<T>(port, value); }
  constexpr void out(port_address port, T value) noexcept {
    recorder_.note(access::out, static_cast<std::uint64_t>(port), value, sizeof(T));
    bus_.template out<T>(port, value);
  }

  /// To move a BAR, and to flush: of this copy, unless they are references.
  [[nodiscard]] constexpr std::remove_reference_t<Filter>& filter() noexcept
    requires(!discarding_sink<Sink>)
  {
    return recorder_.filter();
  }
  [[nodiscard]] constexpr std::remove_reference_t<Sink>& sink() noexcept
    requires(!discarding_sink<Sink>)
  {
    return recorder_.sink();
  }

 private:
  [[no_unique_address]] Bus bus_;
  [[no_unique_address]] recorder<Filter, Sink, Counter> recorder_;
};
template <class Bus, class Filter, class Sink>
recording(Bus, Filter&&, Sink&&, std::uint16_t = 0) -> recording<Bus, Filter, Sink>;

}  // namespace shoal::hal
