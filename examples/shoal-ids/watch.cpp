// SPDX-License-Identifier: BSL-1.0
//
// watch: check a guest again and again.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "../common/interrupt.hpp"
#include "../common/message.hpp"
#include "alerts.hpp"
#include "checks.hpp"
#include "commands.hpp"
#include "period.hpp"
#include "recorder.hpp"

namespace {

struct watch_options {
  std::string baseline;
  double every = 5;
  std::uint64_t count = 0;
  record_options record;
};

int watch(guest& guest, const output& out, const watch_options& options) {
  const common::interrupt ctrl_c;
  guest.baseline() = options.baseline.empty() ? baseline_of(guest) : load_baseline(options.baseline, guest);
  if (options.baseline.empty()) out.heading("how it is now is taken for good");
  std::fflush(stdout);
  std::optional<finding_recorder> recorder;
  if (!options.record.uri.empty()) recorder.emplace(options.record, std::vector{guest.name()});
  alert_book book;
  int worst = 0;
  for (std::uint64_t looks = 0; options.count == 0 || looks < options.count; ++looks) {
    if (looks != 0 && !ctrl_c.sleep_for(in_nanoseconds(options.every))) break;
    const std::vector<shoal::vmi::finding> found = look_while_it_runs(guest);
    if (!guest.is_there()) {  // and what was found meanwhile is no finding
      if (recorder) recorder->finish();
      guest.must_be_whole();
      throw common::failure{guest.name() + " is no longer what it was: it ended, or boots again",
                            "'shoal-ids serve' waits for guests that come back"};
    }
    const std::vector<guest_alert> news = book.update(found, unix_now());
    for (const guest_alert& each : news) tell(each, out);
    if (looks == 0) advise(found, out);
    if (recorder) recorder->put(news, 0);
    worst = std::max(worst, exit_code(found));
    std::fflush(stdout);
    renew_rights(guest);
  }
  if (recorder) recorder->finish();
  return worst;
}

}  // namespace

void add_watch(CLI::App& app, action& chosen) {
  auto options = std::make_shared<watch_options>();
  CLI::App* const sub =
      add_command(app, chosen, "watch", "check it again and again; tell each finding once, and its end", "4321",
                  [options](guest& guest, const output& out) { return watch(guest, out, *options); });
  sub->add_option("--baseline", options->baseline, "hold it against this; default: how it is at the beginning")
      ->type_name("FILE");
  add_period(*sub, "--every", options->every, "time between two looks; default: 5s");
  add_count(*sub, options->count);
  add_record_options(*sub, options->record);
  sub->footer(
      std::string{what_is_checked} +
      "\n\nExits with 3 when something was found, with 1 when something could not be read.\n\nExample:\n"
      "  shoal-ids watch qmp:guest.qmp --every 5s --json");
}
