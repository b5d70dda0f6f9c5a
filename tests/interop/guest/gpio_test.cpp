// SPDX-License-Identifier: BSL-1.0
//
// What the drivers of os/linux do with a real kernel: run by gpio_guest.sh inside a guest that has gpio-sim and
// i2c-stub. The outside of the lines is gpio-sim's own, below $OUTSIDE: the files sim_gpioN/pull and
// sim_gpioN/value.
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <shoal/os/linux/cdev_gpio.hpp>
#include <shoal/os/linux/gpio_edges.hpp>
#include <shoal/os/linux/i2c_dev.hpp>
#include <shoal/os/linux/sysfs_gpio.hpp>
#include <shoal/test/gpio_chip_conformance.hpp>
#include <shoal/test/i2c_bus_conformance.hpp>

using namespace shoal;
using linux_os::cdev_gpio;
using linux_os::sysfs_gpio;

namespace {

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  REQUIRE(value != nullptr);
  return value;
}

cdev_gpio open_cdev(const char* consumer = "conformance") {
  result<cdev_gpio> chip = cdev_gpio::open(variable("CHIP"), consumer);
  REQUIRE(chip);
  return std::move(*chip);
}

std::uint32_t base() {
  const result<std::uint32_t> found = linux_os::find_sysfs_chip(open_cdev().label());
  REQUIRE(found);
  return *found;
}

sysfs_gpio open_sysfs() {
  result<sysfs_gpio> chip = sysfs_gpio::open(base());
  REQUIRE(chip);
  return std::move(*chip);
}

bool exported(std::uint32_t line) {
  return std::filesystem::exists("/sys/class/gpio/gpio" + std::to_string(base() + line));
}

void drive(std::uint32_t line, bool level) {
  const std::string file = variable("OUTSIDE") + "/sim_gpio" + std::to_string(line) + "/pull";
  REQUIRE(linux_os::write_attribute(file, level ? "pull-up" : "pull-down"));
}

// The other one of the two drivers is somebody else.
template <class Chip, class Other>
struct simulator {
  Chip& chip;
  std::optional<Other> other;

  void drive(std::uint32_t line, bool level) { ::drive(line, level); }
  bool level(std::uint32_t line) {
    const std::string file = variable("OUTSIDE") + "/sim_gpio" + std::to_string(line) + "/value";
    return *linux_os::read_number(file) != 0;
  }
  bool is_output(std::uint32_t line) {
    return open_cdev().line_info(line)->config.direction == hal::gpio_direction::output;
  }
  void settle() {
    if constexpr (requires { chip.notice(); }) chip.notice();
  }
  bool hold(std::uint32_t line, bool held) {
    return (held ? other->request(line, {}) : other->release(line)) == status::ok;
  }
};

template <class Chip>
void await_four_edges(Chip& chip) {
  REQUIRE(chip.request(3, {.edges = hal::gpio_edge::both}) == status::ok);
  asio::io_context context;
  linux_os::gpio_edges edges{context.get_executor(), chip};
  std::vector<hal::gpio_event> events;
  const auto collect = [](auto& from, std::vector<hal::gpio_event>& into) -> asio::awaitable<void> {
    while (into.size() < 4) {
      const result<hal::gpio_event> event = co_await from.next();
      if (!event) co_return;
      into.push_back(*event);
    }
  };
  asio::co_spawn(context, collect(edges, events), asio::detached);
  for (const bool level : {true, false, true, false}) {
    drive(3, level);
    const std::size_t before = events.size();
    while (events.size() == before) REQUIRE(context.run_one_for(std::chrono::seconds{10}) != 0);
    CHECK(events.back().line == 3);
    CHECK(events.back().edge == (level ? hal::gpio_edge::rising : hal::gpio_edge::falling));
    CHECK((before == 0 || events.back().time > events[before - 1].time));
  }
}

constexpr hal::gpio_config high{.direction = hal::gpio_direction::output, .level = true};

// Runs in a process of its own, which ends without destructors, as by kill -9. True when the body said so.
template <class Body>
bool in_a_process_that_dies(Body body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body() ? 0 : 1);
  int how = -1;
  REQUIRE(::waitpid(child, &how, 0) == child);
  return how == 0;
}

}  // namespace

TEST_CASE("a GPIO character device is a GPIO chip") {
  test::conforms_to_gpio_chip(
      [] { return open_cdev(); },
      [](cdev_gpio& chip) { return simulator<cdev_gpio, sysfs_gpio>{chip, open_sysfs()}; });
}

TEST_CASE("sysfs is a GPIO chip") {
  test::conforms_to_gpio_chip(
      [] { return open_sysfs(); },
      [](sysfs_gpio& chip) { return simulator<sysfs_gpio, cdev_gpio>{chip, open_cdev()}; });
}

TEST_CASE("an I2C character device is an I2C bus") {
  test::conforms_to_i2c_bus(
      [] {
        result<linux_os::i2c_dev> bus = linux_os::i2c_dev::open(variable("I2C"));
        REQUIRE(bus);
        return std::move(*bus);
      },
      {.device = hal::i2c_address{0x50}, .nobody = hal::i2c_address{0x51}});
}

TEST_CASE("a character device tells names, and who has a line") {
  cdev_gpio chip = open_cdev("a consumer whose name is longer than what the kernel keeps");
  CHECK(chip.line_count() == 8);
  CHECK("/dev/" + std::string{chip.name()} == variable("CHIP"));
  CHECK(chip.line_name(3) == "button");
  CHECK(chip.line_name(2).empty());
  REQUIRE(chip.request(3, {.active_low = true, .edges = hal::gpio_edge::rising}) == status::ok);
  const cdev_gpio other = open_cdev();
  const status_or<linux_os::gpio_line_info> info = other.line_info(3);
  REQUIRE(info);
  CHECK(info->used);
  CHECK(linux_os::text_of(info->consumer) == "a consumer whose name is longer");
  CHECK(info->config == hal::gpio_config{.active_low = true, .edges = hal::gpio_edge::rising});
  CHECK_FALSE(other.line_info(2)->used);
  CHECK(other.line_info(8).code == status::out_of_range);
}

TEST_CASE("edges are awaited on Asio, from a character device") {
  cdev_gpio chip = open_cdev();
  await_four_edges(chip);
}

TEST_CASE("edges are awaited on Asio, from sysfs") {
  sysfs_gpio chip = open_sysfs();
  await_four_edges(chip);
}

TEST_CASE("edges keep the kernel's time, however late they are fetched") {
  cdev_gpio chip = open_cdev();
  REQUIRE(chip.request(3, {.edges = hal::gpio_edge::both}) == status::ok);
  drive(3, true);
  const auto later = std::chrono::steady_clock::now();
  ::usleep(20'000);
  hal::gpio_event event;
  REQUIRE(chip.next_event(event));
  CHECK(std::chrono::nanoseconds{event.time} <= later.time_since_epoch());
  CHECK(std::chrono::nanoseconds{event.time} > later.time_since_epoch() - std::chrono::seconds{1});
  drive(3, false);
}

TEST_CASE("an edge of a line that is active low follows the line when its configuration turns") {
  cdev_gpio chip = open_cdev();
  drive(3, false);
  REQUIRE(chip.request(3, {.edges = hal::gpio_edge::rising}) == status::ok);
  REQUIRE(chip.request(3, {.active_low = true, .edges = hal::gpio_edge::rising}) == status::ok);
  hal::gpio_event event;
  drive(3, true);
  CHECK_FALSE(chip.next_event(event));
  drive(3, false);
  REQUIRE(chip.next_event(event));
  CHECK(event.edge == hal::gpio_edge::rising);
}

TEST_CASE("sysfs leaves no export behind, nor does a user that is killed") {
  {
    sysfs_gpio chip = open_sysfs();
    REQUIRE(chip.request(2, high) == status::ok);
    CHECK(exported(2));
  }
  CHECK_FALSE(exported(2));
  const auto use = [] {
    sysfs_gpio& chip = *new sysfs_gpio{open_sysfs()};  // who is killed destroys nothing
    return chip.request(2, high) == status::ok &&
           chip.request(4, {.edges = hal::gpio_edge::both}) == status::ok;
  };
  REQUIRE(in_a_process_that_dies(use));
  CHECK(exported(2));
  CHECK(exported(4));
  CHECK(open_cdev().request(2, {}) == status::busy);
  sysfs_gpio next = open_sysfs();
  CHECK_FALSE(exported(2));
  CHECK_FALSE(exported(4));
  // and while the chip is open: the next user takes the line over, edges and all
  REQUIRE(in_a_process_that_dies(use));
  REQUIRE(next.request(4, high) == status::ok);
  CHECK(next.write(4, false) == status::ok);
  CHECK(next.release(4) == status::ok);
  CHECK_FALSE(exported(4));
  CHECK(exported(2));
  CHECK(next.request(2, {}) == status::ok);
}

TEST_CASE("sysfs keeps its hands off what others have exported") {
  const std::string number = std::to_string(base() + 5);
  REQUIRE(linux_os::write_attribute("/sys/class/gpio/export", number));
  {
    sysfs_gpio chip = open_sysfs();
    CHECK(chip.request(5, high) == status::busy);
  }
  CHECK(exported(5));
  REQUIRE(linux_os::write_attribute("/sys/class/gpio/unexport", number));
}

TEST_CASE("who may not use a node is told so") {
  const std::uint32_t number = base();
  const auto refused = [number] {
    if (::setgid(65534) != 0 || ::setuid(65534) != 0) return false;
    return cdev_gpio::open(variable("CHIP")).error() == std::errc::permission_denied &&
           sysfs_gpio::open(number).error() == std::errc::permission_denied &&
           linux_os::find_obstacle(number).node == "/sys/class/gpio/export" &&
           linux_os::i2c_dev::open(variable("I2C")).error() == std::errc::permission_denied;
  };
  CHECK(in_a_process_that_dies(refused));
}

// Last: afterwards there is no chip.
TEST_CASE("a chip that goes takes nobody with it") {
  const std::string live = variable("LIVE");
  cdev_gpio chip = open_cdev();
  sysfs_gpio other = open_sysfs();
  REQUIRE(chip.request(1, high) == status::ok);
  REQUIRE(chip.request(3, {.edges = hal::gpio_edge::both}) == status::ok);
  REQUIRE(other.request(2, high) == status::ok);
  REQUIRE(linux_os::write_attribute(live, "0"));
  CHECK(chip.read(1).code != status::ok);
  CHECK(chip.write(1, false) != status::ok);
  CHECK(other.read(2).code != status::ok);
  hal::gpio_event event;
  CHECK_FALSE(chip.next_event(event));
  CHECK_FALSE(chip.next_event(event));
  CHECK(chip.request(4, {}) != status::ok);
  CHECK(other.request(4, {}) != status::ok);
}
