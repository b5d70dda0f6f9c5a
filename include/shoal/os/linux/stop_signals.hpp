// SPDX-License-Identifier: BSL-1.0
//
// stop_signals: Ctrl-C, SIGTERM, SIGHUP and a time limit, for a program whose thread waits in the system most
// of the time: in a guest, for a device.
//
//     stop_signals stop;                                   // before other threads are made
//     stop.limit(std::chrono::seconds{10});
//     ... kvm_vcpu::create(host, machine, stop.set()); pollfd{.fd = stop.fd(), ...} ...
//     if (stop.take() == SIGALRM) complain("took too long");
//
// They are blocked in the process, and wait until somebody takes them. One of these in a process.
#pragma once

#include <chrono>
#include <csignal>
#include <ctime>

#include <pthread.h>
#include <sys/signalfd.h>
#include <sys/time.h>

#include <shoal/os/posix/unique_fd.hpp>

namespace shoal::linux_os {

/// True when one of these is there, for this thread; it stays.
[[nodiscard]] inline bool is_pending(const sigset_t& signals) noexcept {
  sigset_t pending;
  sigset_t both;
  ::sigpending(&pending);
  sigandset(&both, &pending, &signals);
  return sigisemptyset(&both) == 0;
}

class stop_signals {
 public:
  stop_signals() noexcept {
    sigemptyset(&set_);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGALRM}) sigaddset(&set_, signal);
    ::pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    fd_ = posix::unique_fd{::signalfd(-1, &set_, SFD_CLOEXEC | SFD_NONBLOCK)};
  }
  stop_signals(const stop_signals&) = delete;
  stop_signals& operator=(const stop_signals&) = delete;
  ~stop_signals() { limit({}); }

  [[nodiscard]] const sigset_t& set() const noexcept { return set_; }
  /// Polls as readable when one is there. -1 when the system has none.
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

  /// SIGALRM comes in this time; 0: not any more.
  void limit(std::chrono::microseconds time) const noexcept {
    constexpr std::chrono::microseconds::rep second = 1'000'000;
    itimerval when{};
    when.it_value.tv_sec = static_cast<time_t>(time.count() / second);
    when.it_value.tv_usec = static_cast<suseconds_t>(time.count() % second);
    ::setitimer(ITIMER_REAL, &when, nullptr);
  }

  /// True when one is there; it stays.
  [[nodiscard]] bool waiting() const noexcept { return is_pending(set_); }
  /// One that is there, which goes; 0 when there is none.
  int take() const noexcept {
    constexpr timespec at_once{};
    const int signal = ::sigtimedwait(&set_, nullptr, &at_once);
    return signal < 0 ? 0 : signal;
  }

 private:
  sigset_t set_;
  posix::unique_fd fd_;
};

}  // namespace shoal::linux_os
