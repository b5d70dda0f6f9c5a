// SPDX-License-Identifier: BSL-1.0
//
// i2c_dev: an I2C bus of Linux, by its character device, as an i2c_bus.
//
//     result<linux_os::i2c_dev> bus = linux_os::i2c_dev::open("/dev/i2c-1");
//     if (!bus) return next_step("/dev/i2c-1", bus.error());
//     const status s = bus->transfer(hal::i2c_address{0x76}, reg, id);
//
// A controller that speaks SMBus alone is given the protocol that puts the same bits onto the wires, where
// there is one: up to 32 bytes behind the first that is written.
#pragma once

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <utility>

#include <sys/ioctl.h>

#include <linux/i2c-dev.h>
#include <linux/i2c.h>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/base/status.hpp>
#include <shoal/hal/i2c_bus.hpp>
#include <shoal/os/linux/device_node.hpp>
#include <shoal/os/posix/unique_fd.hpp>

namespace shoal::linux_os {

/// One strand.
class i2c_dev {
 public:
  /// The operating system's own error; errc::unsupported for a node that is no I2C bus.
  [[nodiscard]] static result<i2c_dev> open(const std::filesystem::path& node) noexcept {
    result<posix::unique_fd> fd = open_node(node);
    if (!fd) return fd.error();
    unsigned long functions = 0;
    if (::ioctl(fd->get(), I2C_FUNCS, &functions) != 0) return errc::unsupported;
    return i2c_dev{std::move(*fd), functions};
  }

  /// Errors as of hal::i2c_bus, and busy: a driver of the kernel has the device.
  [[nodiscard]] status transfer(hal::i2c_address address, bytes_view out, bytes_span in) noexcept {
    if (const status s = hal::check_i2c_transfer(address, out, in); s != status::ok) return s;
    const auto device = static_cast<std::uint8_t>(address);
    return (functions_ & I2C_FUNC_I2C) != 0 ? message(device, out, in) : smbus(device, out, in);
  }

 private:
  i2c_dev(posix::unique_fd fd, unsigned long functions) noexcept : fd_(std::move(fd)), functions_(functions) {}

  [[nodiscard]] status message(std::uint8_t device, bytes_view out, bytes_span in) noexcept {
    std::array<i2c_msg, 2> parts{};
    std::uint32_t count = 0;
    if (!out.empty()) {
      // the kernel only reads it
      auto* const bytes = reinterpret_cast<std::uint8_t*>(const_cast<std::byte*>(out.data()));
      parts[count++] = {
          .addr = device, .flags = 0, .len = static_cast<std::uint16_t>(out.size()), .buf = bytes};
    }
    if (!in.empty()) {
      auto* const bytes = reinterpret_cast<std::uint8_t*>(in.data());
      const auto size = static_cast<std::uint16_t>(in.size());
      parts[count++] = {.addr = device, .flags = I2C_M_RD, .len = size, .buf = bytes};
    }
    i2c_rdwr_ioctl_data both{.msgs = parts.data(), .nmsgs = count};
    return ::ioctl(fd_.get(), I2C_RDWR, &both) == static_cast<int>(count) ? status::ok : status_of(errno);
  }

  [[nodiscard]] status smbus(std::uint8_t device, bytes_view out, bytes_span in) noexcept {
    i2c_smbus_data data{};
    i2c_smbus_ioctl_data call{};
    call.data = &data;
    call.command = out.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(out.front());
    const bytes_view rest = out.empty() ? out : out.subspan(1);
    if (out.size() <= 1 && !in.empty()) {
      call.read_write = I2C_SMBUS_READ;
      const bool plain = out.empty();  // without a command there is one byte
      if (in.size() > (plain ? 1u : std::size_t{I2C_SMBUS_BLOCK_MAX})) return status::unsupported;
      if (in.size() == 1) call.size = plain ? I2C_SMBUS_BYTE : I2C_SMBUS_BYTE_DATA;
      if (in.size() > 1) call.size = I2C_SMBUS_I2C_BLOCK_DATA;
      data.block[0] = static_cast<std::uint8_t>(in.size());
    } else if (in.empty() && rest.size() <= I2C_SMBUS_BLOCK_MAX) {
      call.read_write = I2C_SMBUS_WRITE;
      if (rest.empty()) call.size = I2C_SMBUS_BYTE;
      if (rest.size() == 1) call.size = I2C_SMBUS_BYTE_DATA;
      if (rest.size() > 1) call.size = I2C_SMBUS_I2C_BLOCK_DATA;
      if (rest.size() == 1) {
        data.byte = static_cast<std::uint8_t>(rest.front());
      } else if (!rest.empty()) {
        data.block[0] = static_cast<std::uint8_t>(rest.size());
        std::memcpy(data.block + 1, rest.data(), rest.size());
      }
    } else {
      return status::unsupported;
    }
    if (::ioctl(fd_.get(), I2C_SLAVE, static_cast<unsigned long>(device)) != 0) return status_of(errno);
    if (::ioctl(fd_.get(), I2C_SMBUS, &call) != 0) return status_of(errno);
    if (in.size() == 1) in.front() = static_cast<std::byte>(data.byte);
    if (in.size() > 1) {
      if (data.block[0] < in.size()) return status::failed;
      std::memcpy(in.data(), data.block + 1, in.size());
    }
    return status::ok;
  }

  posix::unique_fd fd_;
  unsigned long functions_;  // I2C_FUNC_*
};

static_assert(hal::i2c_bus<i2c_dev>);

}  // namespace shoal::linux_os
