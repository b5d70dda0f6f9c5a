// SPDX-License-Identifier: BSL-1.0
//
// guest_console: what a guest prints, to a descriptor, as far as it may: a hypercall::console_sink that a
// signal stops even where the reader of a pipe has stopped reading.
//
//     guest_console console{STDOUT_FILENO, stop, 1_MiB};
//     console_calls print{console};
//
// What the guest prints is passed on as it is.
#pragma once

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <system_error>

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <shoal/base/bytes.hpp>
#include <shoal/base/status.hpp>
#include <shoal/hypercall/standard_calls.hpp>
#include <shoal/os/linux/stop_signals.hpp>
#include <shoal/os/posix/unique_fd.hpp>

namespace shoal::linux_os {

class guest_console {
 public:
  static constexpr std::uint64_t unlimited = std::numeric_limits<std::uint64_t>::max();

  /// @param fd    outlives this, as does `stop`
  /// @param most  bytes
  explicit guest_console(int fd, const stop_signals& stop, std::uint64_t most = unlimited) noexcept
      : fd_(fd), stop_(stop), left_(most) {
    struct stat told{};
    may_block_ = ::fstat(fd, &told) == 0 && !S_ISREG(told.st_mode);
  }

  /// limit_exceeded when it was too much, of which the first part is printed; failed when it cannot be printed:
  /// see problem(); ok, and the rest not printed, when a signal stops the guest.
  status write(bytes_view text) noexcept {
    const bool fits = text.size() <= left_;
    if (!fits) text = text.first(static_cast<std::size_t>(left_));
    while (!text.empty()) {
      if (may_block_ && !wait()) return status::ok;
      // a pipe with room has room for this much
      const std::size_t piece = may_block_ ? std::min<std::size_t>(text.size(), PIPE_BUF) : text.size();
      const ssize_t n = ::write(fd_, text.data(), piece);
      if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      if (n <= 0) {
        problem_ = posix::last_error();
        return status::failed;
      }
      left_ -= static_cast<std::uint64_t>(n);
      text = text.subspan(static_cast<std::size_t>(n));
    }
    return fits ? status::ok : status::limit_exceeded;
  }

  [[nodiscard]] bool is_full() const noexcept { return left_ == 0; }
  /// Why something could not be printed.
  [[nodiscard]] std::error_code problem() const noexcept { return problem_; }

 private:
  /// False when a signal is there instead.
  [[nodiscard]] bool wait() const noexcept {
    std::array<pollfd, 2> ready{pollfd{.fd = fd_, .events = POLLOUT, .revents = 0},
                                pollfd{.fd = stop_.fd(), .events = POLLIN, .revents = 0}};
    while (true) {
      const int n = ::ppoll(ready.data(), ready.size(), nullptr, nullptr);
      if (n < 0 && errno == EINTR) continue;
      return n < 0 || ready[0].revents != 0;
    }
  }

  int fd_;
  const stop_signals& stop_;
  std::uint64_t left_;
  bool may_block_;
  std::error_code problem_;
};
static_assert(hypercall::console_sink<guest_console>);

}  // namespace shoal::linux_os
