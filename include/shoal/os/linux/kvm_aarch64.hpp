// SPDX-License-Identifier: BSL-1.0
//
// The start of an aarch64 processor of KVM: its features, its registers, the speed of its counter.
//
//     if (const result<> set = start_processor(machine, cpu, aarch64_entry_state(guest.entry(), size)); !set)
//     ... const result<std::uint64_t> frequency = counter_frequency(cpu);
//
// Elsewhere than on aarch64 there is nothing in it.
#pragma once

#ifdef __aarch64__

#include <cstddef>
#include <cstdint>

#include <linux/kvm.h>

#include <shoal/base/error.hpp>
#include <shoal/base/result.hpp>
#include <shoal/hypercall/aarch64_machine.hpp>
#include <shoal/os/linux/kvm.hpp>
#include <shoal/os/linux/kvm_vcpu.hpp>
#include <shoal/os/posix/unique_fd.hpp>

namespace shoal::linux_os {

namespace detail {

/// A register of struct kvm_regs, by its offset there.
[[nodiscard]] constexpr std::uint64_t core_register(std::size_t offset) noexcept {
  return KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | offset / sizeof(std::uint32_t);
}
/// One of the system's, by the numbers that `mrs` has.
[[nodiscard]] constexpr std::uint64_t system_register(std::uint64_t op1, std::uint64_t crn, std::uint64_t crm,
                                                      std::uint64_t op2) noexcept {
  constexpr std::uint64_t op0 = 3;
  return KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM64_SYSREG | op0 << 14 | op1 << 11 | crn << 7 | crm << 3 |
         op2;
}

[[nodiscard]] inline result<> set_register(const kvm_vcpu& cpu, std::uint64_t which,
                                           std::uint64_t value) noexcept {
  const kvm_one_reg wanted{.id = which, .addr = reinterpret_cast<std::uintptr_t>(&value)};
  if (kvm_call(cpu.fd(), KVM_SET_ONE_REG, &wanted) != 0) return posix::last_error();
  return {};
}
[[nodiscard]] inline result<std::uint64_t> get_register(const kvm_vcpu& cpu, std::uint64_t which) noexcept {
  std::uint64_t value = 0;
  const kvm_one_reg wanted{.id = which, .addr = reinterpret_cast<std::uintptr_t>(&value)};
  if (kvm_call(cpu.fd(), KVM_GET_ONE_REG, &wanted) != 0) return posix::last_error();
  return value;
}

}  // namespace detail

/// Puts a processor where an hvt guest begins.
[[nodiscard]] inline result<> start_processor(const kvm_machine& machine, const kvm_vcpu& cpu,
                                              const hypercall::aarch64_entry& entry) {
  kvm_vcpu_init kind{};
  if (detail::kvm_call(machine.fd(), KVM_ARM_PREFERRED_TARGET, &kind) != 0) return posix::last_error();
  if (detail::kvm_call(cpu.fd(), KVM_ARM_VCPU_INIT, &kind) != 0) return posix::last_error();
  constexpr std::uint64_t control = detail::system_register(0, 1, 0, 0);
  const result<std::uint64_t> reset = detail::get_register(cpu, control);  // with bits that have to be one
  if (!reset) return reset.error();
  const struct {
    std::uint64_t which;
    std::uint64_t value;
  } all[] = {
      {detail::core_register(offsetof(kvm_regs, regs.pc)), entry.pc},
      {detail::core_register(offsetof(kvm_regs, regs.regs)), entry.x0},
      {detail::core_register(offsetof(kvm_regs, regs.pstate)), entry.pstate},
      {detail::core_register(offsetof(kvm_regs, sp_el1)), entry.sp_el1},
      {detail::system_register(0, 1, 0, 2), entry.cpacr_el1},
      {detail::system_register(0, 10, 2, 0), entry.mair_el1},
      {detail::system_register(0, 2, 0, 2), entry.tcr_el1},
      {detail::system_register(0, 2, 0, 0), entry.ttbr0_el1},
      {control, *reset | entry.sctlr_el1},
  };
  for (const auto& each : all) {
    if (const result<> set = detail::set_register(cpu, each.which, each.value); !set) return set;
  }
  return {};
}

/// Of the generic timer, in Hz: the host's, which is the guest's.
[[nodiscard]] inline result<std::uint64_t> counter_frequency(const kvm_vcpu&) noexcept {
  std::uint64_t frequency = 0;
  asm("mrs %0, cntfrq_el0" : "=r"(frequency));
  if (frequency == 0) return errc::unsupported;
  return frequency;
}

/// Where the guest is: for messages. 0 when KVM does not say.
[[nodiscard]] inline std::uint64_t instruction_pointer(const kvm_vcpu& cpu) noexcept {
  const auto at = detail::get_register(cpu, detail::core_register(offsetof(kvm_regs, regs.pc)));
  return at ? *at : 0;
}

}  // namespace shoal::linux_os

#endif
