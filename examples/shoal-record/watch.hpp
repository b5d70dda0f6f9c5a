// SPDX-License-Identifier: BSL-1.0
//
// Rules from the command line: read, with their training, and made into an engine that tells of alerts.
#pragma once

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/monitor/event_text.hpp>
#include <shoal/monitor/ngram_model.hpp>
#include <shoal/monitor/rule_engine.hpp>
#include <shoal/monitor/rule_file.hpp>

#include "../common/message.hpp"
#include "../common/read_file.hpp"

inline constexpr const char* rules_advice = "shoal-record check --help tells how rules are written";

/// A file that another one names.
inline std::string beside(const std::string& path, const std::string& name) {
  return (std::filesystem::path{path}.parent_path() / name).string();
}

/// Rules of a file, without their training. @throws common::failure
inline std::vector<shoal::monitor::rule> read_rules_alone(const std::string& path) {
  using namespace shoal::monitor;
  rules_text read = parse_rules(common::read_file(path, "rules", 1u << 20, rules_advice));
  for (const rule_error& each : read.errors) {
    std::fprintf(stderr, "%s:%zu:%zu: %s\n  %s\n", path.c_str(), each.line, each.column, each.what.c_str(),
                 each.advice.c_str());
  }
  if (!read.errors.empty()) {
    throw common::failure{std::to_string(read.errors.size()) +
                              (read.errors.size() == 1 ? " error" : " errors") + " in the rules of " + path,
                          rules_advice, common::exit_usage};
  }
  return std::move(read.rules);
}

/// Whether somebody finds the files of disks that rules are about.
enum class rules_of_files : bool { are_refused, are_placed };

/// Rules of a file, with what they were trained with, which is named relative to the file.
/// @throws common::failure
inline std::vector<shoal::monitor::rule> read_rules(const std::string& path,
                                                    rules_of_files files = rules_of_files::are_refused) {
  using namespace shoal::monitor;
  std::vector<rule> rules = read_rules_alone(path);
  for (const rule& each : rules) {
    if (each.file.empty() || files == rules_of_files::are_placed) continue;
    throw common::failure{
        "the rule '" + each.name + "' of " + path + " is about a file, and no disk is here",
        "shoal-nbd and shoal-tender find files; here, give its bytes, as shoal-image locate tells",
        common::exit_usage};
  }
  std::map<std::string, std::shared_ptr<const ngram_model>> models;
  for (rule& each : rules) {
    if (each.kind != rule_kind::sequence) continue;
    const std::string file = beside(path, each.training);
    std::shared_ptr<const ngram_model>& model = models[file];
    if (!model) {
      const std::string text =
          common::read_file(file, "training", ngram_model::max_encoded, "make it with shoal-record train");
      shoal::result<ngram_model> decoded = ngram_model::decode(shoal::as_bytes(text));
      if (!decoded) {
        throw common::failure{"cannot use the training in " + file, decoded.error(),
                              "make it with shoal-record train"};
      }
      model = std::make_shared<const ngram_model>(std::move(*decoded));
    }
    each.model = model;
  }
  return rules;
}

/// Says what was raised: a line each.
struct alert_printer {
  std::FILE* out;
  bool json = false;
  const std::vector<std::string>* sources;

  void operator()(const shoal::monitor::alert& what) const noexcept {
    const std::string_view source = what.access.source < sources->size()
                                        ? std::string_view{(*sources)[what.access.source]}
                                        : std::string_view{};
    const std::string text = json ? to_json(what, source) : to_text(what, source);
    std::fprintf(out, "%s\n", text.c_str());
  }
};
using rule_watch = shoal::monitor::rule_engine<alert_printer>;

/// How rules are written, for --help.
inline constexpr const char* rules_help =
    "A rule is a line: KIND NAME WAY ADDRESSES OPTIONS; '#' starts a comment.\n"
    "  forbid   watchdog  write   0x3f100024             value 0/0xff deny\n"
    "  window   valve     write   line:25                hours 06:00-20:00     (UTC)\n"
    "  window   setup     write   0x3f200000-0x3f20000f  first 5s\n"
    "  rate     relay     write   line:17                limit 10 per 1s\n"
    "  sequence driver    any     *                      training gpio.training\n"
    "  stuck    heartbeat any     line:4                 longest 2s\n"
    "  chatter  button    read    line:5                 limit 20 per 100ms\n"
    "  forbid   sensor    write   i2c:0x48               longer 1 deny\n"
    "  forbid   boot      write   disk:0-1048575         deny\n"
    "  allow    web       out     tcp:443                peer 192.0.2.0/24\n"
    "  forbid   others    out     ip:*                   deny\n"
    "  note     login     in      tcp:22\n"
    "  forbid   passwords write   disk:/etc/shadow       within 10s after login\n"
    "  forbid   rootkit   found   kernel:*\n"
    "WAY is read, write, request (of a line), in, out (who began to talk), found, or any. ADDRESSES is a "
    "number or\n"
    "a range in memory, behind what it is in otherwise: port: line: i2c: disk: tcp: udp: ip: frames: kernel:; "
    "or a path\n"
    "behind disk:; or *. Options of all: source N (a device of the recording), value V/MASK (of forbid, "
    "window, rate),\n"
    "bits MASK (of stuck, chatter), longer BYTES (of I2C), peer ADDRESS/BITS (of networks), within TIME after "
    "NAME (another\n"
    "rule was met before), deny (it does not take place, where the recorder is asked first). shoal-record(1) "
    "tells more.";
