// SPDX-License-Identifier: BSL-1.0
//
// get, set and watch: lines of a chip, taken for as long as it lasts.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include "../common/gpio_chips.hpp"
#include "../common/gpio_wait.hpp"
#include "../common/interrupt.hpp"
#include "../common/message.hpp"
#include "commands.hpp"

namespace {

using common::any_gpio_chip;
using common::failure;
using shoal::hal::gpio_bias;
using shoal::hal::gpio_edge;
using clock_type = std::chrono::steady_clock;

struct use_command {
  std::string uri;
  std::vector<std::string> lines;
  bool active_low = false;
  gpio_bias pull = gpio_bias::as_is;
  gpio_edge edges = gpio_edge::both;
  bool quiet = false;
  std::optional<double> seconds;
  std::optional<std::uint64_t> count;

  [[nodiscard]] shoal::hal::gpio_config config() const { return {.active_low = active_low, .bias = pull}; }

  int get() const {
    any_gpio_chip chip = open();
    for (const std::string& text : lines) {
      const std::uint32_t line = common::line_of(chip, text);
      common::check(chip.request(line, config()), "take line " + text + " of " + uri);
      const shoal::status_or<bool> level = chip.read(line);
      common::check(level.code, "read line " + text + " of " + uri);
      if (quiet) std::printf("%d\n", *level ? 1 : 0);
      if (!quiet) std::printf("%s=%d\n", text.c_str(), *level ? 1 : 0);
    }
    return 0;
  }

  int set() const {
    const common::interrupt ctrl_c;
    any_gpio_chip chip = open();
    std::map<std::uint32_t, bool> levels;
    for (const std::string& text : lines) {
      const std::size_t equals = text.rfind('=');
      const std::string level = equals == text.npos ? "" : text.substr(equals + 1);
      if (level != "0" && level != "1") {
        throw failure{"'" + text + "' says no level", "write LINE=0 or LINE=1, as in 17=1", common::exit_usage};
      }
      const std::string name = text.substr(0, equals);
      if (!levels.emplace(common::line_of(chip, name), level == "1").second) {
        throw failure{"line " + name + " is given twice", "give each line one level", common::exit_usage};
      }
    }
    for (const auto& [line, level] : levels) {
      shoal::hal::gpio_config wanted = config();
      wanted.direction = shoal::hal::gpio_direction::output;
      wanted.level = level;
      common::check(chip.request(line, wanted), "drive line " + std::to_string(line) + " of " + uri);
    }
    if (!seconds && ::isatty(STDERR_FILENO) != 0) std::fprintf(stderr, "held until Ctrl-C\n");
    const bool in_time = ctrl_c.sleep_for(time_limit());
    for (const auto& [line, level] : levels) {
      common::check(chip.release(line), "give line " + std::to_string(line) + " of " + uri + " back");
    }
    return in_time || !seconds ? 0 : common::exit_interrupted;
  }

  int watch() const {
    const common::interrupt ctrl_c;
    any_gpio_chip chip = open();
    shoal::hal::gpio_config wanted = config();
    wanted.edges = edges;
    std::map<std::uint32_t, std::string> names;
    for (const std::string& text : lines) {
      const std::uint32_t line = common::line_of(chip, text);
      common::check(chip.request(line, wanted), "watch line " + text + " of " + uri);
      names[line] = text;
    }
    const auto end = clock_type::now() + time_limit();
    std::uint64_t seen = 0;
    do {
      for (shoal::hal::gpio_event event; (!count || seen < *count) && chip.next_event(event); ++seen) {
        std::printf("%llu.%09llu %s %s\n", static_cast<unsigned long long>(event.time / 1'000'000'000),
                    static_cast<unsigned long long>(event.time % 1'000'000'000), names[event.line].c_str(),
                    event.edge == gpio_edge::rising ? "rising" : "falling");
      }
    } while (std::fflush(stdout) == 0 && (!count || seen < *count) && clock_type::now() < end &&
             common::wait_for_edge(chip, ctrl_c));
    if (const std::uint64_t lost = chip.lost_events(); lost != 0) {
      std::fprintf(stderr, "%llu edges came too fast and are not shown\n",
                   static_cast<unsigned long long>(lost));
    }
    const bool stopped = ctrl_c.token().stop_requested();
    if (stopped) return count || seconds ? common::exit_interrupted : 0;
    return count && seen < *count ? common::exit_failed : 0;
  }

 private:
  [[nodiscard]] any_gpio_chip open() const { return common::open_gpio_chip(uri, "shoal-gpio"); }

  [[nodiscard]] clock_type::duration time_limit() const {
    constexpr std::chrono::hours for_ever{24 * 365 * 100};
    if (!seconds) return for_ever;
    return std::chrono::duration_cast<clock_type::duration>(std::chrono::duration<double>{*seconds});
  }
};

std::shared_ptr<use_command> add_common(CLI::App& sub, const char* line, const char* about) {
  auto command = std::make_shared<use_command>();
  sub.add_option("CHIP", command->uri,
                 "the chip's URI: cdev:, sysfs:, bcm2835:, bcm2711:, pl061:, qtest: or sim:")
      ->required();
  sub.add_option(line, command->lines, about)->required();
  sub.add_flag("--active-low", command->active_low,
               "1 stands for the low level, and a rising edge for a falling one");
  return command;
}

void add_pull(CLI::App& sub, use_command& command) {
  static const std::map<std::string, gpio_bias> pulls{{"as-is", gpio_bias::as_is},
                                                      {"none", gpio_bias::disabled},
                                                      {"up", gpio_bias::pull_up},
                                                      {"down", gpio_bias::pull_down}};
  sub.add_option("--pull", command.pull, "pull the line: up, down, none, or leave it as-is (default)")
      ->transform(CLI::Transformer(pulls))
      ->type_name("WHERE");
}

void add_time(CLI::App& sub, use_command& command, const char* about) {
  sub.add_option("--for", command.seconds, about)->check(CLI::Range(0.0, 1e9))->type_name("SECONDS");
}

}  // namespace

void add_get(CLI::App& app, action& chosen) {
  CLI::App* const sub = app.add_subcommand("get", "read lines as inputs");
  const auto command = add_common(*sub, "LINE", "number or name; several may be given");
  add_pull(*sub, *command);
  sub->add_flag("-q,--quiet", command->quiet, "print the levels alone");
  sub->footer(
      "Makes an input of each line first. Prints LINE=LEVEL.\n\n"
      "Examples:\n"
      "  shoal-gpio get cdev:/dev/gpiochip0 25 --pull up --active-low\n"
      "  test \"$(shoal-gpio get cdev:/dev/gpiochip0 door -q)\" = 1 && echo open");
  sub->final_callback([&chosen, command] { chosen = [command] { return command->get(); }; });
}

void add_set(CLI::App& app, action& chosen) {
  CLI::App* const sub = app.add_subcommand("set", "drive lines, and hold them until Ctrl-C");
  const auto command = add_common(*sub, "LINE=LEVEL", "number or name, and 0 or 1; several may be given");
  add_time(*sub, *command, "hold them so long, and not until Ctrl-C; 0 for a moment");
  sub->footer(
      "A line is an input again when it is given back.\n\n"
      "Examples:\n"
      "  shoal-gpio set cdev:/dev/gpiochip0 17=1 27=0\n"
      "  shoal-gpio set bcm2835:/dev/gpiomem 17=1 --for 0.5");
  sub->final_callback([&chosen, command] { chosen = [command] { return command->set(); }; });
}

void add_watch(CLI::App& app, action& chosen) {
  CLI::App* const sub = app.add_subcommand("watch", "print edges of lines as they happen, until Ctrl-C");
  const auto command = add_common(*sub, "LINE", "number or name; several may be given");
  add_pull(*sub, *command);
  static const std::map<std::string, gpio_edge> edges{
      {"rising", gpio_edge::rising}, {"falling", gpio_edge::falling}, {"both", gpio_edge::both}};
  sub->add_option("--edges", command->edges, "rising, falling, or both (default)")
      ->transform(CLI::Transformer(edges))
      ->type_name("WHICH");
  sub->add_option("--count", command->count, "end after so many")->check(CLI::PositiveNumber)->type_name("N");
  add_time(*sub, *command, "end after so long; with --count, too few by then are a failure");
  sub->footer(
      "Prints TIME LINE EDGE. The time is in seconds since the machine started: of cdev: it is the kernel's, "
      "of\n"
      "others that at which the edge was noticed.\n\n"
      "Examples:\n"
      "  shoal-gpio watch cdev:/dev/gpiochip0 25 --pull up --edges falling\n"
      "  shoal-gpio watch sysfs:458 25 --count 1 --for 10 || echo 'nobody has pressed it'");
  sub->final_callback([&chosen, command] { chosen = [command] { return command->watch(); }; });
}
