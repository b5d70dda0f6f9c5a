// SPDX-License-Identifier: BSL-1.0
//
// chip_recording: a recording of what a program's devices see, flushed now and then.
//
//     common::chip_recording recording{{.uri = "cbor:pins.rec"}, {"pins"}};
//     recording.put(record);
#pragma once

#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include <shoal/hal/access_record.hpp>

#include "../shoal-record/clocks.hpp"
#include "../shoal-record/output.hpp"

namespace common {

/// A recording that is never far behind: what was put a quarter of a second ago is where it goes.
class chip_recording {
 public:
  /// @param sources  the names of the chips
  chip_recording(const output_options& options, std::vector<std::string> sources)
      : output_(options, std::move(sources), wall_clock::point) {}

  void put(const shoal::hal::access_record& seen) noexcept {
    constexpr std::uint64_t often_enough = 250'000'000;
    output_.put(seen);
    if (seen.cycles - last_ < often_enough) return;
    last_ = seen.cycles;
    flush();
  }
  /// Nothing more may be put for a while: all goes where it goes now.
  void flush() noexcept {
    try {
      output_.tick();
    } catch (const std::exception& problem) {
      if (!told_) std::fprintf(stderr, "%s\n", problem.what());
      told_ = true;
    }
  }
  /// @throws failure
  void finish() { output_.finish(); }

 private:
  recording_output output_;
  std::uint64_t last_ = 0;
  bool told_ = false;
};

}  // namespace common
