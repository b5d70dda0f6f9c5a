// SPDX-License-Identifier: BSL-1.0
#include <shoal/os/linux/system_filter.hpp>

#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include <shoal/os/linux/guest_filter.hpp>

using namespace shoal;
using namespace shoal::linux_os;

#if defined(__x86_64__) || defined(__aarch64__)

namespace {

/// How a child ends that does this inside of a filter: its exit status, or less the signal that killed it. 100
/// when it cannot enter.
template <class Act>
int ends_with(const system_filter& filter, Act act) {
  const pid_t child = ::fork();
  if (child == 0) {
    // past the C library: sanitizers do something at a program's end
    ::syscall(SYS_exit_group, filter.enter() ? act() : 100);
  }
  int status = 0;
  if (::waitpid(child, &status, 0) != child) return 101;
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/// Past the C library, whose calls may be others than they seem.
int try_call(long number, long first = 0, long second = 0, long third = 0) {
  errno = 0;
  return ::syscall(number, first, second, third) < 0 ? errno : 0;
}

/// An emulator of processors has no filters.
bool works() {
  system_filter filter;
  filter.allow({SYS_exit_group});
  const bool yes = ends_with(filter, [] { return 7; }) == 7;
  if (!yes) MESSAGE("skipped: the system has no filters of system calls");
  return yes;
}

}  // namespace

TEST_CASE("what is not allowed kills, and what is allowed works") {
  if (!works()) return;
  system_filter filter;
  filter.allow({SYS_exit_group, SYS_getpid});
  CHECK(ends_with(filter, [] { return try_call(SYS_getpid); }) == 0);
  CHECK(ends_with(filter, [] { return try_call(SYS_getppid); }) == -SIGSYS);
  CHECK(ends_with(filter, [] { return try_call(SYS_socket, 2, 1, 0); }) == -SIGSYS);
}

TEST_CASE("an argument decides, where one is asked for") {
  if (!works()) return;
  system_filter filter;
  filter.allow({SYS_exit_group})
      .allow_if(SYS_lseek, 2, 7)
      .allow_if(SYS_lseek, 2, 8)
      .allow_without(SYS_dup3, 2, O_CLOEXEC)
      .allow({SYS_getpid});
  CHECK(ends_with(filter, [] { return try_call(SYS_lseek, -1, 0, 7); }) == EBADF);
  CHECK(ends_with(filter, [] { return try_call(SYS_lseek, -1, 0, 8); }) == EBADF);
  CHECK(ends_with(filter, [] { return try_call(SYS_lseek, -1, 0, 9); }) == -SIGSYS);
  CHECK(ends_with(filter, [] { return try_call(SYS_dup3, -1, 5, 0); }) == EBADF);
  CHECK(ends_with(filter, [] { return try_call(SYS_dup3, -1, 5, O_CLOEXEC); }) == -SIGSYS);
  CHECK(ends_with(filter, [] { return try_call(SYS_getpid); }) == 0);
}

TEST_CASE("a call can fail instead, unless it is allowed later") {
  if (!works()) return;
  system_filter filter;
  filter.allow({SYS_exit_group}).fail({SYS_getppid, SYS_lseek}, EPERM).allow_if(SYS_lseek, 2, 7);
  CHECK(ends_with(filter, [] { return try_call(SYS_getppid); }) == EPERM);
  CHECK(ends_with(filter, [] { return try_call(SYS_lseek, -1, 0, 7); }) == EBADF);
  CHECK(ends_with(filter, [] { return try_call(SYS_lseek, -1, 0, 0); }) == EPERM);
}

TEST_CASE("a guest's tender opens nothing, starts nothing and runs no memory of its own") {
  if (!works()) return;
  const system_filter filter = guest_filter();
  CHECK(ends_with(filter, [] {
          return try_call(SYS_openat, AT_FDCWD, reinterpret_cast<long>("/etc/passwd"));
        }) == EPERM);
  CHECK(ends_with(filter, [] { return try_call(SYS_socket, 2, 1, 0); }) == -SIGSYS);
  CHECK(ends_with(filter, [] { return try_call(SYS_execve, 0, 0, 0); }) == -SIGSYS);
  CHECK(ends_with(filter, [] { return try_call(SYS_clone, 0, 0, 0); }) == -SIGSYS);
  CHECK(ends_with(filter, [] { return try_call(SYS_ptrace, 0, 0, 0); }) == -SIGSYS);
  CHECK(ends_with(filter, [] { return try_call(SYS_ioctl, 0, 0x5401, 0); }) == ENOTTY);
  CHECK(ends_with(filter, [] { return try_call(SYS_mprotect, 0, 4096, PROT_READ | PROT_EXEC); }) == -SIGSYS);
  CHECK(ends_with(filter, [] { return try_call(SYS_pread64, -1, 0, 0); }) == -SIGSYS);
  system_filter with_files = guest_filter();
  allow_files(with_files);
  CHECK(ends_with(with_files, [] { return try_call(SYS_pread64, -1, 0, 0); }) == EBADF);
  system_filter with_peers = guest_filter();
  allow_peers(with_peers);
  CHECK(ends_with(with_peers, [] { return try_call(SYS_socket, -1, 1, 0); }) == EAFNOSUPPORT);
  CHECK(ends_with(with_peers, [] { return try_call(SYS_execve, 0, 0, 0); }) == -SIGSYS);
}

#endif
