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
#include <string>

#include <CLI/CLI.hpp>

#include <shoal/version.hpp>

#include "../common/command_line.hpp"
#include "../common/gpio_chip_help.hpp"
#include "../common/message.hpp"
#include "commands.hpp"

namespace {

int run_program(int argc, char** argv) {
  CLI::App app{"Reads, drives and watches the lines of GPIO chips, whatever kind of chip it is.", "shoal-gpio"};
  app.set_version_flag("--version", SHOAL_VERSION_STRING);
  app.require_subcommand(1);
  app.footer("A line is named by its number or its name; " + std::string{common::gpio_chip_help} +
             "\n\n"
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
