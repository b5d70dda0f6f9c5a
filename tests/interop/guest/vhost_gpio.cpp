// SPDX-License-Identifier: BSL-1.0
//
// Drives two lines of a chip that are wired together, as often as it is told, and looks what comes out; then
// asks for edges.
//
//     vhost_gpio /dev/gpiochip0 OUTPUT INPUT TIMES
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include <shoal/hal/gpio_chip.hpp>
#include <shoal/os/linux/cdev_gpio.hpp>

using namespace shoal;

int main(int, char** argv) {
  auto chip = linux_os::cdev_gpio::open(argv[1]);
  if (!chip) return std::puts("cannot open the chip"), 1;
  const auto out = static_cast<std::uint32_t>(std::atoi(argv[2]));
  const auto in = static_cast<std::uint32_t>(std::atoi(argv[3]));
  const int times = std::atoi(argv[4]);
  if (chip->request(out, {.direction = hal::gpio_direction::output}) != status::ok)
    return std::puts("no output"), 1;
  if (chip->request(in, {}) != status::ok) return std::puts("no input"), 1;
  int wrong = 0;
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < times; ++i) {
    const bool level = i % 3 == 0;
    if (chip->write(out, level) != status::ok) ++wrong;
    const status_or<bool> seen = chip->read(in);
    if (!seen || *seen != level) ++wrong;
  }
  const std::chrono::duration<double, std::micro> spent = std::chrono::steady_clock::now() - start;
  std::printf("%d sets and gets, %d wrong, %.1f us for both\n", times, wrong, spent.count() / times);

  const status edges = chip->request(in, {.edges = hal::gpio_edge::both});
  if (edges != status::ok) {
    std::printf("edges: refused (%d)\n", static_cast<int>(edges));
  } else {
    unsigned seen = 0;
    for (int i = 0; i < 10; ++i) {
      (void)chip->write(out, i % 2 == 0);
      hal::gpio_event event;
      const auto patience = std::chrono::steady_clock::now() + std::chrono::milliseconds{500};
      while (std::chrono::steady_clock::now() < patience && !chip->next_event(event)) {
      }
      if (event.edge == (i % 2 == 0 ? hal::gpio_edge::rising : hal::gpio_edge::falling)) ++seen;
    }
    std::printf("edges: %u of 10\n", seen);
  }
  return wrong == 0 ? 0 : 1;
}
