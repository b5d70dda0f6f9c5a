// SPDX-License-Identifier: BSL-1.0
//
// watch_post: what clients and guests do with disks, networks, lines and registers, recorded and held against
// rules: one stream with one clock, so that one rule can span them.
//
//     common::watch_post post{{.rules = "disk.rules", .record = {}, .name = "nbd"}, {"disk"}};
//     post.add_disk(0, read);  // finds the files that rules name
//     post.start();
//     shoal::any_device disk = post.watch(std::move(opened), 0);
//
// For wrappers of hal/ and monitor/ it is the filter and the sink of what they record, and the guard that they
// ask.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/range_set.hpp>
#include <shoal/base/status.hpp>
#include <shoal/block/any_device.hpp>
#include <shoal/block/filter/watched.hpp>
#include <shoal/hal/access_filter.hpp>
#include <shoal/hal/access_record.hpp>
#include <shoal/hal/access_sink.hpp>
#include <shoal/monitor/alert_limit.hpp>
#include <shoal/monitor/checked_bus.hpp>
#include <shoal/monitor/event_text.hpp>
#include <shoal/monitor/recording_format.hpp>
#include <shoal/monitor/rule.hpp>
#include <shoal/monitor/rule_engine.hpp>
#include <shoal/monitor/watched_net.hpp>

#include "../shoal-record/clocks.hpp"
#include "../shoal-record/output.hpp"
#include "../shoal-record/watch.hpp"
#include "chip_recording.hpp"
#include "disk_rules.hpp"
#include "message.hpp"

namespace common {

struct watch_options {
  std::string rules;                            ///< a file; empty: none
  std::string record;                           ///< a URI; empty: nowhere
  std::string name;                             ///< of the recording at a collector
  bool events = true;                           ///< more is watched than lines and registers
  std::function<void(std::string_view)> say{};  ///< tells of alerts: a line; empty: on standard error
};

/// Set up by one thread, used by any. Outlives what it watches.
class watch_post {
 public:
  /// @param sources  what is watched, by name. @throws failure
  watch_post(const watch_options& options, std::vector<std::string> sources)
      : sources_(std::move(sources)), say_(options.say) {
    for (std::string& each : sources_) each.resize(std::min(each.size(), shoal::monitor::max_source_name));
    if (!options.rules.empty()) rules_ = read_rules(options.rules, rules_of_files::are_placed);
    if (options.record.empty()) return;
    recording_.emplace(
        output_options{.uri = options.record, .name = options.name, .trust = {}, .events = options.events},
        sources_);
  }
  watch_post(const watch_post&) = delete;
  watch_post& operator=(const watch_post&) = delete;

  /// A rule about anything else would never be met. @throws failure
  /// @param has   whether there is something of this kind
  /// @param what  there is, in words
  template <class Has>
  void expect(Has has, const std::string& what) const {
    for (const shoal::monitor::rule& each : rules_) {
      if (has(each.at.space)) continue;
      throw failure{"the rule '" + each.name + "' is about something that is not here",
                    "there is only: " + what, exit_usage};
    }
  }
  /// Finds the files on this disk that rules are about. @throws failure
  void add_disk(std::uint16_t source, const disk_reader& read) {
    place_files(rules_, source, sources_[source], read);
  }
  /// All disks are known. @throws failure
  void start() {
    refuse_unplaced_files(rules_);
    engine_.emplace(rules_, teller{this});
  }
  /// What comes now is no client's and no guest's doing: it is recorded, and allowed.
  void stop() noexcept {
    const std::lock_guard lock{mutex_};
    if (engine_) engine_->advance(wall_clock::now());
    engine_.reset();
    tell_left_out();
  }

  /// Whether it may be: records it, and asks the rules.
  /// Frames are many, and not recorded: their flow is.
  /// @param written  what a write to a disk writes
  bool judge(shoal::hal::access_record seen, shoal::bytes_view written = {}) noexcept {
    using namespace shoal::monitor;
    const std::lock_guard lock{mutex_};
    seen.cycles = wall_clock::now();
    if (recording_ && classify(seen.what).space != address_space::frames) recording_->put(seen);
    return !engine_ || engine_->check(seen.cycles, seen, stage::whole, written) == verdict::allow;
  }
  /// judge(), for what takes one.
  struct judge_of_all {
    watch_post* post;
    bool operator()(const shoal::hal::access_record& seen, shoal::bytes_view written = {}) const noexcept {
      return post->judge(seen, written);
    }
  };

  // A filter and a sink, and a guard.
  [[nodiscard]] bool wants(const shoal::hal::access_record&) const noexcept { return recording_.has_value(); }
  void put(const shoal::hal::access_record& seen) noexcept {
    const std::lock_guard lock{mutex_};
    recording_->put(seen);
  }
  shoal::monitor::verdict check(std::uint64_t time, const shoal::hal::access_record& asked,
                                shoal::monitor::stage when) noexcept {
    const std::lock_guard lock{mutex_};
    return engine_ ? engine_->check(time, asked, when) : shoal::monitor::verdict::allow;
  }

  /// What of a disk is watched, of one whose files were found.
  [[nodiscard]] shoal::watched_ranges ranges_of(std::uint16_t source) const {
    using shoal::monitor::direction;
    if (recording_) return {shoal::range_set::everything(), shoal::range_set::everything()};
    return {shoal::monitor::disk_ranges(rules_, source, direction::read),
            shoal::monitor::disk_ranges(rules_, source, direction::write)};
  }
  /// How a network is watched.
  [[nodiscard]] shoal::monitor::watched_net_options net_options(std::uint16_t source) const noexcept {
    using namespace shoal::monitor;
    watched_net_options out = shoal::monitor::net_options(rules_, source);
    out.open = !recording_ && std::ranges::none_of(rules_, [source](const rule& each) {
      const bool here = each.at.source < 0 || each.at.source == source;
      return here && each.at.space >= address_space::tcp && each.at.space <= address_space::frames;
    });
    return out;
  }

  /// As rules and recording ask for it; the device itself where none does.
  [[nodiscard]] shoal::any_device watch(shoal::any_device disk, std::uint16_t source) {
    shoal::watched_ranges where = ranges_of(source);
    if (where.reads.empty() && where.writes.empty()) return disk;
    return shoal::any_device{shoal::watched{std::move(disk), disk_guard{this, source}, std::move(where)}};
  }

  /// @throws failure when the recording is not whole
  void finish() {
    const std::lock_guard lock{mutex_};
    tell_left_out();
    if (recording_) recording_->finish();
  }

 private:
  struct teller {
    watch_post* post;
    void operator()(const shoal::monitor::alert& what) const noexcept { post->tell(what); }
  };
  struct disk_guard {
    watch_post* post;
    std::uint16_t source;
    bool operator()(shoal::io_operation what, std::uint64_t offset, std::uint64_t length,
                    shoal::bytes_view written) const noexcept {
      using shoal::hal::access;
      const access kind = what == shoal::io_operation::read    ? access::disk_read
                          : what == shoal::io_operation::write ? access::disk_write
                                                               : access::disk_trim;
      return post->judge({.address = offset, .value = length, .source = source, .what = kind}, written);
    }
  };

  void tell(const shoal::monitor::alert& what) noexcept {
    if (const std::uint64_t more = limit_.left_out(what); more != 0) tell_left_out(what.rule, more);
    if (!limit_.admits(what)) return;
    const std::uint16_t source = what.access.source;
    say(to_text(what, source < sources_.size() ? sources_[source] : std::string{}) + '\n');
  }
  void tell_left_out() noexcept {
    limit_.finish([this](std::string_view rule, std::uint64_t count) { tell_left_out(rule, count); });
  }
  void tell_left_out(std::string_view rule, std::uint64_t count) const noexcept {
    say("and " + std::to_string(count) + " more alerts of " + std::string{rule} + '\n');
  }
  void say(const std::string& line) const noexcept {
    if (say_) return say_(line);
    std::fputs(line.c_str(), stderr);
  }

  std::mutex mutex_;  // of what records and judges
  std::vector<std::string> sources_;
  std::function<void(std::string_view)> say_;
  std::vector<shoal::monitor::rule> rules_;
  shoal::monitor::alert_limit limit_;
  std::optional<chip_recording> recording_;
  std::optional<shoal::monitor::rule_engine<teller>> engine_;
};
static_assert(shoal::hal::access_filter<watch_post> && shoal::hal::access_sink<watch_post>);
static_assert(shoal::monitor::access_guard<watch_post>);

}  // namespace common
