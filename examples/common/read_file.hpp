// SPDX-License-Identifier: BSL-1.0
//
// read_file: small files that people name on command lines: keys, rules, traces.
//
//     const std::string text = common::read_file(path, "swarm key", 64_KiB, "Kubo calls it swarm.key");
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <shoal/os/posix/unique_fd.hpp>

#include "message.hpp"

namespace common {

/// The whole of a file, or of a pipe.
/// @param what  it is  @param most  bytes that one can have  @throws failure
inline std::string read_file(const std::string& path, const std::string& what, std::uintmax_t most,
                             const std::string& next_step) {
  const auto fail = [&](std::error_code why) {
    throw failure{"cannot read the " + what + " " + path, why, next_step};
  };
  const shoal::posix::unique_fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file) fail(shoal::posix::last_error());
  struct stat status{};
  constexpr std::size_t piece = 1u << 16;
  const bool tells_its_size = ::fstat(file.get(), &status) == 0 && S_ISREG(status.st_mode);
  const std::uintmax_t expected = tells_its_size ? static_cast<std::uintmax_t>(status.st_size) : piece;
  std::string content(static_cast<std::size_t>(std::min(expected, most)) + 1, '\0');
  std::size_t filled = 0;
  for (;;) {
    if (filled > most) fail(make_error_code(std::errc::file_too_large));
    if (filled == content.size()) content.resize(filled + piece);
    const ssize_t n = ::read(file.get(), content.data() + filled, content.size() - filled);
    if (n < 0 && errno != EINTR) fail(shoal::posix::last_error());
    if (n == 0) break;
    filled += static_cast<std::size_t>(std::max<ssize_t>(n, 0));
  }
  content.resize(filled);
  return content;
}

}  // namespace common
