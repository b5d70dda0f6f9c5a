// SPDX-License-Identifier: BSL-1.0
//
// baseline, check, watch: what is not as it should be in a guest's kernel.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <shoal/monitor/event_text.hpp>
#include <shoal/openssl/digester.hpp>
#include <shoal/vmi/linux/kernel_check.hpp>

#include "../common/interrupt.hpp"
#include "../common/message.hpp"
#include "commands.hpp"
#include "files.hpp"

namespace {

using common::failure;
using namespace shoal::vmi;

constexpr const char* what_is_checked =
    "Looks for processes that are not in the list of tasks but in the pid table, a list of children or a queue "
    "of a\n"
    "processor; modules that are not in their list but in sysfs or the tree of code; system calls and "
    "interrupts that\n"
    "lead elsewhere; credentials that two processes share. With a baseline also for code and constants that "
    "changed,\n"
    "tables that lead elsewhere in the kernel, and processes that became root.\n"
    "What is found is looked at again before it is told: the guest runs meanwhile.";

/// Finds what is wrong and still is, some milliseconds later: nothing of a guest that just changed its lists.
class checker {
 public:
  checker(guest& guest, const kernel_baseline* before, const common::interrupt& ctrl_c)
      : kernel_(guest.kernel()), before_(before), ctrl_c_(ctrl_c) {}

  std::vector<finding> look() {
    constexpr int looks = 4;
    std::vector<finding> found = look_once();
    for (int i = 1; i < looks && !found.empty(); ++i) {
      if (!ctrl_c_.sleep_for(std::chrono::milliseconds{30} * i)) break;
      found = found_in_both(found, look_once());
    }
    return found;
  }

 private:
  std::vector<finding> look_once() {
    kernel_.look_again();
    return check_kernel(kernel_, digester_, before_);
  }

  guest_kernel& kernel_;
  const kernel_baseline* before_;
  const common::interrupt& ctrl_c_;
  shoal::openssl::digester digester_;
};

std::uint64_t unix_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

void tell(const finding& what, const output& out) {
  const std::string time = shoal::monitor::utc_text(unix_now());
  const std::string line =
      what.kind == finding_kind::unreadable
          ? "cannot read " + what.subject + ": " + what.detail
          : "ALERT " + std::string{name_of(what.kind)} + " " + what.subject + ": " + what.detail;
  out.put(line, {{"time", time},
                 {"kind", std::string{name_of(what.kind)}},
                 {"where", what.where},
                 {"subject", what.subject},
                 {"detail", what.detail}});
}

kernel_baseline load_baseline(const std::string& path, guest& guest) {
  auto before = load_saved<kernel_baseline>(path, "baseline");
  if (belongs_to(before, guest.kernel())) return before;
  throw failure{path + " is of another boot than " + guest.name(),
                "code is at other places after each boot: take a baseline of this one, while all is well"};
}

kernel_baseline baseline_of(guest& guest) {
  shoal::result<kernel_baseline> made = take_baseline(guest.kernel(), shoal::openssl::digester{});
  if (made) return std::move(*made);
  throw failure{"cannot take a baseline of " + guest.name(), made.error(),
                "is this kernel built with CONFIG_KALLSYMS_ALL and CONFIG_DEBUG_INFO_BTF?"};
}

/// Alerts, and what is not one.
int exit_code(const std::vector<finding>& found) {
  bool unreadable = false;
  for (const finding& each : found) {
    if (each.kind != finding_kind::unreadable) return exit_alerts;
    unreadable = true;
  }
  return unreadable ? common::exit_failed : 0;
}

struct baseline_options {
  std::string file;
};

int make_baseline(guest& guest, const output& out, const baseline_options& options) {
  const kernel_baseline made = baseline_of(guest);
  save(options.file, made.encode(), "baseline");
  std::size_t pages = 0;
  for (const kernel_baseline::area& each : made.areas) pages += each.digests.pages.size();
  out.put(std::to_string(pages) + " pages of code and constants, " + std::to_string(made.system_calls.size()) +
              " system calls, " + std::to_string(made.interrupts.size()) + " interrupts, " +
              std::to_string(made.rights.size()) + " processes",
          {{"pages", std::uint64_t{pages}},
           {"system_calls", std::uint64_t{made.system_calls.size()}},
           {"interrupts", std::uint64_t{made.interrupts.size()}},
           {"processes", std::uint64_t{made.rights.size()}}});
  return 0;
}

struct check_options {
  std::string baseline;
  bool quiet = false;
};

int check(guest& guest, const output& out, const check_options& options) {
  const common::interrupt ctrl_c;
  std::optional<kernel_baseline> before;
  if (!options.baseline.empty()) before = load_baseline(options.baseline, guest);
  const std::vector<finding> found = checker{guest, before ? &*before : nullptr, ctrl_c}.look();
  for (const finding& each : found) tell(each, out);
  if (found.empty() && !options.quiet) {
    out.heading(before ? "all is as it was"
                       : "nothing found; a baseline would show more (shoal-ids baseline --help)");
  }
  return exit_code(found);
}

struct watch_options {
  std::string baseline;
  double every = 5;
  std::uint64_t count = 0;
};

int watch(guest& guest, const output& out, const watch_options& options) {
  const common::interrupt ctrl_c;
  kernel_baseline before =
      options.baseline.empty() ? baseline_of(guest) : load_baseline(options.baseline, guest);
  if (options.baseline.empty()) out.heading("how it is now is taken for good");
  out.flush();
  checker eye{guest, &before, ctrl_c};
  std::set<std::tuple<finding_kind, std::uint64_t, std::string>> told;
  std::vector<finding> all;
  const auto pause =
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>{options.every});
  for (std::uint64_t looks = 0; options.count == 0 || looks < options.count; ++looks) {
    if (looks != 0 && !ctrl_c.sleep_for(pause)) break;
    for (const finding& each : eye.look()) {
      if (!told.emplace(each.kind, value(each.where), each.subject).second) continue;
      tell(each, out);
      all.push_back(each);
    }
    out.flush();
    // Rights are held against those of the look before; what is wrong with them was told.
    if (const auto tasks = tasks_of(guest.kernel())) before.rights = rights_of(*tasks);
  }
  return exit_code(all);
}

}  // namespace

void add_baseline(CLI::App& app, action& chosen) {
  auto options = std::make_shared<baseline_options>();
  CLI::App* const sub =
      add_command(app, chosen, "baseline", "keep how its kernel is while all is well, for 'check' and 'watch'",
                  "4321 --output clean.baseline",
                  [options](guest& guest, const output& out) { return make_baseline(guest, out, *options); });
  sub->add_option("-o,--output", options->file, "where to; good until the guest boots again")
      ->type_name("FILE")
      ->required();
}

void add_check(CLI::App& app, action& chosen) {
  auto options = std::make_shared<check_options>();
  CLI::App* const sub =
      add_command(app, chosen, "check", "what is not as it should be in its kernel", "4321",
                  [options](guest& guest, const output& out) { return check(guest, out, *options); });
  sub->add_option("--baseline", options->baseline, "hold it against this, from 'shoal-ids baseline'")
      ->type_name("FILE");
  sub->add_flag("-q,--quiet", options->quiet, "say nothing when nothing is found");
  sub->footer(std::string{what_is_checked} +
              "\n\nExits with 3 when something is found, with 1 when something cannot be read.\n\nExamples:\n"
              "  shoal-ids check 4321\n"
              "  shoal-ids check 4321 --baseline clean.baseline --json");
}

void add_watch(CLI::App& app, action& chosen) {
  auto options = std::make_shared<watch_options>();
  CLI::App* const sub =
      add_command(app, chosen, "watch", "check it again and again, and tell each finding once", "4321",
                  [options](guest& guest, const output& out) { return watch(guest, out, *options); });
  sub->add_option("--baseline", options->baseline, "hold it against this; default: how it is at the beginning")
      ->type_name("FILE");
  sub->add_option("--every", options->every, "time between two looks; default: 5s")
      ->type_name("TIME")
      ->transform(
          CLI::AsNumberWithUnit(std::map<std::string, double>{{"ms", 0.001}, {"s", 1}, {"m", 60}, {"h", 3600}},
                                CLI::AsNumberWithUnit::CASE_SENSITIVE, "TIME"))
      ->check(CLI::PositiveNumber);
  sub->add_option("--count", options->count, "end after so many looks; default: when it is interrupted")
      ->type_name("N");
  sub->footer(
      std::string{what_is_checked} +
      "\n\nExits with 3 when something was found, with 1 when something could not be read.\n\nExample:\n"
      "  shoal-ids watch qmp:guest.qmp --every 5s --json");
}
