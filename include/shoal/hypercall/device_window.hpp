// SPDX-License-Identifier: BSL-1.0
//
// device_window: a vcpu whose guest finds a bus at some of its addresses: its register accesses reach whatever
// that bus is: hardware, a model, one that records. Freestanding.
//
//     device_window machine{cpu, bus_range{bus_address{0x1'0000'0000}, 0x1000}, bus};
//     const ending e = serve(machine, table, memory);
//
// Of the tender. Whole accesses of 1, 2, 4 and 8 bytes as far as the bus has them; others are what ends a
// guest. Leaves out the guest's page tables: it maps such addresses itself.
#pragma once

#include <concepts>
#include <cstdint>

#include <shoal/base/status.hpp>
#include <shoal/hal/bus_address.hpp>
#include <shoal/hal/mapped_bus.hpp>
#include <shoal/hal/mmio_bus.hpp>
#include <shoal/hypercall/transport.hpp>

namespace shoal::hypercall {

/// `answer(value)`: what the read that run() gave last shall give.
template <class V>
concept answering_vcpu = vcpu<V> && requires(V& processor, std::uint64_t value) {
  { processor.answer(value) } noexcept -> std::same_as<void>;
};

/// Refers to both. A vcpu itself.
template <answering_vcpu V, hal::mmio_bus Bus>
class device_window {
 public:
  constexpr device_window(V& processor, hal::bus_range range, Bus& bus) noexcept
      : processor_(processor), bus_(bus), range_(range) {}

  /// As that of the vcpu, but for what the bus serves.
  auto run() noexcept {
    while (true) {
      auto exit = processor_.run();
      if (!exit || space_of(*exit) != guest_access::space::memory) return exit;
      const guest_access access = access_of(*exit);
      if (!is_here(access) || !serve(access)) return exit;
    }
  }
  void answer(std::uint64_t value) noexcept { processor_.answer(value); }

 private:
  [[nodiscard]] bool is_here(const guest_access& a) const noexcept {
    const auto base = static_cast<std::uint64_t>(range_.base());
    return a.address >= base && a.width <= range_.size() && a.address - base <= range_.size() - a.width;
  }

  /// False when the bus has no such access.
  bool serve(const guest_access& a) noexcept {
    switch (a.width) {
      case 1: return transfer<std::uint8_t>(a);
      case 2: return transfer<std::uint16_t>(a);
      case 4: return transfer<std::uint32_t>(a);
      case 8: return transfer<std::uint64_t>(a);
      default: return false;
    }
  }
  template <class T>
  bool transfer(const guest_access& a) noexcept {
    const hal::bus_address at{a.address};
    if constexpr (requires(T value) {
                    { bus_.template load<T>(at) } -> std::same_as<T>;
                    bus_.template store<T>(at, value);
                  }) {
      if (a.address % sizeof(T) != 0) return false;
      if (a.is_write) {
        bus_.template store<T>(at, static_cast<T>(a.value));
      } else {
        processor_.answer(bus_.template load<T>(at));
      }
      return true;
    } else {
      return false;
    }
  }

  V& processor_;
  Bus& bus_;
  hal::bus_range range_;
};

}  // namespace shoal::hypercall
