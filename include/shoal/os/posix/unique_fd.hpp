// SPDX-License-Identifier: BSL-1.0
//
// unique_fd: a file descriptor that is closed when its owner goes.
//
//     unique_fd file{::open(path, O_RDONLY | O_CLOEXEC)};
//     if (!file) return last_error();
#pragma once

#include <cerrno>
#include <system_error>
#include <utility>

#include <unistd.h>

namespace shoal::posix {

/// Owns one file descriptor, or none.
class unique_fd {
 public:
  unique_fd() noexcept = default;
  /// @param fd  taken over; negative for none
  explicit unique_fd(int fd) noexcept : fd_(fd) {}
  unique_fd(unique_fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  unique_fd& operator=(unique_fd&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~unique_fd() { reset(); }

  explicit operator bool() const noexcept { return fd_ >= 0; }
  /// The descriptor, which stays owned; -1 for none.
  [[nodiscard]] int get() const noexcept { return fd_; }
  /// Gives the descriptor up without closing it.
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
  /// Closes it. Whoever cares about write errors calls fsync first.
  void reset() noexcept {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

/// errno as the operating system left it.
[[nodiscard]] inline std::error_code last_error() noexcept {
  return {errno, std::system_category()};
}

}  // namespace shoal::posix
