// SPDX-License-Identifier: BSL-1.0
//
// drain: moves records from a ring to a recording, with each loss in its place.
//
//     drain moving{ring, writer};
//     while (recording) { moving.run(); writer.mark(sample_clock()); file.flush(); wait_a_little(); }
//     driver.join();                                         // and a grouping sink is flushed
//     moving.finish(sample_clock());                         // the rest; nothing is lost without a record
//
// Belongs to the thread that takes. Leaves out when to run: as often as the ring must not fill up, which takes
// 16384 records at 10 ns each 160 us at worst and a minute where a driver polls a switch.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <shoal/hal/access_record.hpp>
#include <shoal/monitor/recording_format.hpp>

namespace shoal::monitor {

/// @tparam Ring    hal::access_ring, or what has its take() and lost()
/// @tparam Writer  recording_writer, or what has its put() and mark()
template <class Ring, class Writer>
class drain {
 public:
  /// @param ring  outlives the drain, as does the writer; one drain takes all that is ever in it
  drain(Ring& ring, Writer& writer) noexcept : ring_(ring), writer_(writer) {}

  /// Moves what waits, at most `most` records and a batch; how many it were. A driver that is faster for ever
  /// does not keep it.
  std::size_t run(std::size_t most = 65536) {
    std::size_t moved = 0;
    while (moved < most) {
      const std::size_t count = ring_.take(batch_);
      for (const hal::access_record& record : std::span{batch_}.first(count)) {
        if (record.what == hal::access::lost) told_ += static_cast<std::size_t>(record.value);
        writer_.put(record);
      }
      moved += count;
      if (count < batch_.size()) break;
    }
    return moved;
  }

  /// Accesses that were lost and of which the recording says so.
  [[nodiscard]] std::size_t told() const noexcept { return told_; }

  /// Moves the rest, tells the losses that no record came after, and marks the end. @pre nobody puts any more
  void finish(clock_point now) {
    while (run() != 0) {
    }
    if (const std::size_t untold = ring_.lost() - told_; untold != 0) {
      hal::access_record loss;
      loss.cycles = now.cycles;
      loss.value = untold;
      loss.what = hal::access::lost;
      writer_.put(loss);
      told_ += untold;
    }
    writer_.mark(now);
  }

 private:
  Ring& ring_;
  Writer& writer_;
  std::size_t told_ = 0;
  std::array<hal::access_record, 256> batch_;
};

}  // namespace shoal::monitor
