// SPDX-License-Identifier: BSL-1.0
//
// cycle_counter: the cheapest counter of time that the processor has; what a recorder stamps records with. What
// it counts, and how fast, is found out afterwards, from moments at which a clock was read as well.
// Freestanding.
//
//     const std::uint64_t before = cycle_counter::now();
//
// x86: the time-stamp counter; AArch64: CNTVCT_EL0; RISC-V: time; s390x: the TOD clock. Elsewhere
// std::chrono::steady_clock, and 0 without a library: give the recorder a counter of the board then.
#pragma once

#include <concepts>
#include <cstdint>

#if __STDC_HOSTED__
#include <chrono>
#endif

namespace shoal::hal {

/// Something whose static `now()` does not go back on one processor.
template <class C>
concept counter = requires {
  { C::now() } noexcept -> std::same_as<std::uint64_t>;
};

struct cycle_counter {
  [[nodiscard]] static std::uint64_t now() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
    std::uint64_t count;
    asm volatile("mrs %0, cntvct_el0" : "=r"(count));
    return count;
#elif defined(__riscv) && __riscv_xlen == 64
    std::uint64_t count;
    asm volatile("rdtime %0" : "=r"(count));
    return count;
#elif defined(__s390x__)
    std::uint64_t count;
    asm volatile("stckf %0" : "=Q"(count) : : "cc");
    return count;
#elif __STDC_HOSTED__
    return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
#else
    return 0;
#endif
  }
};
static_assert(counter<cycle_counter>);

}  // namespace shoal::hal
