// SPDX-License-Identifier: BSL-1.0
//
// kvm_exit: what a processor of KVM has left its guest for, where the kernel says it: taken apart when somebody
// looks. Of kvm_vcpu; by itself for tests.
//
//     const kvm_exit exit{shared};                        // KVM_EXIT_IO or KVM_EXIT_MMIO
//     if (const status_or<call> what = call_of(exit)) ...
//     else complain(access_of(exit));
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <linux/kvm.h>

#include <shoal/base/endian.hpp>
#include <shoal/base/status.hpp>
#include <shoal/hypercall/abi.hpp>
#include <shoal/hypercall/handler.hpp>
#include <shoal/hypercall/transport.hpp>

namespace shoal::linux_os {

/// Refers to what the kernel shares, and is valid until the processor runs again.
class kvm_exit {
 public:
  using space = hypercall::guest_access::space;

  constexpr kvm_exit() noexcept = default;
  /// @pre it says KVM_EXIT_IO or KVM_EXIT_MMIO
  explicit constexpr kvm_exit(const kvm_run& shared) noexcept : shared_(&shared) {}

  /// A port, or memory that is none.
  [[nodiscard]] friend space space_of(kvm_exit e) noexcept {
    return e.shared_->exit_reason == KVM_EXIT_IO ? space::port : space::memory;
  }

  /// An access of several units at once has width 0.
  [[nodiscard]] friend hypercall::guest_access access_of(kvm_exit e) noexcept {
    return space_of(e) == space::port ? e.port_access() : e.memory_access();
  }

  /// As for any access; that of x86-64 by one comparison.
  [[nodiscard]] friend status_or<hypercall::call> call_of(kvm_exit e) noexcept {
    if (space_of(e) != space::port) return hypercall::call_of(e.memory_access());
    // From the lowest byte on: direction, size, port in two and count in four. With what a call has taken off,
    // and the port moved down, there is the number, and above it the bits in which anything is different.
    constexpr std::uint64_t first_call = KVM_EXIT_IO_OUT | sizeof(std::uint32_t) << 8 |
                                         std::uint64_t{hypercall::port_base} << 16 | std::uint64_t{1} << 32;
    const std::uint64_t what = load_le<std::uint64_t>(reinterpret_cast<const std::byte*>(&e.shared_->io));
    const std::uint64_t number = std::rotr(what - first_call, 16);
    if (number >= hypercall::most_numbers) return status::unsupported;
    return hypercall::call{static_cast<std::uint32_t>(number), load_le<std::uint32_t>(e.port_data())};
  }

 private:
  [[nodiscard]] const std::byte* port_data() const noexcept {
    return reinterpret_cast<const std::byte*>(shared_) + shared_->io.data_offset;
  }
  [[nodiscard]] hypercall::guest_access port_access() const noexcept {
    const auto& io = shared_->io;
    hypercall::guest_access access{.where = hypercall::guest_access::space::port,
                                   .is_write = io.direction == KVM_EXIT_IO_OUT,
                                   .width = io.count == 1 ? io.size : std::uint8_t{0},
                                   .address = io.port};
    if (access.is_write) access.value = value_of(port_data(), access.width);
    return access;
  }
  [[nodiscard]] hypercall::guest_access memory_access() const noexcept {
    const auto& mmio = shared_->mmio;
    hypercall::guest_access access{.where = hypercall::guest_access::space::memory,
                                   .is_write = mmio.is_write != 0,
                                   .width = static_cast<std::uint8_t>(std::min<std::uint32_t>(mmio.len, 8)),
                                   .address = mmio.phys_addr};
    if (access.is_write) access.value = value_of(reinterpret_cast<const std::byte*>(mmio.data), access.width);
    return access;
  }
  /// Of at most eight bytes.
  [[nodiscard]] static std::uint64_t value_of(const std::byte* from, std::size_t width) noexcept {
    std::byte bytes[8]{};
    std::memcpy(bytes, from, std::min(sizeof bytes, width));
    return load_le<std::uint64_t>(bytes);
  }

  const kvm_run* shared_ = nullptr;
};

}  // namespace shoal::linux_os
