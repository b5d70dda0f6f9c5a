// SPDX-License-Identifier: BSL-1.0
//
// guest_filter: the system calls that a tender makes while its guest runs, by what it serves: lists for a
// system_filter.
//
//     system_filter filter = guest_filter();
//     allow_files(filter);                                 // a disk, or a recording
//     if (tap) allow_frames(filter);
//     if (const result<> in = filter.enter(); !in) return in.error();
//
// What is open stays usable, and nothing else can be opened. Of ioctl() there is KVM_RUN and what GPIO lines
// and I2C buses need.
#pragma once

#include <cerrno>
#include <cstdint>

#include <fcntl.h>
#include <linux/gpio.h>
#include <linux/i2c-dev.h>
#include <linux/kvm.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <shoal/os/linux/system_filter.hpp>

namespace shoal::linux_os {

/// Running the guest, its console, the clock, memory of the program, its end. Of the process that calls this:
/// it may send signals to itself.
[[nodiscard]] inline system_filter guest_filter() {
  system_filter filter;
  // the most frequent first: a filter is read from its beginning for each call
  filter.allow_if(SYS_ioctl, 1, KVM_RUN);
  filter.allow({SYS_write,           SYS_writev,       SYS_ppoll,           SYS_clock_gettime,
                SYS_futex,           SYS_brk,          SYS_munmap,          SYS_mremap,
                SYS_madvise,         SYS_close,        SYS_fstat,           SYS_newfstatat,
                SYS_lseek,           SYS_setitimer,    SYS_rt_sigtimedwait, SYS_rt_sigpending,
                SYS_rt_sigprocmask,  SYS_rt_sigreturn, SYS_restart_syscall, SYS_sched_yield,
                SYS_clock_nanosleep, SYS_getpid,       SYS_gettid,          SYS_rseq,
                SYS_set_robust_list, SYS_exit,         SYS_exit_group});
  filter.allow_if(SYS_tgkill, 0, static_cast<std::uint32_t>(::getpid()));  // abort() is one
  filter.allow_without(SYS_mmap, 2, PROT_EXEC);
  filter.allow_without(SYS_mprotect, 2, PROT_EXEC);
#ifdef __x86_64__
  filter.allow_if(SYS_ioctl, 1, KVM_GET_REGS);  // where a guest was that has crashed
#endif
#ifdef __SANITIZE_ADDRESS__
  // a sanitizer looks whether memory can be read by writing it to a pipe
  filter.allow({SYS_pipe2, SYS_read, SYS_sigaltstack});
#endif
  // the C library looks what its streams go to, and does without
  filter.fail({SYS_openat, SYS_readlinkat}, EPERM);
  filter.fail({SYS_ioctl}, ENOTTY);
  return filter;
}

/// Files that are open: disks and recordings.
inline void allow_files(system_filter& filter) {
  filter.allow({SYS_pread64, SYS_pwrite64, SYS_preadv2, SYS_pwritev2, SYS_fdatasync, SYS_fallocate});
}

/// Frames of tap.
inline void allow_frames(system_filter& filter) {
  filter.allow({SYS_read});
}

/// Lines of a GPIO character device: to take, to read, to write, to wait for.
inline void allow_lines(system_filter& filter) {
  filter.allow({SYS_read, SYS_epoll_ctl, SYS_epoll_pwait});
#ifdef SYS_epoll_wait
  filter.allow({SYS_epoll_wait});
#endif
  filter.allow_if(SYS_fcntl, 1, F_SETFL);
  for (const unsigned long request :
       {GPIO_V2_GET_LINE_IOCTL, GPIO_V2_GET_LINEINFO_IOCTL, GPIO_V2_LINE_SET_CONFIG_IOCTL,
        GPIO_V2_LINE_GET_VALUES_IOCTL, GPIO_V2_LINE_SET_VALUES_IOCTL}) {
    filter.allow_if(SYS_ioctl, 1, static_cast<std::uint32_t>(request));
  }
}

/// Transfers on an I2C bus.
inline void allow_buses(system_filter& filter) {
  for (const int request : {I2C_RDWR, I2C_SLAVE, I2C_SMBUS}) {
    filter.allow_if(SYS_ioctl, 1, static_cast<std::uint32_t>(request));
  }
}

/// Connections that are there, and threads that use them. A descriptor cannot be made to send signals to other
/// processes.
inline void allow_connections(system_filter& filter) {
  constexpr std::uint32_t thread_flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
                                         CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID |
                                         CLONE_CHILD_CLEARTID;
  filter.allow_if(SYS_clone, 0, thread_flags);  // no new processes
  filter.fail({SYS_clone3}, ENOSYS);  // whose flags cannot be looked at: the C library takes clone then
  filter.allow_if(SYS_ioctl, 1, FIONBIO);
  for (const int command : {F_GETFL, F_SETFL, F_GETFD, F_SETFD}) {
    filter.allow_if(SYS_fcntl, 1, static_cast<std::uint32_t>(command));
  }
  filter.allow({SYS_read, SYS_readv, SYS_shutdown, SYS_getsockopt, SYS_setsockopt, SYS_getsockname,
                SYS_getpeername, SYS_sendto, SYS_recvfrom, SYS_sendmsg, SYS_recvmsg, SYS_epoll_ctl,
                SYS_epoll_pwait, SYS_timerfd_settime, SYS_getrandom});
#ifdef SYS_epoll_wait
  filter.allow({SYS_epoll_wait, SYS_poll});
#endif
}

/// Peers over TCP and UDP, to connect with and to be connected with, at any address: to which ones, a filter
/// cannot see. Names are not found any more: who has only those is not met again.
inline void allow_peers(system_filter& filter) {
  allow_connections(filter);
  for (const unsigned family : {unsigned{AF_INET}, unsigned{AF_INET6}}) {
    for (const unsigned protocol : {IPPROTO_IP, IPPROTO_TCP, IPPROTO_UDP}) {
      filter.allow_if(SYS_socket, {{0, family}, {2, protocol}});
    }
  }
  filter.allow({SYS_connect, SYS_bind, SYS_listen, SYS_accept, SYS_accept4});
  // looking up an address tries others, and does without; looking up a name fails
  filter.fail({SYS_socket}, EAFNOSUPPORT);
  filter.fail({SYS_sendmmsg, SYS_uname}, EPERM);
}

/// A server behind a Unix socket, to connect with again when it was lost. Without peers, there are no others.
inline void allow_local_server(system_filter& filter) {
  allow_connections(filter);
  filter.allow_if(SYS_socket, 0, AF_UNIX);
  filter.allow({SYS_connect});
}

/// Which interfaces there are, with their addresses: for peers that others are to find.
inline void allow_interfaces(system_filter& filter) {
  filter.allow_if(SYS_socket, {{0, AF_NETLINK}, {2, NETLINK_ROUTE}});
  filter.allow({SYS_bind});
  filter.allow_if(SYS_ioctl, 1, SIOCGIFINDEX);
}

}  // namespace shoal::linux_os
