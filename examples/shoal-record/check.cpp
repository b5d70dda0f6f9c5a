// SPDX-License-Identifier: BSL-1.0
//
// train and check: what is normal in recordings, and what is not.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <shoal/monitor/ngram_model.hpp>
#include <shoal/monitor/rule_engine.hpp>

#include "../common/interrupt.hpp"
#include "../common/message.hpp"
#include "commands.hpp"
#include "input.hpp"
#include "watch.hpp"

namespace {

using common::failure;

struct train_command {
  std::vector<std::string> recordings;
  std::string output;
  std::string rules;
  std::size_t length = 3;

  int run() const {
    if (output.empty() == rules.empty()) {
      throw failure{"what is learnt has to go somewhere", "give one of --output and --rules",
                    common::exit_usage};
    }
    std::vector<loaded_recording> loaded;
    for (const std::string& path : recordings) loaded.push_back(load_recording(path));
    if (rules.empty()) {
      learn(loaded, {}, output, "all");
      return 0;
    }
    for (const shoal::monitor::rule& each : read_rules_alone(rules)) {
      if (each.kind != shoal::monitor::rule_kind::sequence) continue;
      learn(loaded, each.at, beside(rules, each.training), each.name);
    }
    return 0;
  }

 private:
  void learn(const std::vector<loaded_recording>& loaded, const shoal::monitor::access_pattern& at,
             const std::string& path, const std::string& name) const {
    shoal::monitor::ngram_trainer trainer{length};
    for (const loaded_recording& recording : loaded) {
      for (const recording_part& part : recording.parts) {
        trainer.restart();
        for (const auto& each : part.records) {
          if (each.what == shoal::hal::access::lost || at.covers(each)) trainer.note(each);
        }
      }
    }
    const auto model = trainer.finish();
    if (!model) {
      throw failure{"cannot learn from these recordings", model.error(),
                    "a model holds 65535 addresses and a million sequences: look at fewer devices at once"};
    }
    const std::vector<std::byte> bytes = model->encode();
    std::ofstream out{path, std::ios::binary};
    out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    out.close();
    if (!out) throw failure{"cannot write " + path, "its folder must exist and be writable"};
    std::printf("%s: %zu kinds of access, %zu sequences of %zu\n", name.c_str(), model->symbol_count(),
                model->gram_count(), length);
  }
};

struct check_command {
  std::vector<std::string> recordings;
  std::string rules;
  bool together = false;
  bool json = false;
  bool quiet = false;

  int run() const {
    const common::interrupt ctrl_c;
    const std::vector<shoal::monitor::rule> wanted = read_rules(rules);
    std::vector<std::vector<std::string>> streams{recordings};
    if (!together) {
      streams.clear();
      for (const std::string& path : recordings) streams.push_back({path});
    }
    std::uint64_t alerts = 0;
    std::size_t records = 0;
    for (const std::vector<std::string>& paths : streams) {
      const loaded_recording loaded = load_together(paths);
      std::vector<std::string> sources;
      rule_watch watch{wanted, alert_printer{stdout, json, &sources}};
      for (const recording_part& part : loaded.parts) {
        sources = part.sources;
        watch.restart();
        for (const auto& each : part.records) {
          if (ctrl_c.token().stop_requested()) throw failure{"interrupted", {}, common::exit_interrupted};
          (void)watch.check(part.times.unix_ns(each.cycles), each);
        }
        if (part.end != 0) watch.advance(part.end);
        records += part.records.size();
      }
      alerts += watch.alerts();
    }
    if (alerts != 0) {
      throw failure{std::to_string(alerts) + (alerts == 1 ? " alert in " : " alerts in ") +
                        std::to_string(records) + " records",
                    "see above which"};
    }
    if (!quiet) std::fprintf(stderr, "no alert in %zu records\n", records);
    return 0;
  }
};

}  // namespace

void add_train(CLI::App& app, action& chosen) {
  CLI::App* const sub =
      app.add_subcommand("train", "learn which sequences of accesses are normal, from recordings");
  auto command = std::make_shared<train_command>();
  sub->add_option("RECORDING", command->recordings, "of clean traffic, all that is normal in it")->required();
  sub->add_option("-o,--output", command->output, "learn of all accesses, into this file")->type_name("FILE");
  sub->add_option("--rules", command->rules, "learn what each rule of the kind 'sequence' in it is about")
      ->type_name("FILE");
  sub->add_option("--length", command->length, "of a sequence, 1 to 4; default: 3")
      ->type_name("N")
      ->check(CLI::Range(1, 4));
  sub->footer("Example:\n  shoal-record train monday.rec tuesday.rec --rules gpio.rules");
  sub->callback([command, &chosen] { chosen = [command] { return command->run(); }; });
}

void add_check(CLI::App& app, action& chosen) {
  CLI::App* const sub = app.add_subcommand("check", "hold recordings against rules");
  auto command = std::make_shared<check_command>();
  sub->add_option("RECORDING", command->recordings, "what was recorded")->required();
  sub->add_option("--rules", command->rules, "see below")->type_name("FILE")->required();
  sub->add_flag("--together", command->together, "as one stream, by the clock: one rule may span several");
  sub->add_flag("--json", command->json, "print an object for each alert");
  sub->add_flag("-q,--quiet", command->quiet, "say nothing when there is no alert");
  sub->footer(std::string{rules_help} +
              "\n\nExits with 1 when there is an alert, and prints each.\n\nExample:\n"
              "  shoal-record check today.rec --rules gpio.rules\n"
              "  shoal-record check disk.rec guest.rec --together --rules host.rules");
  sub->callback([command, &chosen] { chosen = [command] { return command->run(); }; });
}
