// SPDX-License-Identifier: BSL-1.0
//
// baseline, check: what is not as it should be in a guest's kernel.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <shoal/openssl/digester.hpp>
#include <shoal/vmi/linux/kernel_check.hpp>

#include "../common/message.hpp"
#include "alerts.hpp"
#include "checks.hpp"
#include "commands.hpp"
#include "files.hpp"
#include "reading.hpp"

using common::failure;
using namespace shoal::vmi;

const char* const what_is_checked =
    "Looks for processes and threads that are missing from the list of tasks, their process's list of\n"
    "threads or the pid table, and are in another of them, in a list of children or a queue of a processor;\n"
    "modules that are not in their list but in sysfs, the tree of code or memory; system calls and\n"
    "interrupts that lead elsewhere; credentials that two processes share. With a baseline also for code\n"
    "and constants that changed, tables that lead elsewhere in the kernel, and processes that became root.\n"
    "What is found is looked at again before it is told: the guest runs meanwhile.";

namespace {

/// More is no attack, which needs few.
constexpr std::size_t most_changed_pages = 64;

std::size_t changed_pages(const std::vector<finding>& found) {
  return static_cast<std::size_t>(std::ranges::count_if(found, [](const finding& each) {
    return each.kind == finding_kind::code_changed || each.kind == finding_kind::constant_changed;
  }));
}

std::vector<finding> look_once(guest& guest) {
  guest.kernel().look_again();
  const shoal::openssl::digester digester;
  return check_kernel(guest.kernel(), digester, guest.baseline() ? &*guest.baseline() : nullptr);
}

/// What is still there in three more looks.
std::vector<finding> that_stay(std::vector<finding> found, guest& guest) {
  constexpr int looks = 3;
  for (int i = 1; i <= looks && !found.empty(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds{30} * i);
    found = found_in_both(found, look_once(guest));
  }
  return found;
}

}  // namespace

std::vector<finding> look_into(guest& guest) {
  return that_stay(look_once(guest), guest);
}

std::vector<finding> look_while_it_runs(guest& guest) {
  static_cast<void>(guest.look_at_clock());
  std::vector<finding> found = look_once(guest);
  const std::size_t pages = changed_pages(found);
  const bool stands = pages > most_changed_pages && guest.look_at_clock() != guest::clock_state::moves;
  if (!stands) return that_stay(std::move(found), guest);
  return {{finding_kind::code_changed,
           {},
           "kernel",
           "its clock stands and " + std::to_string(pages) +
               " pages of its code and constants have changed: it boots again, or is destroyed"}};
}

kernel_baseline baseline_of(guest& guest) {
  if (const auto tasks = tasks_of(guest.kernel()); tasks && !tasks->is_started()) {
    throw failure{"the kernel of " + guest.name() + " is still starting, and changes its code",
                  "ask again when its first program runs"};
  }
  shoal::result<kernel_baseline> made = take_baseline(guest.kernel(), shoal::openssl::digester{});
  if (made) return std::move(*made);
  throw failure{"cannot take a baseline of " + guest.name(), made.error(), missing_advice};
}

kernel_baseline load_baseline(const std::string& path, guest& guest) {
  auto before = load_saved<kernel_baseline>(path, "baseline");
  if (belongs_to(before, guest.kernel())) return before;
  throw failure{path + " is of another boot than " + guest.name(),
                "code is at other places after each boot: take a baseline of this one, while all is well"};
}

void renew_rights(guest& guest) {
  const auto tasks = tasks_of(guest.kernel());
  if (tasks && guest.baseline()) guest.baseline()->rights = rights_of(*tasks);
}

void advise(const std::vector<finding>& found, const output& out) {
  const auto is_unreadable = [](const finding& each) { return each.kind == finding_kind::unreadable; };
  const auto is_untold = [&](const finding& each) { return is_unreadable(each) && each.detail == not_told; };
  if (std::ranges::any_of(found, is_untold)) {
    out.heading(std::string{"  "} + missing_advice);
  } else if (std::ranges::any_of(found, is_unreadable)) {
    out.heading("  the guest may have changed it meanwhile: ask again; a file or a dump may have been cut");
  }
}

int exit_code(const std::vector<finding>& found) {
  bool unreadable = false;
  for (const finding& each : found) {
    if (each.kind != finding_kind::unreadable) return exit_alerts;
    unreadable = true;
  }
  return unreadable ? common::exit_failed : 0;
}

namespace {

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
  if (!options.baseline.empty()) guest.baseline() = load_baseline(options.baseline, guest);
  const std::vector<finding> found = look_into(guest);
  guest.must_be_whole();
  for (const finding& each : found) tell(to_alert(each, unix_now()), out);
  advise(found, out);
  if (found.empty() && !options.quiet) {
    out.heading(guest.baseline() ? "all is as it was"
                                 : "nothing found; a baseline would show more (shoal-ids baseline --help)");
  }
  return exit_code(found);
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
  sub->add_flag("-q,--quiet", options->quiet, "say nothing when nothing is found");
  if (chosen.served) {
    sub->footer(what_is_checked);
    return;
  }
  sub->add_option("--baseline", options->baseline, "hold it against this, from 'shoal-ids baseline'")
      ->type_name("FILE");
  sub->footer(std::string{what_is_checked} +
              "\n\nExits with 3 when something is found, with 1 when something cannot be read.\n\nExamples:\n"
              "  shoal-ids check 4321\n"
              "  shoal-ids check 4321 --baseline clean.baseline --json");
}
