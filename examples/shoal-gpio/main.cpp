// SPDX-License-Identifier: BSL-1.0
//
// shoal-gpio: the lines of GPIO chips, whatever kind of chip it is.
//
//     $ shoal-gpio detect
//     cdev:/dev/gpiochip0    pinctrl-bcm2835    54 lines
//     $ shoal-gpio set cdev:/dev/gpiochip0 17=1 --for 2
//     $ shoal-gpio watch cdev:/dev/gpiochip0 25 --pull up
//     83.104283771 25 falling
#include <csignal>
#include <optional>

#include <CLI/CLI.hpp>

#include <shoal/version.hpp>

#include "../common/command_line.hpp"
#include "../common/message.hpp"
#include "commands.hpp"

namespace {

int run_program(int argc, char** argv) {
  CLI::App app{"Reads, drives and watches the lines of GPIO chips, whatever kind of chip it is.", "shoal-gpio"};
  app.set_version_flag("--version", SHOAL_VERSION_STRING);
  app.require_subcommand(1);
  app.footer(
      "A chip is named by a URI, a line by its number on the chip or by its name:\n"
      "  cdev:/dev/gpiochip0                     a GPIO character device of Linux\n"
      "  sysfs:458, sysfs:pinctrl-bcm2835        /sys/class/gpio: by the chip's base, or what its driver calls "
      "it\n"
      "  bcm2835:/dev/gpiomem, bcm2711:...       registers of a Raspberry Pi 1 to 3, of a Pi 4; also "
      "bcm2835:0x3f200000\n"
      "  pl061:0x9030000                         registers of an ARM PL061, by /dev/mem\n"
      "  qtest:SOCKET?pl061=0x9030000            the same in QEMU; also ?bcm2835=0x3f200000\n"
      "  sim:8, sim:8?names=led,key&wires=0-1    simulated, to try things\n\n"
      "Examples:\n"
      "  shoal-gpio detect                                  which chips there are\n"
      "  shoal-gpio info cdev:/dev/gpiochip0                its lines, their names, and who uses them\n"
      "  shoal-gpio get cdev:/dev/gpiochip0 25 --pull up    is the switch open?\n"
      "  shoal-gpio set cdev:/dev/gpiochip0 led=1           light it until Ctrl-C\n"
      "  shoal-gpio watch sysfs:458 25 --count 1            wait for the switch\n"
      "'shoal-gpio COMMAND --help' tells more about a command.");
  action chosen;
  add_detect(app, chosen);
  add_info(app, chosen);
  add_get(app, chosen);
  add_set(app, chosen);
  add_watch(app, chosen);
  if (const std::optional<int> done = common::parse_command_line(app, argc, argv)) return *done;
  // `shoal-gpio watch ... | head`: lines are given back, and not just dropped
  std::signal(SIGPIPE, SIG_IGN);
  return chosen();
}

}  // namespace

int main(int argc, char** argv) {
  return common::guarded("shoal-gpio", [&] { return run_program(argc, argv); });
}
