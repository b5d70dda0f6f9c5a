// SPDX-License-Identifier: BSL-1.0
//
// What tests of recorders give them: a sink that keeps all, a clock that counts, and where differences go.
#pragma once

#include <cstdint>
#include <vector>

#include <shoal/hal/access_record.hpp>
#include <shoal/hal/replay_script.hpp>

struct kept_records {
  std::vector<shoal::hal::access_record> records;
  void put(const shoal::hal::access_record& record) noexcept { records.push_back(record); }
};

/// Counts how often it is looked at.
struct steps {
  static inline std::uint64_t count = 0;
  static std::uint64_t now() noexcept { return ++count; }
};

struct kept_differences {
  std::vector<shoal::hal::replay_difference>* found;
  void operator()(const shoal::hal::replay_difference& difference) const noexcept {
    found->push_back(difference);
  }
};
