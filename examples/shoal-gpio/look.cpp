// SPDX-License-Identifier: BSL-1.0
//
// detect and info: which chips there are, and which lines a chip has.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <shoal/os/linux/cdev_gpio.hpp>
#include <shoal/os/linux/device_node.hpp>
#include <shoal/os/linux/sysfs_gpio_tree.hpp>

#include "../common/gpio_chips.hpp"
#include "../common/message.hpp"
#include "commands.hpp"

namespace {

void list(const std::string& uri, std::string_view label, std::uint32_t lines) {
  std::printf("%-22s %-28.*s %u lines\n", uri.c_str(), static_cast<int>(label.size()), label.data(), lines);
}

int detect() {
  std::vector<std::string> nodes;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator{"/dev", ignored}) {
    if (entry.path().filename().string().starts_with("gpiochip")) nodes.push_back(entry.path().string());
  }
  std::ranges::sort(nodes);
  bool found = false;
  for (const std::string& node : nodes) {
    const shoal::result<shoal::linux_os::cdev_gpio> chip = shoal::linux_os::cdev_gpio::open(node, "shoal-gpio");
    if (chip) {
      list("cdev:" + node, chip->label(), chip->line_count());
    } else {
      std::fprintf(stderr, "shoal-gpio: cannot open %s: %s\n  %s\n", node.c_str(),
                   chip.error().message().c_str(), shoal::linux_os::next_step(node, chip.error()).c_str());
    }
    found = found || chip;
  }
  for (const shoal::linux_os::sysfs_chip& chip : shoal::linux_os::sysfs_chips()) {
    list("sysfs:" + std::to_string(chip.base), chip.label, chip.lines);
    found = true;
  }
  if (found) return 0;
  if (!nodes.empty()) return common::exit_failed;  // each has been told
  throw common::failure{
      "this machine shows no GPIO chip, neither in /dev nor in /sys/class/gpio",
      "is its driver loaded? Registers are not looked for: shoal-gpio --help names such chips"};
}

int info(const std::string& uri) {
  const common::any_gpio_chip chip = common::open_gpio_chip(uri, "shoal-gpio");
  const shoal::hal::gpio_features features = chip.features();
  std::printf("%s: %u lines%s%s%s\n", uri.c_str(), chip.line_count(), features.bias ? ", with pulls" : "",
              features.edges ? ", with edges" : "", features.atomic_lines ? ", several in one moment" : "");
  for (std::uint32_t line = 0; line < chip.line_count(); ++line) {
    const std::string_view name = chip.line_name(line);
    std::string text = std::string{name};
    if (const std::string usage = chip.usage(line); !usage.empty()) {
      text.resize(std::max<std::size_t>(text.size(), 16), ' ');
      text += " " + usage;
    }
    std::printf("%4u %s\n", line, text.c_str());
  }
  return 0;
}

}  // namespace

void add_detect(CLI::App& app, action& chosen) {
  CLI::App* const sub = app.add_subcommand("detect", "list the chips that Linux shows: URI, label, lines");
  sub->footer(
      "Looks at /dev/gpiochip* and /sys/class/gpio, where one chip may show up twice. Fails when there is "
      "none.\n\n"
      "Example:\n  shoal-gpio detect");
  sub->final_callback([&chosen] { chosen = detect; });
}

void add_info(CLI::App& app, action& chosen) {
  CLI::App* const sub = app.add_subcommand("info", "what a chip can do, and its lines with names and users");
  const auto uri = std::make_shared<std::string>();
  sub->add_option("CHIP", *uri, "the chip's URI: cdev:, sysfs:, bcm2835:, bcm2711:, pl061:, qtest: or sim:")
      ->required();
  sub->footer(
      "Names and users are those that the kernel knows: of cdev: alone.\n\n"
      "Example:\n  shoal-gpio info cdev:/dev/gpiochip0");
  sub->final_callback([&chosen, uri] { chosen = [uri] { return info(*uri); }; });
}
