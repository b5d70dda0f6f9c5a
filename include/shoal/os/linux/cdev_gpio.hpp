// SPDX-License-Identifier: BSL-1.0
//
// cdev_gpio: the lines of a GPIO character device of Linux (uAPI v2, Linux 5.10 or newer) as a gpio_chip.
//
//     result<linux_os::cdev_gpio> chip = linux_os::cdev_gpio::open("/dev/gpiochip0", "blinker");
//     if (!chip) return next_step("/dev/gpiochip0", chip.error());
//     chip->request(17, {.direction = hal::gpio_direction::output});
//     chip->write(17, true);
//
// Edge events carry the kernel's timestamps (CLOCK_MONOTONIC); gpio_edges.hpp awaits them. The kernel does not
// tell when a driver leaves a bias out. Leaves out acting on several lines in one moment.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/gpio.h>

#include <shoal/base/result.hpp>
#include <shoal/base/status.hpp>
#include <shoal/hal/gpio_chip.hpp>
#include <shoal/hal/gpio_line_table.hpp>
#include <shoal/os/linux/device_node.hpp>
#include <shoal/os/linux/gpio_uapi.hpp>
#include <shoal/os/posix/unique_fd.hpp>

namespace shoal::linux_os {

/// How the kernel sees a line, whoever uses it.
struct gpio_line_info {
  gpio_name consumer{};     ///< who has it, as he calls himself
  bool used = false;        ///< somebody has it
  hal::gpio_config config;  ///< without its level
};

/// One strand. Lines that are still taken when it goes are closed as they are; what becomes of their levels is
/// up to the driver.
class cdev_gpio {
 public:
  /// The operating system's own error; errc::unsupported for a node that is no GPIO chip.
  /// @param consumer  what others see who ask who has a line; cut off after 31 bytes
  [[nodiscard]] static result<cdev_gpio> open(const std::filesystem::path& node,
                                              std::string_view consumer = "shoal") {
    result<posix::unique_fd> fd = open_node(node);
    if (!fd) return fd.error();
    gpiochip_info info{};
    if (::ioctl(fd->get(), GPIO_GET_CHIPINFO_IOCTL, &info) != 0) return errc::unsupported;
    posix::unique_fd epoll{::epoll_create1(EPOLL_CLOEXEC)};
    if (!epoll) return posix::last_error();
    cdev_gpio chip{std::move(*fd), std::move(epoll), info, consumer};
    for (std::uint32_t line = 0; line < info.lines; ++line) {
      gpio_v2_line_info line_info{};
      line_info.offset = line;
      if (::ioctl(chip.chip_.get(), GPIO_V2_GET_LINEINFO_IOCTL, &line_info) != 0) return errc::unsupported;
      chip.names_.push_back(name_of(line_info.name));
    }
    return chip;
  }

  /// As the kernel calls it: "gpiochip0".
  [[nodiscard]] std::string_view name() const noexcept { return text_of(name_); }
  /// As its driver calls it: "pinctrl-bcm2835"; may be empty.
  [[nodiscard]] std::string_view label() const noexcept { return text_of(label_); }

  [[nodiscard]] std::uint32_t line_count() const noexcept { return static_cast<std::uint32_t>(lines_.size()); }
  [[nodiscard]] hal::gpio_features features() const noexcept { return {.bias = true, .edges = true}; }
  [[nodiscard]] std::string_view line_name(std::uint32_t line) const noexcept {
    return line < names_.size() ? text_of(names_[line]) : std::string_view{};
  }

  /// @return of a line without interrupts: unsupported, when edges are asked for
  [[nodiscard]] status request(std::uint32_t line, const hal::gpio_config& config) noexcept {
    if (line >= line_count()) return status::out_of_range;
    if (const status s = check_gpio_config(config, features()); s != status::ok) return s;
    return lines_[line].fd ? change(lines_[line], config) : take(line, config);
  }

  [[nodiscard]] status release(std::uint32_t line) noexcept {
    if (line >= line_count()) return status::out_of_range;
    line_state& taken = lines_[line];
    if (!taken.fd) return status::ok;
    // closing alone may leave an output driven
    const bool driven = taken.config.direction == hal::gpio_direction::output;
    const status ended = driven ? configure(taken, {}) : status::ok;
    taken = {};
    return ended;
  }

  [[nodiscard]] status_or<bool> read(std::uint32_t line) noexcept {
    if (const status s = usable(line, false); s != status::ok) return s;
    gpio_v2_line_values values{.bits = 0, .mask = 1};
    if (::ioctl(lines_[line].fd.get(), GPIO_V2_LINE_GET_VALUES_IOCTL, &values) != 0) return status_of(errno);
    return (values.bits & 1) != 0;
  }

  [[nodiscard]] status write(std::uint32_t line, bool level) noexcept {
    if (const status s = usable(line, true); s != status::ok) return s;
    gpio_v2_line_values values{.bits = level ? 1u : 0u, .mask = 1};
    if (::ioctl(lines_[line].fd.get(), GPIO_V2_LINE_SET_VALUES_IOCTL, &values) != 0) return status_of(errno);
    lines_[line].config.level = level;
    return status::ok;
  }

  /// One call of the kernel for each line.
  [[nodiscard]] status_or<std::uint64_t> read_lines(std::uint32_t first, std::uint64_t mask) noexcept {
    if (const status s = usable(first, mask, false); s != status::ok) return s;
    std::uint64_t levels = 0;
    for (std::uint32_t i = 0; i < 64; ++i) {
      if ((mask >> i & 1) == 0) continue;
      const status_or<bool> level = read(first + i);
      if (!level) return level.code;
      if (*level) levels |= std::uint64_t{1} << i;
    }
    return levels;
  }

  /// One call of the kernel for each line, from the lowest.
  [[nodiscard]] status write_lines(std::uint32_t first, std::uint64_t mask, std::uint64_t values) noexcept {
    if (const status s = usable(first, mask, true); s != status::ok) return s;
    for (std::uint32_t i = 0; i < 64; ++i) {
      if ((mask >> i & 1) == 0) continue;
      if (const status s = write(first + i, (values >> i & 1) != 0); s != status::ok) return s;
    }
    return status::ok;
  }

  [[nodiscard]] bool next_event(hal::gpio_event& event) noexcept {
    fetch_events();
    line_state* oldest = nullptr;
    for (line_state& line : lines_) {
      if (line.waits && (oldest == nullptr || line.event.time < oldest->event.time)) oldest = &line;
    }
    if (oldest == nullptr) return false;
    event = oldest->event;
    oldest->waits = false;
    return true;
  }

  /// Counted when the first event behind the gap is fetched.
  [[nodiscard]] std::uint64_t lost_events() const noexcept { return lost_; }

  /// Polls as readable when the kernel has an event that next_event() has not fetched: ask that first. It goes
  /// with the chip.
  [[nodiscard]] int native_handle() const noexcept { return epoll_.get(); }

  /// How the kernel sees a line now; out_of_range for one that does not exist.
  [[nodiscard]] status_or<gpio_line_info> line_info(std::uint32_t line) const noexcept {
    if (line >= line_count()) return status::out_of_range;
    gpio_v2_line_info info{};
    info.offset = line;
    if (::ioctl(chip_.get(), GPIO_V2_GET_LINEINFO_IOCTL, &info) != 0) return status_of(errno);
    return gpio_line_info{.consumer = name_of(info.consumer),
                          .used = (info.flags & GPIO_V2_LINE_FLAG_USED) != 0,
                          .config = config_of(info.flags)};
  }

 private:
  struct line_state {
    posix::unique_fd fd;  // none: not taken
    hal::gpio_config config;
    std::uint32_t sequence = 0;  // of the event that was read last
    bool waits = false;          // an event, read and not handed out
    hal::gpio_event event;
  };

  cdev_gpio(posix::unique_fd chip, posix::unique_fd epoll, const gpiochip_info& info, std::string_view consumer)
      : chip_(std::move(chip)),
        epoll_(std::move(epoll)),
        name_(name_of(info.name)),
        label_(name_of(info.label)),
        consumer_(consumer),
        lines_(info.lines),
        ready_(std::max<std::uint32_t>(info.lines, 1)) {
    names_.reserve(info.lines);
  }

  [[nodiscard]] status usable(std::uint32_t line, bool as_output) const noexcept {
    if (line >= line_count()) return status::out_of_range;
    const bool output = lines_[line].config.direction == hal::gpio_direction::output;
    return lines_[line].fd && (output || !as_output) ? status::ok : status::invalid_argument;
  }
  [[nodiscard]] status usable(std::uint32_t first, std::uint64_t mask, bool as_output) const noexcept {
    if (!hal::gpio_lines_exist(line_count(), first, mask)) return status::out_of_range;
    for (std::uint32_t i = 0; i < 64; ++i) {
      if ((mask >> i & 1) == 0) continue;
      if (const status s = usable(first + i, as_output); s != status::ok) return s;
    }
    return status::ok;
  }

  [[nodiscard]] status take(std::uint32_t line, const hal::gpio_config& config) noexcept {
    gpio_v2_line_request request = line_request_of(line, config, consumer_);
    if (::ioctl(chip_.get(), GPIO_V2_GET_LINE_IOCTL, &request) != 0) return refusal(config);
    posix::unique_fd fd{request.fd};
    epoll_event interest{.events = EPOLLIN, .data = {.u32 = line}};
    if (::fcntl(fd.get(), F_SETFL, O_NONBLOCK) != 0 ||
        ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd.get(), &interest) != 0) {
      return status::failed;
    }
    lines_[line] = {.fd = std::move(fd), .config = config, .event = {}};
    return status::ok;
  }

  [[nodiscard]] status change(line_state& line, const hal::gpio_config& config) noexcept {
    const hal::gpio_config before = line.config;
    // kernels leave a detector of edges alone that stays what it is while the line turns active low
    if (before.edges != hal::gpio_edge::none && before != config) {
      hal::gpio_config quiet = before;
      quiet.edges = hal::gpio_edge::none;
      if (const status s = configure(line, quiet); s != status::ok) return s;
    }
    const status changed = configure(line, config);
    if (changed != status::ok) (void)configure(line, before);
    return changed;
  }

  [[nodiscard]] status configure(line_state& line, const hal::gpio_config& config) noexcept {
    gpio_v2_line_config wanted = line_config_of(config);
    if (::ioctl(line.fd.get(), GPIO_V2_LINE_SET_CONFIG_IOCTL, &wanted) != 0) return refusal(config);
    line.config = config;
    return status::ok;
  }

  [[nodiscard]] static status refusal(const hal::gpio_config& config) noexcept {
    const bool no_interrupt = errno == ENXIO || errno == EIO;
    if (no_interrupt && config.edges != hal::gpio_edge::none) return status::unsupported;
    return status_of(errno);
  }

  // One event of each line that has some: those of a line come in order, so the oldest of all is among them.
  void fetch_events() noexcept {
    const int count = ::epoll_wait(epoll_.get(), ready_.data(), static_cast<int>(ready_.size()), 0);
    for (int i = 0; i < count; ++i) {
      line_state& line = lines_[ready_[static_cast<std::size_t>(i)].data.u32];
      if (!line.waits) fetch_event(line);
    }
  }

  void fetch_event(line_state& line) noexcept {
    gpio_v2_line_event event{};
    const ssize_t size = ::read(line.fd.get(), &event, sizeof event);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (size != static_cast<ssize_t>(sizeof event)) {
      // the chip has gone, and would be ready for ever
      (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, line.fd.get(), nullptr);
      return;
    }
    lost_ += event.line_seqno - line.sequence - 1;
    line.sequence = event.line_seqno;
    line.event = event_of(event);
    line.waits = true;
  }

  posix::unique_fd chip_;
  posix::unique_fd epoll_;  // of the lines that are taken
  gpio_name name_;
  gpio_name label_;
  std::string consumer_;
  std::vector<gpio_name> names_;
  std::vector<line_state> lines_;
  std::vector<epoll_event> ready_;  // room for epoll_wait
  std::uint64_t lost_ = 0;
};

static_assert(hal::gpio_chip<cdev_gpio>);
static_assert(hal::can_gpio_lines<cdev_gpio>);
static_assert(hal::can_gpio_events<cdev_gpio>);
static_assert(hal::can_gpio_names<cdev_gpio>);

}  // namespace shoal::linux_os
