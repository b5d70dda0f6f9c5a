// SPDX-License-Identifier: BSL-1.0
//
// Opening the nodes of devices, and what to tell people who cannot. For what drives /dev and /sys.
//
//     result<posix::unique_fd> node = linux_os::open_node("/dev/gpiochip0");
//     if (!node) std::cerr << node.error().message() << ": " << linux_os::next_step("/dev/gpiochip0",
//     node.error());
//
// Once a device is open, its calls return a status: what they can say is not worth a text.
#pragma once

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <shoal/base/result.hpp>
#include <shoal/base/status.hpp>
#include <shoal/os/posix/unique_fd.hpp>

namespace shoal::linux_os {

/// Opens a node, O_CLOEXEC. The error is the operating system's own.
[[nodiscard]] inline result<posix::unique_fd> open_node(const std::filesystem::path& node,
                                                        int flags = O_RDWR) noexcept {
  for (;;) {
    posix::unique_fd fd{::open(node.c_str(), flags | O_CLOEXEC)};
    if (fd) return fd;
    if (errno != EINTR) return posix::last_error();
  }
}

/// What can be done about a node that could not be opened or is not what was expected, as one line for people.
[[nodiscard]] inline std::string next_step(const std::filesystem::path& node, std::error_code why) {
  const std::string name = node.string();
  if (why == std::errc::permission_denied || why == std::errc::operation_not_permitted) {
    return "run it as root, or as a member of the group that ls -l " + name + " shows";
  }
  if (why == std::errc::no_such_file_or_directory || why == std::errc::no_such_device ||
      why == std::errc::no_such_device_or_address) {
    std::string family = name;
    while (!family.empty() && family.back() >= '0' && family.back() <= '9') family.pop_back();
    return "ls " + family + (family == name ? "" : "*") + " shows what is there; is the driver loaded?";
  }
  if (why == std::errc::device_or_resource_busy || why == errc::busy)
    return "another program or a driver of the kernel uses it";
  if (why == errc::unsupported || why == std::errc::inappropriate_io_control_operation)
    return name + " is another kind of device, or its kernel is too old";
  return "is " + name + " the right one?";
}

/// What errno says about a call to a device that is open.
[[nodiscard]] inline status status_of(int error) noexcept {
  constexpr int kernels_own_unsupported = 524;  // ENOTSUPP, which drivers let out
  switch (error) {
    case 0: return status::ok;
    case EBUSY: return status::busy;
    case EINVAL: return status::invalid_argument;
    case ETIMEDOUT: return status::timed_out;
    case EOPNOTSUPP:
    case ENOTTY:
    case ENOSYS:
    case kernels_own_unsupported: return status::unsupported;
    default: return status::failed;
  }
}

}  // namespace shoal::linux_os
