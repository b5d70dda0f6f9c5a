// SPDX-License-Identifier: BSL-1.0
//
// show: a recording as text, as JSON, and as a picture.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <shoal/monitor/event_text.hpp>
#include <shoal/monitor/rule.hpp>

#include "../common/interrupt.hpp"
#include "../common/message.hpp"
#include "commands.hpp"
#include "input.hpp"
#include "picture.hpp"

namespace {

using common::failure;

struct show_command {
  std::vector<std::string> recordings;
  std::string svg;
  bool json = false;
  bool summary = false;

  int run() const {
    const common::interrupt ctrl_c;
    const loaded_recording loaded = load_together(recordings);
    if (!svg.empty()) {
      draw_recording(loaded, svg);
      return 0;
    }
    if (summary) return sum_up(loaded);
    for (const recording_part& part : loaded.parts) {
      for (const auto& each : part.records) {
        if (ctrl_c.token().stop_requested()) throw failure{"interrupted", {}, common::exit_interrupted};
        const std::uint64_t time = part.times.unix_ns(each.cycles);
        const std::string_view source = part.source_of(each);
        const std::string line =
            json ? "{\"time\":\"" + shoal::monitor::utc_text(time) + "\"," +
                       shoal::monitor::to_json(each, source) + "}"
                 : shoal::monitor::utc_text(time) + " " + shoal::monitor::to_text(each, source);
        if (std::puts(line.c_str()) < 0) return 0;  // told at the end
      }
    }
    return 0;
  }

 private:
  static int sum_up(const loaded_recording& loaded) {
    std::uint64_t records = 0;
    std::uint64_t accesses = 0;
    std::uint64_t lost = 0;
    for (const recording_part& part : loaded.parts) {
      for (const auto& each : part.records) {
        ++records;
        if (each.what == shoal::hal::access::lost) {
          lost += each.value;
        } else if (classify(each.what).way != shoal::monitor::direction::any) {
          accesses += times_of(each);
        }
      }
    }
    std::printf("parts     %zu\nrecords   %llu\naccesses  %llu\nlost      %llu\n", loaded.parts.size(),
                static_cast<unsigned long long>(records), static_cast<unsigned long long>(accesses),
                static_cast<unsigned long long>(lost));
    return 0;
  }
};

}  // namespace

void add_show(CLI::App& app, action& chosen) {
  CLI::App* const sub = app.add_subcommand("show", "a recording as text, as JSON, or as a picture");
  auto command = std::make_shared<show_command>();
  sub->add_option("RECORDING", command->recordings, "what was recorded; several are shown as one, by the clock")
      ->required();
  CLI::Option* const json =
      sub->add_flag("--json", command->json, "an object of JSON for each record, a line each");
  CLI::Option* const svg = sub->add_option("--svg", command->svg,
                                           "draw a timeline into this file: a lane for each line and register")
                               ->type_name("FILE");
  sub->add_flag("--summary", command->summary, "count, and print no record")->excludes(json)->excludes(svg);
  json->excludes(svg);
  sub->footer(
      "A recording that a crash has cut short is shown up to its last whole record, with a warning.\n\n"
      "Examples:\n"
      "  shoal-record show out.rec | grep 'line_set 17'\n"
      "  shoal-record show out.rec --svg out.svg\n"
      "  shoal-record show disk.rec guest.rec");
  sub->callback([command, &chosen] { chosen = [command] { return command->run(); }; });
}
