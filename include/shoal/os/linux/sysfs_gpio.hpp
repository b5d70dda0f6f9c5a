// SPDX-License-Identifier: BSL-1.0
//
// sysfs_gpio: the lines of a chip in /sys/class/gpio as a gpio_chip, for kernels and boards where that is the
// way.
//
//     result<linux_os::sysfs_gpio> chip = linux_os::sysfs_gpio::open(458);   // of a Raspberry Pi 3
//     if (!chip) return next_step(find_obstacle(458).node, chip.error());
//     chip->request(25, {.direction = hal::gpio_direction::output});         // exports gpio483
//
// Exports what is requested and unexports it when it goes, and what a user before it left that was killed;
// never what others exported. Events: the kernel tells that a line has changed, not when or how often; see
// notice(). Leaves out bias, names, and lines to which a driver has given names of its own (unsupported).
#pragma once

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <shoal/base/result.hpp>
#include <shoal/base/status.hpp>
#include <shoal/hal/gpio_chip.hpp>
#include <shoal/hal/gpio_event_queue.hpp>
#include <shoal/hal/gpio_line_table.hpp>
#include <shoal/os/linux/device_node.hpp>
#include <shoal/os/linux/sysfs_attribute.hpp>
#include <shoal/os/linux/sysfs_export.hpp>
#include <shoal/os/linux/sysfs_gpio_tree.hpp>
#include <shoal/os/posix/unique_fd.hpp>

namespace shoal::linux_os {

/// One strand. Lines that are still taken when it goes are unexported as they are; what becomes of their levels
/// is up to the driver.
class sysfs_gpio {
 public:
  /// The operating system's error of the node that find_obstacle() names.
  /// @param base  number of the chip's first line; find_sysfs_chip() knows it by the driver's label
  [[nodiscard]] static result<sysfs_gpio> open(std::uint32_t base, const sysfs_places& places = {}) {
    if (const sysfs_obstacle found = find_obstacle(base, places); found.why) return found.why;
    result<sysfs_chip> info = read_sysfs_chip(base, places);
    if (!info) return info.error();
    posix::unique_fd epoll{::epoll_create1(EPOLL_CLOEXEC)};
    if (!epoll) return posix::last_error();
    for (std::uint32_t line = 0; line < info->lines; ++line) sysfs_export::clean_up(base + line, places);
    return sysfs_gpio{std::move(*info), places, std::move(epoll)};
  }

  /// As its driver calls it.
  [[nodiscard]] const std::string& label() const noexcept { return info_.label; }
  /// Number of its first line in /sys/class/gpio.
  [[nodiscard]] std::uint32_t base() const noexcept { return info_.base; }

  [[nodiscard]] std::uint32_t line_count() const noexcept { return static_cast<std::uint32_t>(lines_.size()); }
  [[nodiscard]] hal::gpio_features features() const noexcept { return {.edges = true}; }

  /// Waits up to sysfs_patience for udev to let this user in. @return failed where it does not; of a line whose
  /// direction is fixed, or without interrupts when edges are asked for: unsupported
  [[nodiscard]] status request(std::uint32_t line, const hal::gpio_config& config) noexcept {
    if (line >= line_count()) return status::out_of_range;
    if (const status s = check_gpio_config(config, features()); s != status::ok) return s;
    line_state& wanted = lines_[line];
    if (!wanted.exported) return take(line, config);
    if (!suits(line, config)) return status::unsupported;
    const hal::gpio_config before = wanted.config;
    const status changed = configure(line, config);
    if (changed != status::ok) (void)configure(line, before);
    return changed;
  }

  [[nodiscard]] status release(std::uint32_t line) noexcept {
    if (line >= line_count()) return status::out_of_range;
    if (!lines_[line].exported) return status::ok;
    const status ended = configure(line, {});
    lines_[line] = {};
    return ended;
  }

  [[nodiscard]] status_or<bool> read(std::uint32_t line) noexcept {
    if (const status s = usable(line, false); s != status::ok) return s;
    return read_value(lines_[line]);
  }

  [[nodiscard]] status write(std::uint32_t line, bool level) noexcept {
    if (const status s = usable(line, true); s != status::ok) return s;
    line_state& output = lines_[line];
    if (::pwrite(output.value.get(), level ? "1" : "0", 1, 0) != 1) return status_of(errno);
    output.config.level = level;
    return status::ok;
  }

  /// Moves what the kernel has to tell into a queue, at the time it is now. next_event() does so, too; but
  /// changes of a line that come closer together than the calls of either are one (or two, there and back
  /// again).
  void notice() noexcept {
    std::array<epoll_event, 16> ready;
    const int count = ::epoll_wait(epoll_.get(), ready.data(), static_cast<int>(ready.size()), 0);
    for (int i = 0; i < count; ++i) notice(ready[static_cast<std::size_t>(i)].data.u32);
  }
  [[nodiscard]] bool next_event(hal::gpio_event& event) noexcept {
    notice();
    return events_.pop(event);
  }
  /// Those that notice() found no room for; what the kernel has merged, nobody knows.
  [[nodiscard]] std::uint64_t lost_events() const noexcept { return events_.lost(); }

  /// Polls as readable when the kernel has something that was not noticed: ask next_event() first. It goes with
  /// the chip.
  [[nodiscard]] int native_handle() const noexcept { return epoll_.get(); }

 private:
  struct line_state {
    sysfs_export exported;
    posix::unique_fd value;
    hal::gpio_config config;
    bool level = false;  // that was noticed last
  };

  sysfs_gpio(sysfs_chip info, const sysfs_places& places, posix::unique_fd epoll)
      : info_(std::move(info)),
        places_(std::make_unique<sysfs_places>(places)),
        epoll_(std::move(epoll)),
        lines_(info_.lines) {}

  [[nodiscard]] std::filesystem::path attribute(std::uint32_t line, const char* name) const {
    return places_->line(info_.base + line) / name;
  }

  [[nodiscard]] status usable(std::uint32_t line, bool as_output) const noexcept {
    if (line >= line_count()) return status::out_of_range;
    const line_state& wanted = lines_[line];
    const bool output = wanted.config.direction == hal::gpio_direction::output;
    return wanted.exported && (output || !as_output) ? status::ok : status::invalid_argument;
  }

  // Whether the kernel offers what `config` needs of a line that is exported.
  [[nodiscard]] bool suits(std::uint32_t line, const hal::gpio_config& config) const noexcept {
    const auto offers = [&](const char* name) { return ::access(attribute(line, name).c_str(), W_OK) == 0; };
    return offers("direction") && (config.edges == hal::gpio_edge::none || offers("edge"));
  }

  [[nodiscard]] status take(std::uint32_t line, const hal::gpio_config& config) noexcept {
    // kernels (6.1) fall over an export from a chip that has gone while others have its character device open
    if (::access(places_->chip(info_.base).c_str(), F_OK) != 0) return status::failed;
    line_state fresh;
    if (const status s = fresh.exported.take(info_.base + line, *places_); s != status::ok) return s;
    if (!suits(line, config)) return status::unsupported;
    result<posix::unique_fd> value = open_node(attribute(line, "value"));
    if (!value) return status::failed;
    fresh.value = std::move(*value);
    // if the line was taken over
    (void)write_attribute(attribute(line, "edge"), "none");
    lines_[line] = std::move(fresh);
    const status taken = configure(line, config);
    if (taken != status::ok) lines_[line] = {};
    return taken;
  }

  [[nodiscard]] status configure(std::uint32_t line, const hal::gpio_config& config) noexcept {
    line_state& changed = lines_[line];
    const auto write = [&](const char* name, const char* value) {
      return status_of(write_attribute(attribute(line, name), value).error().value());
    };
    // a line with edges may not become an output
    if (changed.config.edges != hal::gpio_edge::none) {
      if (const status s = write("edge", "none"); s != status::ok) return s;
      (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, changed.value.get(), nullptr);
      changed.config.edges = hal::gpio_edge::none;
    }
    if (const status s = write("active_low", config.active_low ? "1" : "0"); s != status::ok) return s;
    const bool high = config.level != config.active_low;
    const char* const driven = high ? "high" : "low";
    const bool output = config.direction == hal::gpio_direction::output;
    if (const status s = write("direction", output ? driven : "in"); s != status::ok) return s;
    changed.config = config;
    changed.config.edges = hal::gpio_edge::none;
    return config.edges == hal::gpio_edge::none ? status::ok : watch(line, config.edges);
  }

  [[nodiscard]] status watch(std::uint32_t line, hal::gpio_edge edges) noexcept {
    line_state& watched = lines_[line];
    static constexpr std::array<const char*, 4> names{"none", "rising", "falling", "both"};
    const char* const name = names[static_cast<std::size_t>(edges)];
    if (!write_attribute(attribute(line, "edge"), name)) return status::unsupported;
    watched.config.edges = edges;
    // what was not read counts as changed
    const status_or<bool> level = read_value(watched);
    if (!level) return level.code;
    watched.level = *level;
    epoll_event interest{.events = EPOLLPRI, .data = {.u32 = line}};
    const bool added = ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, watched.value.get(), &interest) == 0;
    return added ? status::ok : status::unsupported;
  }

  [[nodiscard]] static status_or<bool> read_value(const line_state& line) noexcept {
    char digit = 0;
    if (::pread(line.value.get(), &digit, 1, 0) != 1) return status_of(errno);
    return digit != '0';
  }

  void notice(std::uint32_t line) noexcept {
    line_state& watched = lines_[line];
    const status_or<bool> level = read_value(watched);
    if (!level) {
      // the chip has gone, and would be ready for ever
      (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, watched.value.get(), nullptr);
      return;
    }
    timespec now{};
    (void)::clock_gettime(CLOCK_MONOTONIC, &now);
    const auto time =
        static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
    const auto push = [&](hal::gpio_edge edge) {
      if (has(watched.config.edges, edge)) events_.push({.line = line, .edge = edge, .time = time});
    };
    const auto edge_to = [](bool high) { return high ? hal::gpio_edge::rising : hal::gpio_edge::falling; };
    if (watched.config.edges != hal::gpio_edge::both) {
      push(watched.config.edges);
    } else {
      // as before: it has been there and back
      if (*level == watched.level) push(edge_to(!*level));
      push(edge_to(*level));
    }
    watched.level = *level;
  }

  sysfs_chip info_;
  std::unique_ptr<const sysfs_places> places_;  // the exports keep its address
  posix::unique_fd epoll_;
  hal::gpio_event_queue<> events_;
  std::vector<line_state> lines_;
};

static_assert(hal::gpio_chip<sysfs_gpio>);
static_assert(hal::can_gpio_events<sysfs_gpio>);
static_assert(!hal::can_gpio_lines<sysfs_gpio>);

}  // namespace shoal::linux_os
