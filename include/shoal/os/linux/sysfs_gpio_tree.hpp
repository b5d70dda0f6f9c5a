// SPDX-License-Identifier: BSL-1.0
//
// What /sys/class/gpio says about the chips of a machine, and where their lines are. For linux_os::sysfs_gpio
// and for programs that list chips or explain why one cannot be used.
//
//     for (const sysfs_chip& chip : linux_os::sysfs_chips()) std::cout << chip.base << ' ' << chip.label <<
//     '\n'; const sysfs_obstacle missing = linux_os::find_obstacle(458);
//
// A line has its number over all chips there: line 25 of the chip with base 458 is gpio483.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <unistd.h>

#include <shoal/base/error.hpp>
#include <shoal/base/result.hpp>
#include <shoal/os/linux/sysfs_attribute.hpp>

namespace shoal::linux_os {

/// Where things are; tests have folders of their own.
struct sysfs_places {
  std::filesystem::path root = "/sys/class/gpio";
  std::filesystem::path marks = "/run/lock";  ///< a folder that a reboot empties: who has exported which line

  [[nodiscard]] std::filesystem::path chip(std::uint32_t base) const {
    return root / ("gpiochip" + std::to_string(base));
  }
  [[nodiscard]] std::filesystem::path line(std::uint32_t number) const {
    return root / ("gpio" + std::to_string(number));
  }
};

/// A chip as sysfs lists it.
struct sysfs_chip {
  std::uint32_t base = 0;  ///< number of its first line
  std::uint32_t lines = 0;
  std::string label;  ///< as its driver calls it: "pinctrl-bcm2835"
};

/// The chip with this base.
[[nodiscard]] inline result<sysfs_chip> read_sysfs_chip(std::uint32_t base, const sysfs_places& places = {}) {
  const std::filesystem::path folder = places.chip(base);
  const result<std::uint32_t> lines = read_number(folder / "ngpio");
  if (!lines) return lines.error();
  const result<std::string> label = read_attribute(folder / "label");
  if (!label) return label.error();
  return sysfs_chip{.base = base, .lines = *lines, .label = *label};
}

/// All that can be read, by base.
[[nodiscard]] inline std::vector<sysfs_chip> sysfs_chips(const sysfs_places& places = {}) {
  std::vector<sysfs_chip> chips;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator{places.root, ignored}) {
    if (!entry.path().filename().string().starts_with("gpiochip")) continue;
    const result<std::uint32_t> base = read_number(entry.path() / "base");
    if (!base) continue;
    if (result<sysfs_chip> chip = read_sysfs_chip(*base, places)) chips.push_back(std::move(*chip));
  }
  std::ranges::sort(chips, {}, &sysfs_chip::base);
  return chips;
}

/// The base of the chip that its driver calls `label`, which stays where a base changes from kernel to kernel.
/// errc::not_found when there is none, errc::invalid_argument when there are several.
[[nodiscard]] inline result<std::uint32_t> find_sysfs_chip(std::string_view label,
                                                           const sysfs_places& places = {}) {
  const std::vector<sysfs_chip> chips = sysfs_chips(places);
  const auto found = std::ranges::find(chips, label, &sysfs_chip::label);
  if (found == chips.end()) return errc::not_found;
  if (std::ranges::count(chips, label, &sysfs_chip::label) > 1) return errc::invalid_argument;
  return found->base;
}

/// A node that somebody lacks who wants to use a chip, and why; `why` is no error when nothing is missing.
struct sysfs_obstacle {
  std::filesystem::path node;
  std::error_code why;
};

/// The first one, so that a message can name it.
[[nodiscard]] inline sysfs_obstacle find_obstacle(std::uint32_t base, const sysfs_places& places = {}) {
  const auto check = [](const std::filesystem::path& node, int mode) {
    const bool usable = ::access(node.c_str(), mode) == 0;
    return sysfs_obstacle{node, usable ? std::error_code{} : posix::last_error()};
  };
  const std::filesystem::path chip = places.chip(base);
  sysfs_obstacle found = check(places.root, X_OK);
  if (!found.why) found = check(chip, X_OK);
  if (!found.why) found = check(places.root / "export", W_OK);
  if (!found.why) found = check(places.root / "unexport", W_OK);
  if (!found.why) found = check(places.marks, W_OK | X_OK);
  return found;
}

}  // namespace shoal::linux_os
