// SPDX-License-Identifier: BSL-1.0
//
// open_serial_line: a serial line or pseudoterminal, set up for a dialogue in lines: 8 bits, no parity, its
// echo and the keys that erase done by the system. What is written goes out as it is.
//
//     result<unique_fd> line = open_serial_line("/dev/ttyS0", 115200);
//     if (!line) return line.error();
//
// Leaves out handshakes by wires: a line whose other end has gone is hung up where its driver tells so.
#pragma once

#include <filesystem>

#include <fcntl.h>
#include <termios.h>

#include <shoal/base/error.hpp>
#include <shoal/base/result.hpp>
#include <shoal/os/posix/unique_fd.hpp>

namespace shoal::posix {

/// The speed as termios names it; B0, which hangs up, for one that lines do not have.
[[nodiscard]] constexpr speed_t line_speed(unsigned bits_per_second) noexcept {
  switch (bits_per_second) {
    case 1200: return B1200;
    case 2400: return B2400;
    case 4800: return B4800;
    case 9600: return B9600;
    case 19200: return B19200;
    case 38400: return B38400;
    case 57600: return B57600;
    case 115200: return B115200;
    case 230400: return B230400;
    default: return B0;
  }
}

/// Non-blocking, and not this process's terminal. errc::invalid_argument for a speed that lines do not have,
/// errc::unsupported for what is no terminal, or what the system says.
[[nodiscard]] inline result<unique_fd> open_serial_line(const std::filesystem::path& path,
                                                        unsigned bits_per_second) {
  const speed_t speed = line_speed(bits_per_second);
  if (speed == B0) return errc::invalid_argument;
  unique_fd fd{::open(path.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)};
  if (!fd) return last_error();
  termios settings{};
  if (::tcgetattr(fd.get(), &settings) != 0) return errc::unsupported;
  settings.c_iflag = ICRNL | IGNBRK | IGNPAR;
  settings.c_oflag = 0;
  settings.c_cflag = CS8 | CREAD | CLOCAL | HUPCL;
  settings.c_lflag = ICANON | ECHO | ECHOE | ECHOK;
  if (::cfsetispeed(&settings, speed) != 0 || ::cfsetospeed(&settings, speed) != 0) return last_error();
  if (::tcsetattr(fd.get(), TCSANOW, &settings) != 0) return last_error();
  return fd;
}

}  // namespace shoal::posix
