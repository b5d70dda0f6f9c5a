// SPDX-License-Identifier: BSL-1.0
//
// blink: a LED at a line of any GPIO chip goes on and off, until Ctrl-C.
//
//     $ blink cdev:/dev/gpiochip0 17
//     $ blink sysfs:458 25              (gpio483 of a Raspberry Pi 3)
#include <chrono>

#include "../common/gpio_chips.hpp"
#include "../common/interrupt.hpp"

using namespace shoal;

int main(int argc, char** argv) {
  return common::guarded("blink", [&] {
    if (argc != 3) throw common::failure{"usage: blink CHIP LINE", std::string{common::gpio_chip_help}, 2};
    const common::interrupt ctrl_c;
    common::any_gpio_chip chip = common::open_gpio_chip(argv[1], "blink");
    const std::uint32_t led = common::line_of(chip, argv[2]);

    bool on = true;
    common::check(chip.request(led, {.direction = hal::gpio_direction::output, .level = on}), "drive the LED");
    while (ctrl_c.sleep_for(std::chrono::milliseconds{500})) {
      on = !on;
      common::check(chip.write(led, on), "switch the LED");
    }
    common::check(chip.release(led), "give the LED back");
    return 0;
  });
}
