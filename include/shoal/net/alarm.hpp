// SPDX-License-Identifier: BSL-1.0
//
// alarm: calls a function at the earliest of the times that it was set to, once.
//
//     alarm clock{executor, [this] { tick(); }};
//     clock.set(deadline);                         // nothing happens when it is set to an earlier time already
#pragma once

#include <chrono>
#include <functional>
#include <system_error>
#include <utility>

#include <asio/any_io_executor.hpp>
#include <asio/steady_timer.hpp>

namespace shoal::net {

/// One strand. Calls nothing any more once it is gone.
class alarm {
 public:
  using clock = std::chrono::steady_clock;

  alarm(const asio::any_io_executor& executor, std::function<void()> ring)
      : timer_(executor), ring_(std::move(ring)) {}
  alarm(const alarm&) = delete;
  alarm& operator=(const alarm&) = delete;

  void set(clock::time_point when) {
    if (when >= at_) return;
    at_ = when;
    timer_.expires_at(when);
    timer_.async_wait([this](std::error_code cancelled) {
      if (cancelled) return;
      at_ = clock::time_point::max();
      ring_();
    });
  }

 private:
  asio::steady_timer timer_;
  std::function<void()> ring_;
  clock::time_point at_ = clock::time_point::max();
};

}  // namespace shoal::net
