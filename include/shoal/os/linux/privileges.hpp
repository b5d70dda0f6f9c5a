// SPDX-License-Identifier: BSL-1.0
//
// drop_privileges: for good, in all threads, before a program serves somebody who may be hostile.
//
//     if (const std::optional<kept_privilege> kept = drop_privileges())
//       return tell("cannot do without privileges", kept->step, kept->why);
//
// Leaves out which system calls are made then: system_filter.hpp. Without that, a program of root in a user
// namespace that has no other user could become root in it again.
#pragma once

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>
#include <thread>

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <shoal/os/posix/unique_fd.hpp>

namespace shoal::linux_os {

/// What could not be given up.
struct kept_privilege {
  std::string_view step;  ///< the system call, or what it was about
  std::error_code why;
};

namespace detail {

using capability_sets = std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>;

/// True when this thread has any, or may hand any on.
[[nodiscard]] inline bool has_capabilities(pid_t thread) noexcept {
  __user_cap_header_struct head{.version = _LINUX_CAPABILITY_VERSION_3, .pid = thread};
  capability_sets sets{};
  if (::syscall(SYS_capget, &head, sets.data()) != 0) return false;  // it has ended
  for (const auto& each : sets) {
    if ((each.effective | each.permitted | each.inheritable) != 0) return true;
  }
  return false;
}

/// The calling thread's, and with them its ambient ones. For a handler of signals, too.
inline void empty_capabilities(int) noexcept {
  const int kept = errno;
  __user_cap_header_struct head{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  const capability_sets none{};
  static_cast<void>(::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
  static_cast<void>(::syscall(SYS_capset, &head, none.data()));
  errno = kept;
}

/// Tells each thread that has capabilities to give them up. How many that were; -1 when nobody says which
/// threads there are.
inline int ask_threads(int signal) {
  const std::unique_ptr<DIR, int (*)(DIR*)> threads{::opendir("/proc/self/task"), &::closedir};
  if (!threads) return -1;
  int asked = 0;
  while (const dirent* each = ::readdir(threads.get())) {
    const std::string_view name = each->d_name;
    pid_t thread = 0;
    std::from_chars(name.data(), name.data() + name.size(), thread);
    if (thread == 0 || !has_capabilities(thread)) continue;
    ++asked;
    static_cast<void>(::syscall(SYS_tgkill, ::getpid(), thread, signal));
  }
  return asked;
}

/// True when this user namespace lets nobody change groups.
[[nodiscard]] inline bool groups_are_fixed() noexcept {
  std::array<char, 8> text{};
  const posix::unique_fd file{::open("/proc/self/setgroups", O_RDONLY | O_CLOEXEC)};
  return file && ::read(file.get(), text.data(), text.size()) >= 4 && std::memcmp(text.data(), "deny", 4) == 0;
}

}  // namespace detail

/// Empties the sets of capabilities of all threads, each of which does so itself when SIGURG comes to it:
/// capset(2) knows the calling thread alone. That signal is somebody else's before and after.
[[nodiscard]] inline std::optional<kept_privilege> drop_capabilities() {
  if (!detail::has_capabilities(0)) return std::nullopt;  // nor has any thread that this one has made
  detail::empty_capabilities(0);
  struct sigaction act{};
  struct sigaction before{};
  act.sa_handler = &detail::empty_capabilities;
  act.sa_flags = SA_RESTART;
  if (::sigaction(SIGURG, &act, &before) != 0) return kept_privilege{"sigaction(2)", posix::last_error()};
  int capable = detail::ask_threads(SIGURG);
  for (int asked = 1; capable > 0 && asked < 1000; ++asked) {
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
    capable = detail::ask_threads(SIGURG);
  }
  const std::error_code why = capable < 0 ? posix::last_error() : std::error_code{};
  ::sigaction(SIGURG, &before, nullptr);
  if (capable < 0) return kept_privilege{"/proc/self/task", why};
  if (capable > 0) return kept_privilege{"capset(2)", std::make_error_code(std::errc::operation_not_permitted)};
  return std::nullopt;
}

/// Of root: becomes this user for good, without groups, as far as the user namespace has such a user and groups
/// can be changed in it; of all: without capabilities. Nobody may trace the process or read its memory after.
[[nodiscard]] inline std::optional<kept_privilege> drop_privileges(uid_t user = 65534, gid_t group = 65534) {
  const auto kept = [](std::string_view step, int error) {
    return kept_privilege{step, {error, std::system_category()}};
  };
  if (::geteuid() == 0) {
    if (::setgroups(0, nullptr) != 0) {
      const int error = errno;
      if (error != EPERM || !detail::groups_are_fixed()) return kept("setgroups(2)", error);
    }
    // EINVAL: this user namespace has no such id
    if (::setresgid(group, group, group) != 0 && errno != EINVAL) return kept("setresgid(2)", errno);
    if (::setresuid(user, user, user) != 0 && errno != EINVAL) return kept("setresuid(2)", errno);
  }
  if (const std::optional<kept_privilege> capable = drop_capabilities()) return capable;
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return kept("prctl(PR_SET_DUMPABLE)", errno);
  return std::nullopt;
}

}  // namespace shoal::linux_os
