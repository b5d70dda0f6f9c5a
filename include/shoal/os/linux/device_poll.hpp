// SPDX-License-Identifier: BSL-1.0
//
// device_poll: waits for a guest until one of its devices has something, the time is over, or a signal stops
// it. A hypercall::device_waiter over descriptors, and over devices that have none and can only be asked.
//
//     device_poll waiter{stop};
//     waiter.add(handle, tap.fd());
//     waiter.add_asked(handle, [&] { return chip.has_event(); });
//     poll_calls poll{waiter};
//
// One thread.
#pragma once

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <functional>
#include <utility>
#include <vector>

#include <poll.h>

#include <shoal/base/status.hpp>
#include <shoal/hypercall/manifest.hpp>
#include <shoal/hypercall/standard_calls.hpp>
#include <shoal/os/linux/stop_signals.hpp>

namespace shoal::linux_os {

class device_poll {
 public:
  /// Between two looks at devices that have to be asked.
  static constexpr std::chrono::nanoseconds between_looks = std::chrono::milliseconds{1};

  /// @param stop  outlives this
  explicit device_poll(const stop_signals& stop) : ready_{{.fd = stop.fd(), .events = POLLIN, .revents = 0}} {}

  /// A device that has something when its descriptor is readable, or will never be again: then the guest finds
  /// out by using it. It outlives this.
  void add(std::uint64_t handle, int fd) {
    ready_.push_back({.fd = fd, .events = POLLIN, .revents = 0});
    sources_.push_back({handle, fd});
  }
  /// A device that says whether it has something.
  /// @param fd  readable when it may have: it is asked again and again only without one
  void add_asked(std::uint64_t handle, std::function<bool()> has_something, int fd = -1) {
    asked_.push_back({handle, std::move(has_something), fd < 0});
    if (fd >= 0) add(handle, fd);
  }

  /// See hypercall::device_waiter. Gives 0 early when a signal stops the guest.
  [[nodiscard]] std::uint64_t wait(std::uint64_t handles, std::uint64_t nanoseconds) noexcept {
    using clock = std::chrono::steady_clock;
    const std::chrono::nanoseconds time{static_cast<std::int64_t>(std::min(nanoseconds, longest))};
    const clock::time_point end = clock::now() + time;
    const bool asks = std::ranges::any_of(
        asked_, [&](const asked& one) { return one.again && (handles >> one.handle & 1) != 0; });
    std::chrono::nanoseconds left = time;
    while (true) {
      const std::uint64_t found = ask(handles);
      const std::chrono::nanoseconds now = found != 0 ? std::chrono::nanoseconds{0} : left;
      bool stopped = false;
      const std::uint64_t all = found | look(handles, asks ? std::min(now, between_looks) : now, stopped);
      left = end - clock::now();
      if (all != 0 || stopped || left <= std::chrono::nanoseconds{0}) return all;
    }
  }

 private:
  struct source {
    std::uint64_t handle;
    int fd;
  };
  struct asked {
    std::uint64_t handle;
    std::function<bool()> has_something;
    bool again;
  };
  static constexpr std::uint64_t longest = 1'000'000'000'000'000;  // eleven days, which fits all that follows

  [[nodiscard]] std::uint64_t ask(std::uint64_t handles) const noexcept {
    std::uint64_t found = 0;
    for (const asked& one : asked_) {
      if ((handles >> one.handle & 1) != 0 && one.has_something()) found |= std::uint64_t{1} << one.handle;
    }
    return found;
  }
  std::uint64_t look(std::uint64_t handles, std::chrono::nanoseconds time, bool& stopped) noexcept {
    constexpr std::chrono::nanoseconds::rep second = 1'000'000'000;
    const timespec longest_wait{.tv_sec = static_cast<time_t>(time.count() / second),
                                .tv_nsec = static_cast<long>(time.count() % second)};
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      const bool wanted = (handles >> sources_[i].handle & 1) != 0;
      ready_[i + 1].fd = wanted ? sources_[i].fd : -1;  // poll leaves that out
    }
    std::uint64_t found = 0;
    if (::ppoll(ready_.data(), ready_.size(), &longest_wait, nullptr) <= 0) return 0;
    stopped = ready_[0].revents != 0;
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      if (ready_[i + 1].revents != 0) found |= std::uint64_t{1} << sources_[i].handle;
    }
    return found;
  }

  std::vector<pollfd> ready_;  // the first is that of the signals, the others are those of the sources
  std::vector<source> sources_;
  std::vector<asked> asked_;
};
static_assert(hypercall::device_waiter<device_poll>);

}  // namespace shoal::linux_os
