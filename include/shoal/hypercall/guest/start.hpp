// SPDX-License-Identifier: BSL-1.0
//
// start: what a unikernel finds when it starts: its devices as they were attached, and its command line. Of the
// guest. Freestanding.
//
//     extern "C" void unikernel_start(const boot_info* info) {
//       const start found{*info};
//       disk storage{hypercall_instruction{}, 1, found.device(1)};
//       hal::mapped_bus<> bus = found.registers(2);
//       if (found.command_line() == "verbose"sv) ...
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <shoal/hal/bus_address.hpp>
#include <shoal/hal/mapped_bus.hpp>
#include <shoal/hypercall/abi.hpp>
#include <shoal/hypercall/manifest.hpp>

namespace shoal::hypercall::guest {

/// Refers to memory that the tender filled in and that stays.
class start {
 public:
  explicit start(const boot_info& info) noexcept : info_(info) {}

  [[nodiscard]] std::uint64_t memory_size() const noexcept { return info_.memory_size; }
  /// Of the processor's counter, in Hz.
  [[nodiscard]] std::uint64_t cycle_frequency() const noexcept { return info_.cycle_frequency; }
  /// @pre handle is that of a device in the unikernel's manifest
  [[nodiscard]] const manifest_entry& device(std::uint64_t handle) const noexcept {
    return at<manifest_entry>(info_.manifest + manifest::header_size)[handle];
  }
  /// Of a device that has_registers(): they begin at range().base(). @pre as of device()
  [[nodiscard]] hal::mapped_bus<> registers(std::uint64_t handle) const noexcept {
    const manifest_entry& entry = device(handle);
    const std::uint64_t address = entry.registers_address();
    return {hal::bus_range{hal::bus_address{address}, entry.registers_size()},
            std::bit_cast<volatile void*>(static_cast<std::uintptr_t>(address))};
  }
  [[nodiscard]] std::string_view command_line() const noexcept {
    const char* const text = at<char>(info_.command_line);
    std::size_t size = 0;
    while (size < layout::command_line_size && text[size] != 0) ++size;
    return {text, size};
  }

 private:
  template <class T>
  static const T* at(std::uint64_t address) noexcept {
    return std::bit_cast<const T*>(static_cast<std::uintptr_t>(address));
  }

  const boot_info& info_;
};

}  // namespace shoal::hypercall::guest
