// SPDX-License-Identifier: BSL-1.0
#include <shoal/os/linux/system_filter.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/capability.h>
#include <netdb.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include <shoal/os/linux/guest_filter.hpp>
#include <shoal/os/linux/inherited_descriptors.hpp>
#include <shoal/os/linux/privileges.hpp>

using namespace shoal;
using namespace shoal::linux_os;

#if defined(__x86_64__) || defined(__aarch64__)

namespace {

/// How a child ends that does this: its exit status, or less the signal that killed it.
template <class Act>
int child_ends_with(Act act) {
  const pid_t child = ::fork();
  if (child == 0)
    ::syscall(SYS_exit_group, act());  // past the C library: sanitizers do something at a program's end
  int status = 0;
  if (::waitpid(child, &status, 0) != child) return 101;
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/// The same inside of a filter; 100 when it cannot enter.
template <class Act>
int ends_with(const system_filter& filter, Act act) {
  return child_ends_with([&] { return filter.enter() ? act() : 100; });
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
}

TEST_CASE("all that an argument is to be, it has to be") {
  if (!works()) return;
  system_filter filter;
  filter.allow({SYS_exit_group}).allow_if(SYS_lseek, {{1, 5}, {2, 7}}).allow_if(SYS_lseek, {{1, 6}, {2, 8}});
  filter.allow({SYS_getpid});
  CHECK(ends_with(filter, [] { return try_call(SYS_lseek, -1, 5, 7); }) == EBADF);
  CHECK(ends_with(filter, [] { return try_call(SYS_lseek, -1, 6, 8); }) == EBADF);
  CHECK(ends_with(filter, [] { return try_call(SYS_lseek, -1, 5, 8); }) == -SIGSYS);
  CHECK(ends_with(filter, [] { return try_call(SYS_lseek, -1, 6, 7); }) == -SIGSYS);
  CHECK(ends_with(filter, [] { return try_call(SYS_getpid); }) == 0);
}

TEST_CASE("peers are spoken with over TCP and UDP, and by no other family of sockets") {
  if (!works()) return;
  system_filter peers = guest_filter();
  allow_peers(peers);
  for (const int family : {AF_INET, AF_INET6}) {
    // what no family has as a type: the kernel has looked at it
    CHECK(ends_with(peers, [&] { return try_call(SYS_socket, family, 15, IPPROTO_TCP); }) == EINVAL);
    CHECK(ends_with(peers, [&] { return try_call(SYS_socket, family, SOCK_STREAM, IPPROTO_SCTP); }) ==
          EAFNOSUPPORT);
  }
  CHECK(ends_with(peers, [] { return try_call(SYS_socket, AF_INET, SOCK_STREAM, IPPROTO_TCP); }) == 0);
  for (const int family : {AF_UNIX, AF_NETLINK, AF_PACKET, AF_VSOCK, AF_ALG, AF_BLUETOOTH, -1}) {
    CAPTURE(family);
    CHECK(ends_with(peers, [&] { return try_call(SYS_socket, family, SOCK_DGRAM, 0); }) == EAFNOSUPPORT);
  }
  CHECK(ends_with(peers, [] { return try_call(SYS_execve, 0, 0, 0); }) == -SIGSYS);
  CHECK(ends_with(peers, [] { return try_call(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0); }) == -SIGSYS);

  system_filter listed = guest_filter();
  allow_peers(listed);
  allow_interfaces(listed);
  CHECK(ends_with(listed, [] { return try_call(SYS_socket, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE); }) == 0);
  CHECK(ends_with(listed, [] { return try_call(SYS_socket, AF_NETLINK, SOCK_RAW, NETLINK_AUDIT); }) ==
        EAFNOSUPPORT);

  system_filter server = guest_filter();
  allow_local_server(server);
  CHECK(ends_with(server, [] { return try_call(SYS_socket, AF_UNIX, SOCK_STREAM, 0); }) == 0);
  CHECK(ends_with(server, [] { return try_call(SYS_socket, AF_INET, SOCK_STREAM, 0); }) == -SIGSYS);
  CHECK(ends_with(server, [] { return try_call(SYS_bind, -1, 0, 0); }) == -SIGSYS);

  system_filter connected = guest_filter();
  allow_connections(connected);
  CHECK(ends_with(connected, [] { return try_call(SYS_socket, AF_INET, SOCK_STREAM, 0); }) == -SIGSYS);
  CHECK(ends_with(connected, [] { return try_call(SYS_connect, -1, 0, 0); }) == -SIGSYS);
}

TEST_CASE("what peers ask the C library goes on, and finds less") {
  if (!works()) return;
#if defined(__SANITIZE_THREAD__)
  MESSAGE(
      "skipped: ThreadSanitizer's own thread asks for what the filter forbids, when the child lives that long");
  return;
#endif
  const auto look = [](const char* host, int flags) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = flags | AI_NUMERICSERV;
    addrinfo* found = nullptr;
    if (::getaddrinfo(host, "4001", &hints, &found) != 0) return 1;
    ::freeaddrinfo(found);
    return 0;
  };
  const auto list = [] {
    ifaddrs* all = nullptr;
    const bool some = ::getifaddrs(&all) == 0 && all != nullptr;
    ::freeifaddrs(all);
    return some ? 0 : 1;
  };
  // each in a child whose filter has its own process id
  const auto inside = [](bool interfaces, auto act) {
    return child_ends_with([&] {
      system_filter filter = guest_filter();
      allow_peers(filter);
      if (interfaces) allow_interfaces(filter);
      return filter.enter() ? act() : 100;
    });
  };
  CHECK(inside(false, [&] { return look("127.0.0.1", AI_NUMERICHOST); }) == 0);
  CHECK(inside(false, [&] { return look("::1", AI_ADDRCONFIG); }) == 0);
  CHECK(inside(false, [&] { return look("peer.example", 0); }) == 1);  // and does not end the process
  CHECK(inside(false, [&] { return list(); }) == 1);
  if (list() == 0) CHECK(inside(true, [&] { return list(); }) == 0);
}

TEST_CASE("signals reach this process alone") {
  if (!works()) return;
  const auto inside = [](auto act) {
    return child_ends_with([&] {
      system_filter filter = guest_filter();
      allow_files(filter);
      allow_peers(filter);
      allow_local_server(filter);
      std::signal(SIGABRT, SIG_DFL);  // the test's program has a handler
      return filter.enter() ? act() : 100;
    });
  };
  const pid_t parent = ::getpid();
  CHECK(inside([] { return try_call(SYS_tgkill, ::getpid(), ::getpid(), 0); }) == 0);
  CHECK(inside([] { return try_call(SYS_tgkill, ::getpid(), ::getpid(), SIGABRT); }) == -SIGABRT);
  CHECK(inside([&] { return try_call(SYS_tgkill, parent, parent, 0); }) == -SIGSYS);
  CHECK(inside([&] { return try_call(SYS_kill, parent, 0); }) == -SIGSYS);
  CHECK(inside([&] { return try_call(SYS_tkill, parent, 0); }) == -SIGSYS);
  CHECK(inside([&] { return try_call(SYS_fcntl, -1, F_SETOWN, parent); }) == -SIGSYS);
  CHECK(inside([&] { return try_call(SYS_fcntl, -1, F_SETSIG, SIGKILL); }) == -SIGSYS);
  CHECK(inside([&] { return try_call(SYS_fcntl, -1, F_GETFL); }) == EBADF);
}

TEST_CASE("descriptors that nobody names are closed, by one call or one after the other") {
  if (!works()) return;
  const auto open_after = [](auto close_all) {
    return child_ends_with([&] {
      for (int fd = 10; fd < 16; ++fd) ::dup2(STDERR_FILENO, fd);
      ::dup2(STDERR_FILENO, 700);
      close_all();
      int open = 0;  // a bit for each of 10 to 15, and one for that far away
      for (int i = 0; i < 6; ++i) open |= ::fcntl(10 + i, F_GETFD) >= 0 ? 1 << i : 0;
      if (::fcntl(700, F_GETFD) >= 0) open |= 1 << 6;
      if (::fcntl(STDOUT_FILENO, F_GETFD) < 0 || ::fcntl(STDERR_FILENO, F_GETFD) < 0) open = 99;
      return open;
    });
  };
  CHECK(open_after([] {}) == 0x7f);
  CHECK(open_after([] { close_inherited({}); }) == 0);
  CHECK(open_after([] { close_inherited({14, 11, 11, -1, 2, 9}); }) == 0x12);
  CHECK(open_after([] { close_inherited({700, 2147483647}); }) == 0x40);
  CHECK(open_after([] { linux_os::detail::close_each(3, 4294967295u); }) == 0);
  CHECK(open_after([] { linux_os::detail::close_each(11, 14); }) == 0x61);
}

namespace {

/// Writes it into a file that is there. False when that cannot be.
bool put(const char* path, const std::string& text) {
  const posix::unique_fd file{::open(path, O_WRONLY | O_CLOEXEC)};
  return file && ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

/// Root, in a user namespace that has nobody else. False when that cannot be.
bool become_lonely_root() {
  const std::string user = "0 " + std::to_string(::geteuid()) + " 1";
  const std::string group = "0 " + std::to_string(::getegid()) + " 1";
  return ::unshare(CLONE_NEWUSER) == 0 && put("/proc/self/setgroups", "deny") &&
         put("/proc/self/uid_map", user) && put("/proc/self/gid_map", group);
}

/// What is dropped while another thread waits: which of the two has capabilities then, by bits.
int capable_after_drop() {
  std::atomic<pid_t> other{0};
  std::thread thread{[&] {
    other = ::gettid();
    for (;;) ::pause();  // until the process ends
  }};
  thread.detach();
  while (other == 0) std::this_thread::yield();
  if (!linux_os::detail::has_capabilities(0) || !linux_os::detail::has_capabilities(other)) return 90;
  if (drop_privileges()) return 91;
  const int kept = linux_os::detail::has_capabilities(0) ? 1 : 0;
  return kept | (linux_os::detail::has_capabilities(other) ? 2 : 0);
}

}  // namespace

TEST_CASE("root becomes nobody, in all threads, and without capabilities") {
  if (!works()) return;
  if (::geteuid() != 0 || !linux_os::detail::has_capabilities(0)) {
    MESSAGE("skipped: only root has what is dropped");
    return;
  }
  CHECK(child_ends_with(capable_after_drop) == 0);
  CHECK(child_ends_with([] {
          if (drop_privileges()) return 91;
          return ::geteuid() == 65534 && ::getegid() == 65534 && ::getgroups(0, nullptr) == 0 ? 0 : 1;
        }) == 0);
}

TEST_CASE("root of a user namespace without others stays, without capabilities") {
  if (!works()) return;
  constexpr int cannot = 77;
  const int capable = child_ends_with([] { return become_lonely_root() ? capable_after_drop() : cannot; });
  if (capable == cannot) {
    MESSAGE("skipped: this user may have no user namespace");
    return;
  }
  CHECK(capable == 0);
  CHECK(child_ends_with([] {
          if (!become_lonely_root() || drop_privileges()) return 91;
          return ::geteuid() == 0 && ::setresuid(0, 0, 0) == 0 ? 0 : 1;
        }) == 0);
}

TEST_CASE("root without the right to change groups is told so") {
  if (!works()) return;
  if (::geteuid() != 0) {
    MESSAGE("skipped: this is about root");
    return;
  }
#if defined(__SANITIZE_THREAD__)
  MESSAGE(
      "skipped: ThreadSanitizer's own thread keeps its capabilities, and the C library wants them all alike");
  return;
#endif
  CHECK(child_ends_with([] {
          linux_os::detail::empty_capabilities(0);
          const std::optional<kept_privilege> kept = drop_privileges();
          return kept && kept->step == "setgroups(2)" && kept->why.value() == EPERM ? 0 : 1;
        }) == 0);
}

#endif
