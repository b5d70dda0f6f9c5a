// SPDX-License-Identifier: BSL-1.0
//
// GPIO chips by URI. The one place where programs turn such a name into a chip.
//
//     common::any_gpio_chip chip = common::open_gpio_chip("cdev:/dev/gpiochip0", "blink");
//     const std::uint32_t led = common::line_of(chip, "led");
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <shoal/base/error.hpp>
#include <shoal/hal/bcm2835_chip.hpp>
#include <shoal/hal/bus_address.hpp>
#include <shoal/hal/pl061_chip.hpp>
#include <shoal/monitor/quantity_text.hpp>
#include <shoal/os/linux/cdev_gpio.hpp>
#include <shoal/os/linux/device_node.hpp>
#include <shoal/os/linux/mapped_registers.hpp>
#include <shoal/os/linux/sysfs_gpio.hpp>
#include <shoal/os/posix/qtest_bus.hpp>

#include "any_gpio_chip.hpp"
#include "gpio_chip_help.hpp"
#include "message.hpp"
#include "simulated_lines.hpp"

namespace common {

namespace detail {

using shoal::monitor::parse_number;

inline failure not_a_chip(const std::string& uri) {
  return failure{"'" + uri + "' is not a GPIO chip", std::string{gpio_chip_help}, exit_usage};
}

inline any_gpio_chip open_cdev(const std::string& node, std::string_view consumer) {
  using shoal::linux_os::cdev_gpio;
  shoal::result<cdev_gpio> opened = cdev_gpio::open(node, consumer);
  if (opened) return any_gpio_chip{std::make_unique<cdev_gpio>(std::move(*opened))};
  throw failure{"cannot open " + node, opened.error(), shoal::linux_os::next_step(node, opened.error())};
}

inline any_gpio_chip open_sysfs(const std::string& text) {
  using shoal::linux_os::sysfs_gpio;
  const std::optional<std::uint64_t> number = parse_number(text);
  const shoal::result<std::uint32_t> base =
      number && *number <= UINT32_MAX ? shoal::result<std::uint32_t>{static_cast<std::uint32_t>(*number)}
                                      : shoal::linux_os::find_sysfs_chip(text);
  if (!base) {
    const bool several = base.error() == shoal::errc::invalid_argument;
    throw failure{
        (several ? "several chips in /sys/class/gpio are called '" : "no chip in /sys/class/gpio is called '") +
            text + "'",
        "shoal-gpio detect lists them; a base is a number, as in sysfs:458"};
  }
  shoal::result<sysfs_gpio> opened = sysfs_gpio::open(*base);
  if (opened) return any_gpio_chip{std::make_unique<sysfs_gpio>(std::move(*opened))};
  const shoal::linux_os::sysfs_places places;
  const std::filesystem::path node = shoal::linux_os::find_obstacle(*base).node;
  std::string next = shoal::linux_os::next_step(node, opened.error());
  if (node == places.root) next = "this kernel has no GPIO in sysfs; shoal-gpio detect shows other ways";
  if (node == places.marks) next = "make it a folder that this user may write: who has a line is noted there";
  throw failure{"cannot use " + node.string(), opened.error(), next};
}

/// @param kind  bcm2835, bcm2711 or pl061
/// @param below  what the bus needs
template <class Bus>
any_gpio_chip open_registers(const std::string& kind, Bus& bus, shoal::hal::bus_address base,
                             std::shared_ptr<const void> below) {
  using shoal::hal::bus_address;
  if (kind == "bcm2835") {
    using chip = shoal::hal::bcm2835_chip<Bus&, bus_address, steady_nanoseconds>;
    return any_gpio_chip{std::make_unique<chip>(bus, base), std::move(below)};
  }
  if (kind == "bcm2711") {
    using chip = shoal::hal::bcm2711_chip<Bus&, bus_address, steady_nanoseconds>;
    return any_gpio_chip{std::make_unique<chip>(bus, base), std::move(below)};
  }
  using chip = shoal::hal::pl061_chip<Bus&, bus_address, steady_nanoseconds>;
  auto made = std::make_unique<chip>(bus, base);
  if (!made->is_present()) {
    throw failure{"there is no PL061 at the address given",
                  "its registers do not say what those of a PL061 say"};
  }
  return any_gpio_chip{std::move(made), std::move(below)};
}

inline bool is_register_chip(std::string_view kind) {
  return kind == "bcm2835" || kind == "bcm2711" || kind == "pl061";
}

/// Registers that are mapped.
struct mapped_chip {
  shoal::linux_os::mapped_registers memory;
  shoal::hal::mapped_bus<> bus = memory.bus();
};

/// KIND:ADDRESS by /dev/mem, or KIND:NODE, which begins with the device.
inline std::shared_ptr<mapped_chip> map_chip(const std::string& kind, const std::string& where) {
  using shoal::hal::bus_address;
  using shoal::linux_os::mapped_registers;
  const std::optional<std::uint64_t> address = parse_number(where);
  const bool node = where.starts_with('/');
  if (!address && !node) throw not_a_chip(kind + ":" + where);
  const bus_address base{address.value_or(0)};
  const shoal::hal::bus_range range{base, 0x1000};
  shoal::result<mapped_registers> mapped =
      node ? mapped_registers::gpiomem(range, where) : mapped_registers::physical(range);
  if (!mapped) {
    const std::string name = node ? where : "/dev/mem";
    throw failure{"cannot map " + name, mapped.error(),
                  shoal::linux_os::mapping_next_step(name, mapped.error())};
  }
  return std::make_shared<mapped_chip>(mapped_chip{std::move(*mapped)});
}
inline any_gpio_chip open_mapped(const std::string& kind, const std::string& where) {
  const std::shared_ptr<mapped_chip> mapped = map_chip(kind, where);
  return open_registers(kind, mapped->bus, mapped->memory.range().base(), mapped);
}

/// SOCKET?KIND=ADDRESS: registers in a QEMU.
struct qtest_chip {
  std::string socket;
  std::string kind;
  shoal::hal::bus_address base;
};
inline qtest_chip parse_qtest(const std::string& uri, const std::string& text) {
  const std::size_t query = text.find('?');
  const std::size_t equals = text.find('=', query == text.npos ? text.size() : query);
  if (equals == text.npos) throw not_a_chip(uri);
  const std::string kind = text.substr(query + 1, equals - query - 1);
  const std::optional<std::uint64_t> address = parse_number(text.substr(equals + 1));
  if (!address || !is_register_chip(kind)) throw not_a_chip(uri);
  return {text.substr(0, query), kind, shoal::hal::bus_address{*address}};
}
inline std::shared_ptr<shoal::posix::qtest_bus> connect_qtest(const std::string& socket) {
  shoal::result<shoal::posix::qtest_bus> connected = shoal::posix::qtest_bus::connect(socket);
  if (!connected) {
    throw failure{"cannot reach QEMU at " + socket, connected.error(),
                  "start it with -S -display none -qtest unix:" + socket + ",server=on,wait=off"};
  }
  return std::make_shared<shoal::posix::qtest_bus>(std::move(*connected));
}
inline any_gpio_chip open_qtest(const std::string& uri, const std::string& text) {
  const qtest_chip wanted = parse_qtest(uri, text);
  const auto bus = connect_qtest(wanted.socket);
  return open_registers(wanted.kind, *bus, wanted.base, bus);
}

}  // namespace detail

/// @param consumer  what others see who ask who has a line. @throws failure
inline any_gpio_chip open_gpio_chip(const std::string& uri, std::string_view consumer) {
  const std::size_t colon = uri.find(':');
  const std::string scheme = uri.substr(0, colon);
  const std::string rest = colon == std::string::npos ? "" : uri.substr(colon + 1);
  if (rest.empty()) throw detail::not_a_chip(uri);
  if (scheme == "cdev") return detail::open_cdev(rest, consumer);
  if (scheme == "sysfs") return detail::open_sysfs(rest);
  if (scheme == "sim") return any_gpio_chip{open_simulated_lines(rest)};
  if (scheme == "qtest") return detail::open_qtest(uri, rest);
  if (detail::is_register_chip(scheme)) return detail::open_mapped(scheme, rest);
  throw detail::not_a_chip(uri);
}

/// A line by its number or its name. @throws failure
inline std::uint32_t line_of(const any_gpio_chip& chip, const std::string& text) {
  for (std::uint32_t line = 0; line < chip.line_count(); ++line) {
    if (!text.empty() && chip.line_name(line) == text) return line;
  }
  const std::optional<std::uint64_t> number = shoal::monitor::parse_number(text);
  if (number && *number < chip.line_count()) return static_cast<std::uint32_t>(*number);
  throw failure{
      "there is no line '" + text + "'",
      "the chip has the lines 0 to " + std::to_string(chip.line_count() - 1) + "; shoal-gpio info lists them",
      exit_usage};
}

/// Does nothing for status::ok. @param what  was tried, as "request line 3". @throws failure
inline void check(shoal::status done, const std::string& what) {
  if (done == shoal::status::ok) return;
  std::string next = "is the chip still there?";
  if (done == shoal::status::busy)
    next = "somebody else uses it; shoal-gpio info tells who, where the system knows";
  if (done == shoal::status::unsupported)
    next = "the line or the chip cannot do that; shoal-gpio info says what it can";
  throw failure{"cannot " + what, make_error_code(done), next};
}

}  // namespace common
