// SPDX-License-Identifier: BSL-1.0
//
// Findings in a recording.
#include "recorder.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

#include <shoal/hal/access_record.hpp>
#include <shoal/monitor/recording_format.hpp>
#include <shoal/os/linux/finding_record.hpp>

#include "../shoal-record/clocks.hpp"

namespace {

/// As long as names in recordings may be.
std::vector<std::string> cut_names(std::vector<std::string> names) {
  for (std::string& each : names) each.resize(std::min(each.size(), shoal::monitor::max_source_name));
  return names;
}

}  // namespace

void add_record_options(CLI::App& app, record_options& options) {
  app.add_option("--record", options.uri, "record what is found: cbor:FILE, tcp://HOST:PORT or tls://HOST:PORT")
      ->type_name("URI");
  app.add_option("--record-trust", options.trust, "believe collectors with these; default: the system's")
      ->type_name("PEM");
}

finding_recorder::finding_recorder(const record_options& options, std::vector<std::string> guests)
    : guests_(std::move(guests)),
      recording_({.uri = options.uri, .name = "ids", .trust = options.trust, .events = true},
                 cut_names(guests_)) {}

void finding_recorder::put(const std::vector<guest_alert>& news, std::uint16_t source) noexcept {
  for (const guest_alert& each : news) {
    if (!each.found || each.ended) continue;
    shoal::hal::access_record record = shoal::linux_os::record_of({*each.found, each.where, {}, {}}, source);
    record.cycles = wall_clock::now();
    recording_.put(record);
  }
  recording_.flush();
}

asio::awaitable<void> finding_recorder::follow(ids_service& service) {
  std::uint64_t next = 0;
  while (true) {
    const alert_log& log = service.log();
    if (next < log.begin()) {
      recording_.put(
          {.cycles = wall_clock::now(), .value = log.begin() - next, .what = shoal::hal::access::lost});
      next = log.begin();
    }
    for (; next < log.end(); ++next) {
      const guest_alert& alert = log.at(next);
      const auto source = std::ranges::find(guests_, alert.guest) - guests_.begin();
      put({alert}, static_cast<std::uint16_t>(source));
    }
    if (service.is_stopped()) co_return;
    co_await service.news().wait();
  }
}
