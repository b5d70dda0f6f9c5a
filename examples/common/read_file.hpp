// SPDX-License-Identifier: BSL-1.0
//
// read_file: small files that people name on command lines: keys, rules, traces.
//
//     const std::string text = common::read_file(path, "swarm key", 64_KiB, "Kubo calls it swarm.key");
//
//     const common::opened_file file{path, "guest", 256_MiB, "give the path of a unikernel"};
//     std::string content;
//     file.read_until(content, 4_KiB);                              // its headers
//     file.read_until(content, end_of_segments(content));
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <shoal/os/posix/unique_fd.hpp>

#include "message.hpp"

namespace common {

/// A file or a pipe, read from its beginning on as far as is wanted.
class opened_file {
 public:
  /// @param what  it is  @param most  bytes that one can have  @throws failure
  opened_file(std::string path, std::string what, std::uintmax_t most, std::string next_step)
      : path_(std::move(path)),
        what_(std::move(what)),
        next_step_(std::move(next_step)),
        most_(most),
        file_(::open(path_.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (!file_) fail(shoal::posix::last_error());
    struct stat status{};
    if (::fstat(file_.get(), &status) == 0 && S_ISREG(status.st_mode))
      size_ = static_cast<std::uintmax_t>(status.st_size);
  }

  /// Reads on until there are `size` bytes in all, or the file ends.
  /// @param content  what was read before  @throws failure
  void read_until(std::string& content, std::uintmax_t size) const {
    constexpr std::uintmax_t piece = 1u << 16;
    const std::uintmax_t limit = std::min(size, most_ + 1);
    std::size_t filled = content.size();
    while (filled < limit) {
      if (filled == content.size())
        content.resize(static_cast<std::size_t>(std::min(limit, std::max(size_ + 1, filled + piece))));
      const ssize_t n = ::read(file_.get(), content.data() + filled, content.size() - filled);
      if (n < 0 && errno != EINTR) fail(shoal::posix::last_error());
      if (n == 0) break;
      filled += static_cast<std::size_t>(std::max<ssize_t>(n, 0));
    }
    if (filled > most_) fail(make_error_code(std::errc::file_too_large));
    content.resize(filled);
  }

 private:
  [[noreturn]] void fail(std::error_code why) const {
    throw failure{"cannot read the " + what_ + " " + path_, why, next_step_};
  }

  std::string path_;
  std::string what_;
  std::string next_step_;
  std::uintmax_t most_;
  shoal::posix::unique_fd file_;
  std::uintmax_t size_ = 0;  // of a pipe it is not known
};

/// The whole of a file, or of a pipe. As opened_file.
inline std::string read_file(const std::string& path, const std::string& what, std::uintmax_t most,
                             const std::string& next_step) {
  std::string content;
  opened_file{path, what, most, next_step}.read_until(content, std::numeric_limits<std::uintmax_t>::max());
  return content;
}

}  // namespace common
