// SPDX-License-Identifier: BSL-1.0
//
// unikernel: looks into a guest of shoal-tender: whether its text and constants are those of its file, and what
// its globals hold.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/os/linux/introspected_memory.hpp>

#include "../common/interrupt.hpp"
#include "../common/message.hpp"
#include "../common/read_file.hpp"
#include "../common/unikernel_look.hpp"
#include "alerts.hpp"
#include "checks.hpp"
#include "commands.hpp"
#include "period.hpp"

namespace {

using common::failure;
using shoal::linux_os::introspected_memory;
using shoal::vmi::finding;

struct unikernel_options {
  std::string file;
  std::string ram;
  std::vector<std::string> globals;
  double every = 0;
  std::uint64_t count = 0;
  bool quiet = false;
};

introspected_memory memory_of(const std::string& ram) {
  shoal::result<introspected_memory> memory = introspected_memory::of_file(ram);
  if (memory) return std::move(*memory);
  throw failure{"cannot look into " + ram, memory.error(),
                "'shoal-tender --ram-file FILE' keeps a guest's memory in a file"};
}

/// What is wrong and still is a moment later: nothing of a guest that is just being loaded.
std::vector<finding> what_stays(const common::unikernel_look& look, const introspected_memory& memory) {
  std::vector<finding> found = look.findings(memory);
  if (found.empty()) return found;
  std::this_thread::sleep_for(std::chrono::milliseconds{30});
  return found_in_both(found, look.findings(memory));
}

int look_at(const unikernel_options& options, const output& out) {
  constexpr std::uint64_t largest = 256ull << 20;
  const std::string file = common::read_file(options.file, "unikernel", largest, "give its ELF file");
  common::unikernel_look look{options.file, shoal::as_bytes(file), options.globals};
  const introspected_memory memory = memory_of(options.ram);
  const common::interrupt ctrl_c;
  alert_book book;
  int worst = 0;
  const bool once = options.every == 0;
  for (std::uint64_t looks = 0; looks == 0 || (!once && (options.count == 0 || looks < options.count));
       ++looks) {
    if (looks != 0 && !ctrl_c.sleep_for(in_nanoseconds(options.every))) break;
    const std::vector<finding> found = what_stays(look, memory);
    if (memory.is_gone()) {
      throw failure{options.ram + " has changed its size while it was read: the guest's memory is gone",
                    "look again when shoal-tender runs"};
    }
    for (const guest_alert& each : book.update(found, unix_now())) tell(each, out);
    for (const common::global_change& each : look.changes(memory)) {
      out.put(each.text(), {{"global", each.name}, {"value", each.now.text()}});
    }
    if (once && found.empty() && !options.quiet) out.heading("text and constants are those of the file");
    worst = std::max(worst, exit_code(found));
    std::fflush(stdout);
  }
  return worst;
}

}  // namespace

void add_unikernel(CLI::App& app, action& chosen) {
  auto options = std::make_shared<unikernel_options>();
  CLI::App* const sub =
      app.add_subcommand("unikernel", "what is not as its file has it in a guest of shoal-tender");
  sub->add_option("ELF", options->file, "the unikernel's file, as the linker wrote it")->required();
  sub->add_option("RAM", options->ram, "its memory: of 'shoal-tender --ram-file RAM'")->required();
  sub->add_option("--global", options->globals,
                  "NAME: tell its value, and with --every its changes; NAME=LEAST..MOST: tell a value that is\n"
                  "outside; may be given again")
      ->type_name("NAME[=LEAST..MOST]")
      ->allow_extra_args(false);
  CLI::Option* const every =
      add_period(*sub, "--every", options->every, "look again after this time; default: once");
  add_count(*sub, options->count)->needs(every);
  sub->add_flag("-q,--quiet", options->quiet, "say nothing when nothing is found");
  add_forms(*sub, chosen);
  sub->footer(
      "Text, constants and the empty rest of their pages are held against the file. A global is found by the "
      "name that\n"
      "'nm ELF' prints, and is a number where it has 1, 2, 4 or 8 bytes; others are told byte by byte, up to "
      "64.\n\n"
      "Exits with 3 when something is found, with 1 when something cannot be read.\n\nExamples:\n"
      "  shoal-ids unikernel guest guest.ram\n"
      "  shoal-ids unikernel guest guest.ram --global errors=0..0 --global state --every 1s --json");
  sub->callback([options, &chosen] {
    chosen.alone = [options, &chosen] { return look_at(*options, output::standard(chosen.form)); };
  });
}
