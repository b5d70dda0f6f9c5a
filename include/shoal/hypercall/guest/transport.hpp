// SPDX-License-Identifier: BSL-1.0
//
// How a unikernel makes a call: hypercall_instruction on x86-64 and aarch64, or anything else that can be
// called, so that a guest's code is tested as an ordinary program. Of the guest. Freestanding.
//
//     hypercall_instruction machine;
//     walltime_call now;
//     machine.call(number::walltime, &now);
//
// The argument lies in the guest's memory, below 4 GiB, where it maps one to one.
#pragma once

#include <concepts>
#include <cstdint>

#include <shoal/base/status.hpp>
#include <shoal/hypercall/abi.hpp>

namespace shoal::hypercall::guest {

/// `call(number, argument)`: the argument has its results when it returns, if it does.
template <class T>
concept transport = requires(T& machine, std::uint32_t number, void* argument) {
  { machine.call(number, argument) } noexcept;
};

/// An address as the host wants it.
[[nodiscard]] inline std::uint64_t address_of(const void* pointer) noexcept {
  return static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(pointer));
}

/// A call's result as a status: busy for again, invalid_argument for invalid.
[[nodiscard]] constexpr status status_of(std::uint32_t result) noexcept {
  switch (static_cast<result_code>(result)) {
    case result_code::ok: return status::ok;
    case result_code::again: return status::busy;
    case result_code::invalid: return status::invalid_argument;
    default: return status::failed;
  }
}

#if defined(__x86_64__) || defined(__aarch64__)
/// What leaves the processor for the tender.
struct hypercall_instruction {
  void call(std::uint32_t number, void* argument) const noexcept {
    const auto address = static_cast<std::uint32_t>(address_of(argument));
#if defined(__x86_64__)
    const auto port = static_cast<std::uint16_t>(port_base + number);
    asm volatile("outl %0, %1" : : "a"(address), "d"(port) : "memory");
#else
    const std::uint64_t where = mmio_base + 8 * std::uint64_t{number};
    asm volatile("str %w0, [%1]" : : "rZ"(address), "r"(where) : "memory");
#endif
  }
};
static_assert(transport<hypercall_instruction>);
#endif

}  // namespace shoal::hypercall::guest
