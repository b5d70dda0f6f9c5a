// SPDX-License-Identifier: BSL-1.0
//
// The start of an x86-64 processor of KVM: its features, its registers, the speed of its counter.
//
//     if (const result<> set = start_processor(host, cpu, x86_64_entry_state(guest.entry(), size)); !set) ...
//     const result<std::uint64_t> frequency = counter_frequency(cpu);
//
// Elsewhere than on x86-64 there is nothing in it.
#pragma once

#ifdef __x86_64__

#include <cstddef>
#include <cstdint>
#include <memory>

#include <linux/kvm.h>

#include <shoal/base/error.hpp>
#include <shoal/base/result.hpp>
#include <shoal/hypercall/x86_64_machine.hpp>
#include <shoal/os/linux/kvm.hpp>
#include <shoal/os/linux/kvm_vcpu.hpp>
#include <shoal/os/posix/unique_fd.hpp>

namespace shoal::linux_os {

namespace detail {

[[nodiscard]] constexpr kvm_segment to_kvm(const hypercall::x86_64_segment& s) noexcept {
  kvm_segment out{};
  out.base = s.base;
  out.limit = s.limit;
  out.selector = s.selector;
  out.type = s.type;
  out.present = s.present;
  out.s = s.code_or_data;
  out.l = s.wide;
  out.db = s.big;
  out.g = s.granular;
  out.unusable = s.unusable;
  return out;
}

/// All that the host's processor and KVM can do.
inline result<> give_features(const kvm_host& host, const kvm_vcpu& cpu) {
  // kvm_cpuid2 of linux/kvm.h ends in an array without a size, and C++ compilers do not agree with the kernel
  // about how large that is
  constexpr std::uint32_t most = 256;
  struct list {
    std::uint32_t count = most;
    std::uint32_t padding = 0;
    kvm_cpuid_entry2 entries[most];
  };
  constexpr unsigned long get_supported = _IOC(_IOC_READ | _IOC_WRITE, KVMIO, 0x05, 8);
  constexpr unsigned long set = _IOC(_IOC_WRITE, KVMIO, 0x90, 8);
  const auto features = std::make_unique<list>();  // too large for a stack
  if (kvm_call(host.fd(), get_supported, features.get()) != 0) return posix::last_error();
  if (kvm_call(cpu.fd(), set, features.get()) != 0) return posix::last_error();
  return {};
}

}  // namespace detail

/// Puts a processor where an hvt guest begins.
[[nodiscard]] inline result<> start_processor(const kvm_host& host, const kvm_vcpu& cpu,
                                              const hypercall::x86_64_entry& entry) {
  if (const result<> given = detail::give_features(host, cpu); !given) return given.error();
  kvm_sregs system{};
  if (detail::kvm_call(cpu.fd(), KVM_GET_SREGS, &system) != 0) return posix::last_error();
  system.cr0 = entry.cr0;
  system.cr3 = entry.cr3;
  system.cr4 = entry.cr4;
  system.efer = entry.efer;
  system.gdt.base = entry.gdt_base;
  system.gdt.limit = entry.gdt_limit;
  system.idt = {};
  system.cs = detail::to_kvm(entry.code);
  for (kvm_segment* const s : {&system.ds, &system.es, &system.fs, &system.gs, &system.ss}) {
    *s = detail::to_kvm(entry.data);
  }
  system.tr = detail::to_kvm(entry.task);
  system.ldt = detail::to_kvm(entry.local);
  if (detail::kvm_call(cpu.fd(), KVM_SET_SREGS, &system) != 0) return posix::last_error();
  kvm_regs general{};
  general.rip = entry.rip;
  general.rsp = entry.rsp;
  general.rdi = entry.rdi;
  general.rflags = entry.rflags;
  if (detail::kvm_call(cpu.fd(), KVM_SET_REGS, &general) != 0) return posix::last_error();
  return {};
}

/// Of the guest's time stamp counter, in Hz. errc::unsupported when KVM does not know.
[[nodiscard]] inline result<std::uint64_t> counter_frequency(const kvm_vcpu& cpu) noexcept {
  const int kilohertz = detail::kvm_call(cpu.fd(), KVM_GET_TSC_KHZ, 0);
  if (kilohertz <= 0) return errc::unsupported;
  return static_cast<std::uint64_t>(kilohertz) * 1000;
}

/// Where the guest is: for messages. 0 when KVM does not say.
[[nodiscard]] inline std::uint64_t instruction_pointer(const kvm_vcpu& cpu) noexcept {
  kvm_regs general{};
  return detail::kvm_call(cpu.fd(), KVM_GET_REGS, &general) == 0 ? general.rip : 0;
}

}  // namespace shoal::linux_os

#endif
