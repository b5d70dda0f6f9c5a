// SPDX-License-Identifier: BSL-1.0
//
// mapped_bus: registers that are mapped into the address space. Freestanding.
//
//     mapped_bus bus{bus_range{bus_address{0x3f20'0000}, 0x1000}, pointer};            // known at run time
//     mapped_bus<fixed_range<0x3f20'0000, 0x1000>> bus{{}, pointer};                   // known when compiled
//
// For guests and bare metal, and behind os/linux/mapped_registers.hpp. An access outside the range, or not at a
// multiple of its width, reads ones or is ignored. With a fixed range and an address that the compiler knows
// nothing is left of that check. Leaves out barriers: map registers as device memory.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

#include <shoal/base/bytes.hpp>
#include <shoal/hal/bus_address.hpp>
#include <shoal/hal/mmio_bus.hpp>

namespace shoal::hal {

/// Where the registers are on the bus. One that would wrap around is empty.
class bus_range {
 public:
  constexpr bus_range() noexcept = default;
  constexpr bus_range(bus_address base, std::uint64_t size) noexcept
      : base_(base), size_(static_cast<std::uint64_t>(base) + size >= size ? size : 0) {}
  [[nodiscard]] constexpr bus_address base() const noexcept { return base_; }
  [[nodiscard]] constexpr std::uint64_t size() const noexcept { return size_; }

 private:
  bus_address base_{};
  std::uint64_t size_ = 0;
};

/// The same, known when the program is compiled.
template <std::uint64_t Base, std::uint64_t Size>
struct fixed_range {
  static_assert(Base + Size >= Size, "a range does not wrap around");
  [[nodiscard]] static constexpr bus_address base() noexcept { return bus_address{Base}; }
  [[nodiscard]] static constexpr std::uint64_t size() noexcept { return Size; }
};

template <class R>
concept any_range = requires(const R& range) {
  { range.base() } noexcept -> std::same_as<bus_address>;
  { range.size() } noexcept -> std::same_as<std::uint64_t>;
};

/// Copies are the same registers.
template <any_range Range = bus_range>
class mapped_bus {
 public:
  /// @param memory  where range.base() is mapped, aligned for its registers; lives as long as the bus
  constexpr mapped_bus(Range range, volatile void* memory) noexcept : range_(range), memory_(memory) {}

  template <register_word T>
    requires(sizeof(T) <= sizeof(std::size_t))  // a wider access would be two
  [[nodiscard]] T load(bus_address address) noexcept {
    const std::uint64_t offset = offset_of(address);
    if (!holds<T>(offset)) return static_cast<T>(~T{0});
    return *at<T>(offset);
  }
  template <register_word T>
    requires(sizeof(T) <= sizeof(std::size_t))
  void store(bus_address address, T value) noexcept {
    const std::uint64_t offset = offset_of(address);
    if (holds<T>(offset)) *at<T>(offset) = value;
  }

  [[nodiscard]] constexpr Range range() const noexcept { return range_; }

 private:
  [[nodiscard]] constexpr std::uint64_t offset_of(bus_address address) const noexcept {
    return static_cast<std::uint64_t>(address) - static_cast<std::uint64_t>(range_.base());
  }
  template <class T>
  [[nodiscard]] constexpr bool holds(std::uint64_t offset) const noexcept {
    return contains(range_.size(), offset, sizeof(T)) && offset % sizeof(T) == 0;
  }
  // Registers are no objects of the program: any width may look at them.
  template <class T>
  [[nodiscard]] auto at(std::uint64_t offset) const noexcept {
    using word [[gnu::may_alias]] = T;
    return reinterpret_cast<volatile word*>(static_cast<volatile std::byte*>(memory_) +
                                            static_cast<std::size_t>(offset));
  }

  [[no_unique_address]] Range range_;
  volatile void* memory_;
};
static_assert(mmio_bus<mapped_bus<>> && mmio_bus<mapped_bus<fixed_range<0, 4096>>>);

}  // namespace shoal::hal
