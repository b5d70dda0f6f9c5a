// SPDX-License-Identifier: BSL-1.0
//
// Reading and writing the attributes of sysfs: small text files, one value each. For the drivers of os/linux.
//
//     result<std::string> label = linux_os::read_attribute("/sys/class/gpio/gpiochip458/label");
//     result<> done = linux_os::write_attribute("/sys/class/gpio/gpio483/direction", "out");
//
// Leaves out attributes larger than a page, and binary ones.
#pragma once

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <unistd.h>

#include <shoal/base/error.hpp>
#include <shoal/base/result.hpp>
#include <shoal/os/linux/device_node.hpp>
#include <shoal/os/posix/unique_fd.hpp>

namespace shoal::linux_os {

/// The attribute's text without the line's end.
[[nodiscard]] inline result<std::string> read_attribute(const std::filesystem::path& path) {
  result<posix::unique_fd> file = open_node(path, O_RDONLY);
  if (!file) return file.error();
  std::array<char, 4096> text;
  ssize_t size = 0;
  do size = ::pread(file->get(), text.data(), text.size(), 0);
  while (size < 0 && errno == EINTR);
  if (size < 0) return posix::last_error();
  std::string_view value{text.data(), static_cast<std::size_t>(size)};
  if (value.ends_with('\n')) value.remove_suffix(1);
  return std::string{value};
}

/// The attribute's text as a number; errc::malformed when it is none.
[[nodiscard]] inline result<std::uint32_t> read_number(const std::filesystem::path& path) {
  const result<std::string> text = read_attribute(path);
  if (!text) return text.error();
  std::uint32_t number = 0;
  const char* const end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, number);
  if (error != std::errc{} || stop != end) return errc::malformed;
  return number;
}

/// Stores a value as one write, as `echo` does.
[[nodiscard]] inline result<> write_attribute(const std::filesystem::path& path,
                                              std::string_view value) noexcept {
  const result<posix::unique_fd> file = open_node(path, O_WRONLY | O_TRUNC);
  if (!file) return file.error();
  for (;;) {
    const ssize_t size = ::write(file->get(), value.data(), value.size());
    if (size == static_cast<ssize_t>(value.size())) return {};
    if (size >= 0) return errc::failed;
    if (errno != EINTR) return posix::last_error();
  }
}

}  // namespace shoal::linux_os
