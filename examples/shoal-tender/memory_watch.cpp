// SPDX-License-Identifier: BSL-1.0
#include "memory_watch.hpp"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include <shoal/monitor/event_text.hpp>
#include <shoal/os/linux/finding_record.hpp>

#include "../shoal-record/clocks.hpp"

using shoal::vmi::finding;

memory_watch::memory_watch(const tender_options& given, shoal::bytes_view file, shoal::bytes_view ram,
                           const shoal::linux_os::stop_signals& stop, common::watch_post& post,
                           std::uint16_t source)
    : given_(given),
      stop_(stop),
      post_(post),
      source_(source),
      messages_(STDERR_FILENO, stop),
      look_(given.guest, file, given.watch_globals),
      memory_(*shoal::vmi::image_memory<shoal::vmi::bytes_source>::make(shoal::vmi::bytes_source{ram},
                                                                        shoal::vmi::raw_regions(ram.size()))) {
  // A thread's first memory is asked for in ways that a sandbox has not: all of that has been when this
  // returns.
  thread_ = std::jthread{[this](const std::stop_token& end) {
    look();
    has_looked_ = true;
    has_looked_.notify_one();
    run(end);
  }};
  has_looked_.wait(false);
}

bool memory_watch::finish() {
  thread_ = {};
  look();
  return found_ && given_.watch_stop;
}

void memory_watch::run(const std::stop_token& end) {
  const std::chrono::duration<double> time{given_.watch};
  const auto period = std::chrono::duration_cast<std::chrono::nanoseconds>(time);
  std::mutex mutex;
  std::condition_variable_any nobody;
  std::unique_lock lock{mutex};
  while (true) {
    nobody.wait_for(lock, end, period, [] { return false; });
    if (end.stop_requested()) return;
    look();
  }
}

void memory_watch::look() {
  std::vector<finding> found = look_.findings(memory_);
  const std::vector<finding> begun = found_without(found, open_);
  const std::vector<finding> over = found_without(open_, found);
  open_ = std::move(found);
  if (!begun.empty()) {
    found_ = true;
    if (given_.watch_stop) stop_.limit(std::chrono::microseconds{1});  // before anything that may wait
  }
  for (const finding& each : begun) {
    post_.judge(shoal::linux_os::record_of(each, source_));
    say("ALERT " + std::string{name_of(each.kind)} + " " + each.subject + ": " + each.detail);
  }
  for (const finding& each : over) say("END " + std::string{name_of(each.kind)} + " " + each.subject);
  for (const common::global_change& each : look_.changes(memory_)) say(each.text());
}

void memory_watch::say(const std::string& line) {
  const std::string text = shoal::monitor::utc_text(wall_clock::now()) + " " + line + "\n";
  static_cast<void>(messages_.write(shoal::as_bytes(text)));
}
