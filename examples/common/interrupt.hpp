// SPDX-License-Identifier: BSL-1.0
//
// Ctrl-C, SIGTERM and SIGHUP for batch programs: a stop_token instead of sudden death, so that nothing
// half-written stays behind.
//
//     interrupt ctrl_c;
//     options.stop = ctrl_c.token();
#pragma once

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <ctime>
#include <mutex>
#include <stop_token>
#include <thread>

namespace common {

/// Make it before any other thread: those inherit that the signals are blocked, and one thread waits for them.
class interrupt {
 public:
  interrupt() {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGINT);
    sigaddset(&signals_, SIGTERM);
    sigaddset(&signals_, SIGHUP);  // the terminal is gone
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
    waiter_ = std::jthread{[this](const std::stop_token& program_ends) {
      const timespec poll{0, 50'000'000};
      while (!program_ends.stop_requested()) {
        if (sigtimedwait(&signals_, nullptr, &poll) > 0) stop_.request_stop();
      }
    }};
  }

  [[nodiscard]] std::stop_token token() const noexcept { return stop_.get_token(); }

  /// Sleeps. False when the user wants to end, which wakes it.
  [[nodiscard]] bool sleep_for(std::chrono::nanoseconds time) const {
    std::mutex mutex;
    std::condition_variable_any nobody;
    std::unique_lock lock{mutex};
    nobody.wait_for(lock, token(), time, [] { return false; });
    return !token().stop_requested();
  }

 private:
  sigset_t signals_;
  std::stop_source stop_;
  std::jthread waiter_;
};

}  // namespace common
