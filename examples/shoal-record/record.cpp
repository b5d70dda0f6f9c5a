// SPDX-License-Identifier: BSL-1.0
//
// record: runs a script of GPIO calls on a chip and records each; and replay: runs it again, against a
// recording.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <shoal/hal/access_filter.hpp>
#include <shoal/hal/recording_gpio.hpp>
#include <shoal/hal/replay_gpio.hpp>
#include <shoal/hal/replay_script.hpp>
#include <shoal/monitor/checked_bus.hpp>
#include <shoal/monitor/event_text.hpp>

#include "../common/gpio_chips.hpp"
#include "../common/interrupt.hpp"
#include "../common/message.hpp"
#include "clocks.hpp"
#include "commands.hpp"
#include "input.hpp"
#include "output.hpp"
#include "script.hpp"
#include "watch.hpp"

namespace {

using common::failure;
using shoal::hal::access_record;

/// The lines that are recorded; none given: all.
struct chosen_lines {
  std::set<std::uint64_t> lines;
  [[nodiscard]] bool wants(const access_record& seen) const noexcept {
    return lines.empty() || lines.contains(seen.address);
  }
};
static_assert(shoal::hal::access_filter<chosen_lines>);

struct output_sink {
  recording_output* output;
  void put(const access_record& record) noexcept { output->put(record); }
};

struct record_command {
  std::string chip;
  std::string script;
  std::string rules;
  std::vector<std::uint64_t> lines;
  output_options output;

  int run() const {
    const common::interrupt ctrl_c;
    gpio_script calls{script};
    const std::vector<std::string> sources{chip.substr(0, shoal::monitor::max_source_name)};
    rule_watch watch{rules.empty() ? std::vector<shoal::monitor::rule>{} : read_rules(rules),
                     alert_printer{stderr, false, &sources}};
    common::any_gpio_chip hardware = common::open_gpio_chip(chip, "shoal-record");
    recording_output out{output, sources, wall_clock::point};
    using guarded_chip = shoal::monitor::checked_gpio<common::any_gpio_chip, rule_watch, wall_clock>;
    guarded_chip guarded{hardware, watch, wall_clock{}};
    shoal::hal::recording_gpio<guarded_chip, chosen_lines, output_sink, wall_clock> recorded{
        guarded, chosen_lines{{lines.begin(), lines.end()}}, output_sink{&out}};
    const bool whole = calls.run(recorded, ctrl_c.token(), [&out] {
      out.tick();  // what was recorded so far shall not wait, too
      return true;
    });
    out.finish();
    if (!whole) throw failure{"interrupted; what was recorded is there", {}, common::exit_interrupted};
    if (calls.failures() != 0) {
      throw failure{std::to_string(calls.failures()) + " calls of " + script + " failed",
                    "they are not in the recording; see above which"};
    }
    return 0;
  }
};

/// Tells of differences, the first hundred of them.
struct difference_printer {
  std::size_t* told;
  void operator()(const shoal::hal::replay_difference& what) const noexcept {
    if (++*told > 100) return;
    const std::string expected = shoal::monitor::to_text(what.expected, {});
    const std::string got = shoal::monitor::to_text(what.got, {});
    using shoal::hal::replay_fault;
    switch (what.fault) {
      case replay_fault::value:
        std::printf("record %zu: %s, was %s\n", what.index + 1, got.c_str(), expected.c_str());
        return;
      case replay_fault::missing:
        std::printf("record %zu: %s did not come\n", what.index + 1, expected.c_str());
        return;
      case replay_fault::extra:
        std::printf("record %zu: %s came, which was not there\n", what.index + 1, got.c_str());
        return;
      case replay_fault::gap: std::printf("record %zu: %s\n", what.index + 1, expected.c_str()); return;
      case replay_fault::ended: std::printf("after the end: %s\n", got.c_str()); return;
    }
  }
};

struct replay_command {
  std::string recording;
  std::string script;

  int run() const {
    const common::interrupt ctrl_c;
    gpio_script calls{script};
    const std::vector<access_record> records = load_recording(recording).all();
    std::size_t told = 0;
    shoal::hal::replay_script then{std::span<const access_record>{records}, difference_printer{&told}};
    constexpr std::uint32_t any_line = 0xffff'ffff;
    shoal::hal::replay_gpio chip{then, any_line, {.bias = true, .edges = true}};
    if (!calls.run(chip, ctrl_c.token(), [] { return false; }))
      throw failure{"interrupted", {}, common::exit_interrupted};
    then.finish();
    if (then.differences() == 0) {
      std::fprintf(stderr, "no difference in %zu records\n", records.size());
      return 0;
    }
    throw failure{std::to_string(then.differences()) + " differences between " + script + " and " + recording,
                  "see above which"};
  }
};

constexpr const char* script_help =
    "A script has a call a line; '#' starts a comment:\n"
    "  output 0 1      line 0 becomes an output that is high     set 0 0      it is low\n"
    "  input 1 up      line 1 becomes an input, pulled up; also: down, edges\n"
    "  get 1           prints its level                          release 1    gives it back\n"
    "  wait 100ms                                                repeat 5     all of it, five times\n";

}  // namespace

void add_record(CLI::App& app, action& chosen) {
  CLI::App* const sub = app.add_subcommand("record", "run a script of GPIO calls on a chip and record them");
  auto command = std::make_shared<record_command>();
  sub->add_option("SCRIPT", command->script, "a file of calls, see below")->required();
  sub->add_option("--chip", command->chip,
                  "a GPIO chip, as cdev:/dev/gpiochip0 or sim:8;\nshoal-gpio --help knows all kinds")
      ->type_name("URI")
      ->required();
  sub->add_option("--line", command->lines, "record this line; may be given again. Default: all")
      ->type_name("N")
      ->allow_extra_args(false);
  sub->add_option("--rules", command->rules, "tell of calls that break these rules; those with 'deny' fail")
      ->type_name("FILE");
  add_output_options(*sub, command->output);
  sub->footer(std::string{script_help} +
              "\nExample:\n  shoal-record record --chip sim:8 --output cbor:blink.rec blink");
  sub->callback([command, &chosen] { chosen = [command] { return command->run(); }; });
}

void add_replay(CLI::App& app, action& chosen) {
  CLI::App* const sub = app.add_subcommand(
      "replay", "run a script against a recording, which answers for the chip, and tell differences");
  auto command = std::make_shared<replay_command>();
  sub->add_option("RECORDING", command->recording, "a file of 'record'")->required();
  sub->add_option("SCRIPT", command->script, "a file of calls, see below")->required();
  sub->footer(std::string{script_help} +
              "\nWaits are left out. Exits with 1 when there is a difference.\n\nExample:\n"
              "  shoal-record replay blink.rec blink");
  sub->callback([command, &chosen] { chosen = [command] { return command->run(); }; });
}
