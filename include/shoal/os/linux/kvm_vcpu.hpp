// SPDX-License-Identifier: BSL-1.0
//
// kvm_vcpu: a processor of a kvm_machine, as a hypercall::vcpu: it runs a guest up to its next access that is
// no memory.
//
//     stop_signals stop;                                              // before other threads are made
//     result<kvm_vcpu> cpu = kvm_vcpu::create(host, machine, stop.set());
//     ... registers: kvm_x86_64.hpp ...
//     ending e = serve(*cpu, table, memory);
//     if (e.why == ending_reason::crashed) complain(cpu->crash());
//
// One thread. What stops it are signals, which are let in while the guest runs and at no other time: none is
// missed between two runs, and no handler is needed.
#pragma once

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

#include <linux/kvm.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <shoal/base/endian.hpp>
#include <shoal/base/error.hpp>
#include <shoal/base/result.hpp>
#include <shoal/base/status.hpp>
#include <shoal/hypercall/transport.hpp>
#include <shoal/os/linux/kvm.hpp>
#include <shoal/os/linux/kvm_exit.hpp>
#include <shoal/os/linux/stop_signals.hpp>
#include <shoal/os/posix/mapped_pages.hpp>
#include <shoal/os/posix/unique_fd.hpp>

namespace shoal::linux_os {

/// Why a processor cannot run on.
enum class kvm_crash : std::uint8_t {
  none,
  halted,    ///< it waits for an interrupt, and there are none
  shutdown,  ///< it failed to report a failure: a triple fault
  emulator,  ///< the instruction is one that KVM cannot emulate
  entry,     ///< the state is none that a processor can have
  memory,    ///< KVM cannot use memory that it was given
  other,     ///< the system does not say, or in words that are too new
};

/// In the words of a message: "the guest ...".
[[nodiscard]] constexpr std::string_view text_of(kvm_crash why) noexcept {
  switch (why) {
    case kvm_crash::none: return "has not crashed";
    case kvm_crash::halted: return "waits for an interrupt, and there are none";
    case kvm_crash::shutdown: return "failed to handle a failure of its own (triple fault)";
    case kvm_crash::emulator: return "ran an instruction that this KVM cannot emulate";
    case kvm_crash::entry: return "has a state that no processor can have";
    case kvm_crash::memory: return "reached for memory that KVM cannot use";
    case kvm_crash::other: break;
  }
  return "cannot run on, for a reason that KVM does not give";
}

class kvm_vcpu {
 public:
  /// @param stop  signals that end run(); the thread that runs has them blocked
  [[nodiscard]] static result<kvm_vcpu> create(const kvm_host& host, const kvm_machine& machine,
                                               const sigset_t& stop) noexcept {
    const int size = detail::kvm_call(host.fd(), KVM_GET_VCPU_MMAP_SIZE, 0);
    if (size < 0) return posix::last_error();
    if (static_cast<std::size_t>(size) < sizeof(kvm_run)) return errc::unsupported;
    posix::unique_fd fd{detail::kvm_call(machine.fd(), KVM_CREATE_VCPU, 0)};
    if (!fd) return posix::last_error();
    if (const result<> let_in = admit(fd, stop); !let_in) return let_in.error();
    result<posix::mapped_pages> shared =
        posix::mapped_pages::map(static_cast<std::size_t>(size), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get());
    if (!shared) return shared.error();
    return kvm_vcpu{std::move(fd), std::move(*shared), stop};
  }

  /// Runs the guest up to its next access. timed_out when a signal is there that stops it, and stays there;
  /// failed when the guest cannot run on: crash() says why.
  [[nodiscard]] status_or<kvm_exit> run() noexcept {
    while (::ioctl(fd_.get(), KVM_RUN, 0) != 0) {
      if (errno == EINTR && is_pending(stop_)) return status::timed_out;
      if (errno == EINTR || errno == EAGAIN) continue;  // who was stopped by Ctrl-Z or a debugger goes on
      return fail(errno == EFAULT ? kvm_crash::memory : kvm_crash::other);
    }
    switch (shared().exit_reason) {
      [[likely]] case KVM_EXIT_IO:
        return kvm_exit{shared()};  // the calls of x86-64
      case KVM_EXIT_MMIO: return kvm_exit{shared()};
      case KVM_EXIT_HLT: return fail(kvm_crash::halted);
      case KVM_EXIT_SHUTDOWN: return fail(kvm_crash::shutdown);
      case KVM_EXIT_INTERNAL_ERROR:
        return fail(shared().internal.suberror == KVM_INTERNAL_ERROR_EMULATION ? kvm_crash::emulator
                                                                               : kvm_crash::other);
      case KVM_EXIT_FAIL_ENTRY: return fail(kvm_crash::entry);
      default: return fail(kvm_crash::other);
    }
  }

  /// What the read that run() gave last shall give. @pre it gave a read
  void answer(std::uint64_t value) noexcept {
    std::byte bytes[8];
    store_le<std::uint64_t>(bytes, value);
    if (shared().exit_reason == KVM_EXIT_IO) {
      std::memcpy(port_data(), bytes, std::min<std::size_t>(sizeof bytes, shared().io.size));
    } else {
      std::memcpy(shared().mmio.data, bytes, sizeof bytes);
    }
  }

  /// Why run() has failed.
  [[nodiscard]] kvm_crash crash() const noexcept { return crash_; }

  /// Stays owned by this.
  [[nodiscard]] const posix::unique_fd& fd() const noexcept { return fd_; }

 private:
  kvm_vcpu(posix::unique_fd fd, posix::mapped_pages pages, const sigset_t& stop) noexcept
      : fd_(std::move(fd)), pages_(std::move(pages)), stop_(stop) {}

  [[nodiscard]] kvm_run& shared() const noexcept { return *reinterpret_cast<kvm_run*>(pages_.bytes().data()); }

  static result<> admit(const posix::unique_fd& fd, const sigset_t& stop) noexcept {
    constexpr std::size_t size = 8;  // of a set of signals, as the kernel has it
    sigset_t mask;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    for (int signal = 1; signal < NSIG; ++signal) {
      if (sigismember(&stop, signal) == 1) sigdelset(&mask, signal);
    }
    // kvm_signal_mask of linux/kvm.h ends in an array without a size, and C++ compilers do not agree with the
    // kernel about how large that is
    struct {
      std::uint32_t length = size;
      std::byte bytes[size];
    } wanted;
    std::memcpy(wanted.bytes, &mask, size);
    constexpr unsigned long set_signal_mask = _IOC(_IOC_WRITE, KVMIO, 0x8b, sizeof(std::uint32_t));
    if (detail::kvm_call(fd, set_signal_mask, &wanted) != 0) return posix::last_error();
    return {};
  }

  status fail(kvm_crash why) noexcept {
    crash_ = why;
    return status::failed;
  }

  [[nodiscard]] std::byte* port_data() const noexcept {
    return pages_.bytes().data() + shared().io.data_offset;
  }

  posix::unique_fd fd_;
  posix::mapped_pages pages_;  // those that it shares with the kernel: a kvm_run at first
  sigset_t stop_;
  kvm_crash crash_ = kvm_crash::none;
};
static_assert(hypercall::vcpu<kvm_vcpu>);

}  // namespace shoal::linux_os
