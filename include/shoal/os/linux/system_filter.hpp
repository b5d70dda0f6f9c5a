// SPDX-License-Identifier: BSL-1.0
//
// system_filter: which system calls a program may still make, as a seccomp filter.
//
//     system_filter filter;
//     filter.allow({SYS_read, SYS_write, SYS_exit_group}).allow_if(SYS_ioctl, 1, KVM_RUN);
//     if (const result<> in = filter.enter(); !in) return in.error();
//     // what is not allowed kills the process from now on
//
// For what serves somebody who may be hostile, once it has all it needs and privileges.hpp has taken what it
// had. Lists for tenders: guest_filter.hpp. x86-64 and aarch64.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <shoal/base/error.hpp>
#include <shoal/base/result.hpp>
#include <shoal/os/posix/unique_fd.hpp>

namespace shoal::linux_os {

class system_filter {
 public:
  system_filter& allow(std::initializer_list<long> numbers) {
    for (const long number : numbers) {
      unless_number(number, 1);
      add(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    }
    return *this;
  }
  /// An argument of a call by its index from 0, of which the low 32 bits are looked at.
  struct argument {
    unsigned index;
    std::uint32_t value;
  };
  /// With these values as arguments, all of them.
  system_filter& allow_if(long number, std::initializer_list<argument> all) {
    auto left = static_cast<std::uint8_t>(2 * all.size());  // instructions that look at arguments
    unless_number(number, static_cast<std::uint8_t>(left + 2));
    for (const argument& each : all) {
      left = static_cast<std::uint8_t>(left - 2);
      load_argument(each.index);
      add(BPF_JMP | BPF_JEQ | BPF_K, each.value, 0, static_cast<std::uint8_t>(left + 1));
    }
    add(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    load_number();
    return *this;
  }
  /// With this value as argument `index`.
  system_filter& allow_if(long number, unsigned index, std::uint32_t value) {
    return allow_if(number, {{index, value}});
  }
  /// With none of these bits set in argument `index`.
  system_filter& allow_without(long number, unsigned index, std::uint32_t bits) {
    unless_number(number, 4);
    load_argument(index);
    add(BPF_JMP | BPF_JSET | BPF_K, bits, 1, 0);
    add(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    load_number();
    return *this;
  }
  /// As far as they are not allowed, these do not happen, and say this errno: for what libraries try and can do
  /// without.
  system_filter& fail(std::initializer_list<long> numbers, int error) {
    for (const long number : numbers) {
      failing_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(number), 0, 1));
      failing_.push_back(BPF_STMT(BPF_RET | BPF_K,
                                  SECCOMP_RET_ERRNO | (static_cast<std::uint32_t>(error) & SECCOMP_RET_DATA)));
    }
    return *this;
  }

  /// From now on, for good, in all threads. errc::unsupported on other processors, errc::busy when a thread has
  /// a filter that this does not know, or what the system says.
  [[nodiscard]] result<> enter() const {
    if (architecture == 0) return errc::unsupported;
    std::vector<sock_filter> code{
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, architecture, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
    };
    code.insert(code.end(), rules_.begin(), rules_.end());
    code.insert(code.end(), failing_.begin(), failing_.end());
    code.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
    const sock_fprog program{.len = static_cast<unsigned short>(code.size()), .filter = code.data()};
    if (code.size() > BPF_MAXINSNS) return errc::limit_exceeded;
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return posix::last_error();
    const long entered = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
    if (entered < 0) return posix::last_error();
    if (entered > 0) return errc::busy;
    return {};
  }

 private:
#if defined(__x86_64__)
  static constexpr std::uint32_t architecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
  static constexpr std::uint32_t architecture = AUDIT_ARCH_AARCH64;
#else
  static constexpr std::uint32_t architecture = 0;
#endif

  void add(int code, std::uint32_t value, std::uint8_t if_true = 0, std::uint8_t if_false = 0) {
    rules_.push_back({static_cast<std::uint16_t>(code), if_true, if_false, value});
  }
  void unless_number(long number, std::uint8_t skip) {
    add(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(number), 0, skip);
  }
  void load_number() { add(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)); }
  void load_argument(unsigned index) {  // both architectures are little-endian
    add(BPF_LD | BPF_W | BPF_ABS,
        static_cast<std::uint32_t>(offsetof(seccomp_data, args) + std::size_t{8} * index));
  }

  std::vector<sock_filter> rules_;
  std::vector<sock_filter> failing_;  // come after all that is allowed
};

}  // namespace shoal::linux_os
