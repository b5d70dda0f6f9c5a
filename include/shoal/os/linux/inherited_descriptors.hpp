// SPDX-License-Identifier: BSL-1.0
//
// close_inherited: what the program that started this one has left open, perhaps without knowing, is closed.
//
//     close_inherited({7});  // all but the standard streams and 7, which the command line names
//
// At the start of a program, which has opened nothing of its own yet.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <memory>
#include <string_view>
#include <vector>

#include <dirent.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace shoal::linux_os {

namespace detail {

/// As close_range(2), which Linux has from 5.9 on.
inline void close_each(unsigned first, unsigned last) {
  std::vector<int> open;
  {
    const std::unique_ptr<DIR, int (*)(DIR*)> all{::opendir("/proc/self/fd"), &::closedir};
    for (const dirent* each = nullptr; all && (each = ::readdir(all.get())) != nullptr;) {
      const std::string_view name = each->d_name;
      unsigned fd = 0;
      if (std::from_chars(name.data(), name.data() + name.size(), fd).ptr == name.data()) continue;
      if (fd >= first && fd <= last) open.push_back(static_cast<int>(fd));
    }
    if (!all) {
      constexpr unsigned usual = 1u << 16;
      for (unsigned fd = first; fd <= std::min(last, usual); ++fd) open.push_back(static_cast<int>(fd));
    }
  }
  for (const int fd : open) ::close(fd);
}

inline void close_between(unsigned first, unsigned last) {
  if (first > last) return;
#ifdef SYS_close_range
  if (::syscall(SYS_close_range, first, last, 0) == 0) return;
#endif
  close_each(first, last);
}

}  // namespace detail

/// Closes all descriptors above the standard streams but these, of which any may be none.
inline void close_inherited(std::vector<int> keep) {
  std::ranges::sort(keep);
  unsigned first = STDERR_FILENO + 1;
  for (const int each : keep) {
    if (each < 0 || static_cast<unsigned>(each) < first) continue;
    const auto fd = static_cast<unsigned>(each);
    detail::close_between(first, fd - 1);
    first = fd + 1;
  }
  detail::close_between(first, std::numeric_limits<unsigned>::max());
}

}  // namespace shoal::linux_os
