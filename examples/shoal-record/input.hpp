// SPDX-License-Identifier: BSL-1.0
//
// Recordings from files: all of it in memory, with the time of each record.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/error.hpp>
#include <shoal/hal/access_record.hpp>
#include <shoal/monitor/recording_reader.hpp>
#include <shoal/monitor/timeline.hpp>

#include "../common/message.hpp"
#include "../common/read_file.hpp"

/// From one header to the next: a connection, or a run of a recorder.
struct recording_part {
  std::vector<std::string> sources;
  shoal::monitor::timeline times;
  std::uint64_t end = 0;  ///< when it was written last, in nanoseconds since 1970; 0: unknown
  std::vector<shoal::hal::access_record> records;

  [[nodiscard]] std::string_view source_of(const shoal::hal::access_record& access) const noexcept {
    return access.source < sources.size() ? std::string_view{sources[access.source]} : std::string_view{};
  }
};

struct loaded_recording {
  std::vector<recording_part> parts;

  [[nodiscard]] std::vector<shoal::hal::access_record> all() const {
    std::vector<shoal::hal::access_record> out;
    for (const recording_part& part : parts) out.insert(out.end(), part.records.begin(), part.records.end());
    return out;
  }
};

inline constexpr const char* recording_advice = "shoal-record record and attach make recordings";

/// A torn end is warned of. @throws common::failure for what is no recording, and for one that is damaged
inline loaded_recording load_recording(const std::string& path) {
  using namespace shoal::monitor;
  const std::string text = common::read_file(path, "recording", std::uintmax_t{4} << 30, recording_advice);
  shoal::bytes_view rest = shoal::as_bytes(text);
  loaded_recording out;
  recording_reader reader;
  while (!rest.empty()) {
    const shoal::status_or<recording_item> item = reader.next(rest);
    if (item.code == shoal::status::truncated && !out.parts.empty()) {
      std::fprintf(stderr, "warning: %s ends inside a record; %zu bytes are left out\n", path.c_str(),
                   rest.size());
      break;
    }
    if (!item) {
      const std::string where = " at byte " + std::to_string(text.size() - rest.size());
      throw common::failure{out.parts.empty() ? path + " is no recording" : path + " is damaged" + where,
                            make_error_code(item.code), recording_advice};
    }
    switch (item->kind) {
      case recording_kind::header: {
        recording_part& part = out.parts.emplace_back();
        for (std::size_t i = 0; i < reader.source_count(); ++i) {
          part.sources.emplace_back(reader.source_name(static_cast<std::uint16_t>(i)));
        }
        part.times.add(item->clock);
        break;
      }
      case recording_kind::clock:
        out.parts.back().times.add(item->clock);
        out.parts.back().end = item->clock.unix_ns;
        break;
      case recording_kind::access: out.parts.back().records.push_back(item->access); break;
    }
  }
  return out;
}

/// Several recordings as one, by the clock: its sources are those of the first, then those of the next, and its
/// counter is nanoseconds since 1970.
inline recording_part merge(const std::vector<loaded_recording>& recordings) {
  recording_part out;
  for (const loaded_recording& recording : recordings) {
    const std::vector<std::string>* before = nullptr;
    std::size_t first = 0;
    for (const recording_part& part : recording.parts) {
      if (before == nullptr || part.sources != *before) {
        first = out.sources.size();
        out.sources.insert(out.sources.end(), part.sources.begin(), part.sources.end());
      }
      before = &part.sources;
      for (shoal::hal::access_record each : part.records) {
        each.cycles = part.times.unix_ns(each.cycles);
        each.source = static_cast<std::uint16_t>(each.source + first);
        out.records.push_back(each);
      }
      out.end = std::max(out.end, part.end);
    }
  }
  if (out.sources.size() > 0xffff)
    throw common::failure{"these recordings have too many sources", "name fewer"};
  // what came at one time stays in its order; std::stable_sort uses what clang calls deprecated
  std::vector<std::pair<std::uint64_t, std::size_t>> order;
  order.reserve(out.records.size());
  for (std::size_t i = 0; i < out.records.size(); ++i) order.emplace_back(out.records[i].cycles, i);
  std::ranges::sort(order);
  std::vector<shoal::hal::access_record> sorted;
  sorted.reserve(order.size());
  for (const auto& [time, i] : order) sorted.push_back(out.records[i]);
  out.records = std::move(sorted);
  if (!out.records.empty()) {
    const std::uint64_t begin = out.records.front().cycles;
    out.times.add({begin, begin});
    out.times.add({begin + 1, begin + 1});
  }
  return out;
}

/// One recording as it is, or several as one. @throws common::failure as load_recording
inline loaded_recording load_together(const std::vector<std::string>& paths) {
  if (paths.size() == 1) return load_recording(paths.front());
  std::vector<loaded_recording> loaded;
  for (const std::string& path : paths) loaded.push_back(load_recording(path));
  loaded_recording out;
  out.parts.push_back(merge(loaded));
  return out;
}
