// SPDX-License-Identifier: BSL-1.0
//
// tap: Ethernet frames of a network interface of this machine, or of a socket, as a guest's network.
//
//     result<tap> net = tap::open("tap0", mac);              // ip tuntap add tap0 mode tap user $USER
//     net_calls<tap> networks;
//     networks.attach(devices, "service", *net);
//
// A hypercall::net_backend. Nothing waits. Leaves out making interfaces: who may do that gives them away.
#pragma once

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <shoal/base/bytes.hpp>
#include <shoal/base/error.hpp>
#include <shoal/base/result.hpp>
#include <shoal/base/status.hpp>
#include <shoal/hypercall/net_calls.hpp>
#include <shoal/os/linux/device_node.hpp>
#include <shoal/os/posix/unique_fd.hpp>

namespace shoal::linux_os {

using mac_address = std::array<std::byte, 6>;

class tap {
 public:
  static constexpr std::uint16_t usual_mtu = 1500;

  /// An interface that is there. errc::invalid_argument for what is no name; std::errc::no_such_device when
  /// there is none, else what the system says: busy when another program has it.
  /// @param mac  the guest's, not the interface's
  [[nodiscard]] static result<tap> open(std::string_view name, mac_address mac) {
    ifreq wanted{};
    if (name.empty() || name.size() >= sizeof wanted.ifr_name) return errc::invalid_argument;
    std::memcpy(wanted.ifr_name, name.data(), name.size());
    const posix::unique_fd socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    if (!socket) return posix::last_error();
    // asked first: opening one that is not there would make it
    if (::ioctl(socket.get(), SIOCGIFMTU, &wanted) != 0) return posix::last_error();
    const int mtu = wanted.ifr_mtu;
    result<posix::unique_fd> node = open_node("/dev/net/tun", O_RDWR | O_NONBLOCK);
    if (!node) return node.error();
    wanted.ifr_flags = IFF_TAP | IFF_NO_PI;
    if (::ioctl(node->get(), TUNSETIFF, &wanted) != 0) return posix::last_error();
    return tap{std::move(*node), mac, static_cast<std::uint16_t>(std::clamp(mtu, 68, 65535))};
  }

  /// A descriptor of this process by its number, of an interface or of a socket as below, which becomes this
  /// tap's: what somebody has opened who may, for a program that may not. errc::invalid_argument for what is no
  /// number of one, and for the standard streams.
  [[nodiscard]] static result<tap> adopt(std::string_view number, mac_address mac) noexcept {
    int fd = -1;
    const char* const end = number.data() + number.size();
    if (std::from_chars(number.data(), end, fd).ptr != end || fd <= STDERR_FILENO || ::fcntl(fd, F_GETFD) < 0)
      return errc::invalid_argument;
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    return tap{posix::unique_fd{fd}, mac};
  }

  /// A socket that keeps frames apart, as those of socketpair(AF_UNIX, SOCK_SEQPACKET) do.
  tap(posix::unique_fd frames, mac_address mac, std::uint16_t mtu = usual_mtu) noexcept
      : frames_(std::move(frames)), mac_(mac), mtu_(mtu) {
    ::fcntl(frames_.get(), F_SETFL, ::fcntl(frames_.get(), F_GETFL) | O_NONBLOCK);
  }

  [[nodiscard]] mac_address mac() const noexcept { return mac_; }
  [[nodiscard]] std::uint16_t mtu() const noexcept { return mtu_; }
  /// Polls as readable when there is a frame.
  [[nodiscard]] int fd() const noexcept { return frames_.get(); }

  /// The next frame. busy when there is none, or the other end has gone.
  status_or<std::size_t> receive(bytes_span out) noexcept {
    ssize_t n = 0;
    do {
      n = ::read(frames_.get(), out.data(), out.size());
    } while (n < 0 && errno == EINTR);
    if (n > 0) return static_cast<std::size_t>(n);
    return n == 0 || errno == EAGAIN ? status::busy : status::failed;
  }
  /// failed when the interface is down.
  status send(bytes_view frame) noexcept {
    ssize_t n = 0;
    do {
      n = ::write(frames_.get(), frame.data(), frame.size());
    } while (n < 0 && errno == EINTR);
    if (n >= 0) return status::ok;
    return errno == EAGAIN || errno == ENOBUFS ? status::busy : status::failed;
  }

 private:
  posix::unique_fd frames_;
  mac_address mac_;
  std::uint16_t mtu_;
};
static_assert(hypercall::net_backend<tap>);

}  // namespace shoal::linux_os
