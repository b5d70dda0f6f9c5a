// SPDX-License-Identifier: BSL-1.0
//
// follow-switch: a LED is on while a switch is pressed, at lines of any GPIO chip, until Ctrl-C.
//
//     $ follow-switch cdev:/dev/gpiochip0 SWITCH LED
//     $ follow-switch 'sim:8?names=switch,led,finger&wires=2-0' switch led
#include "../common/gpio_chips.hpp"
#include "../common/gpio_wait.hpp"

using namespace shoal;

int main(int argc, char** argv) {
  return common::guarded("follow-switch", [&] {
    if (argc != 4)
      throw common::failure{"usage: follow-switch CHIP SWITCH LED", std::string{common::gpio_chip_help}, 2};
    const common::interrupt ctrl_c;
    common::any_gpio_chip chip = common::open_gpio_chip(argv[1], "follow-switch");
    const std::uint32_t button = common::line_of(chip, argv[2]);
    const std::uint32_t led = common::line_of(chip, argv[3]);
    const hal::gpio_edge edges = chip.features().edges ? hal::gpio_edge::both : hal::gpio_edge::none;
    common::check(chip.request(button, {.edges = edges}), "watch the switch");
    common::check(chip.request(led, {.direction = hal::gpio_direction::output}), "drive the LED");

    do {
      for (hal::gpio_event edge; chip.next_event(edge);) {
      }
      const status_or<bool> pressed = chip.read(button);
      common::check(pressed.code, "read the switch");
      common::check(chip.write(led, *pressed), "switch the LED");
    } while (common::wait_for_edge(chip, ctrl_c));
    return 0;
  });
}
