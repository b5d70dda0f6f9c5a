// SPDX-License-Identifier: BSL-1.0
//
// replay_script: a recording as the script that a driver is held to: access by access, it answers what came
// then and reports what is different now. Behind replay and replay_gpio. Freestanding.
//
//     replay_script script{records, [](const replay_difference& d) noexcept { print(d); }};
//     script.step({.address = 0x400, .what = access::load, .width = 4});      // what was read there
//     script.finish();                                                        // the rest never came
//
// After a difference it looks a little ahead for where the driver went on. Leaves out time: a driver may be
// faster today.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include <shoal/base/status.hpp>
#include <shoal/hal/access_record.hpp>

namespace shoal::hal {

enum class replay_fault : std::uint8_t {
  value,    ///< the same access wrote another value
  missing,  ///< what was expected did not come; `got` came instead
  extra,    ///< what came was not expected, there or shortly after
  gap,      ///< the recording lost accesses here: `expected.value` of them
  ended,    ///< what came is after the end of the recording
};

struct replay_difference {
  replay_fault fault = replay_fault::value;
  std::size_t index = 0;   ///< in the recording
  access_record expected;  ///< there; meaningless when ended
  access_record got;       ///< what the driver did; meaningless for a gap, and for what is missing at the end
};

/// @tparam Report  called with each replay_difference; must not throw
template <class Report>
class replay_script {
 public:
  /// How far ahead it looks for what came, in records.
  static constexpr std::size_t window = 16;

  /// @param records  outlive the script
  /// @param source   the device: records of others are passed over
  constexpr replay_script(std::span<const access_record> records, Report report,
                          std::uint16_t source = 0) noexcept
      : records_(records), report_(std::move(report)), source_(source) {}

  /// The driver does this. The value that was recorded with it; failed when the recording has nothing like it.
  constexpr status_or<std::uint64_t> step(access_record got) noexcept {
    got.source = source_;
    settle();
    if (at_ == records_.size()) {
      tell(replay_fault::ended, {}, got);
      return status::failed;
    }
    const std::size_t found = look_ahead(got);
    if (found == records_.size()) {
      tell(replay_fault::extra, records_[at_], got);
      return status::failed;
    }
    while (at_ != found) {
      if (records_[at_].what != access::lost) tell(replay_fault::missing, records_[at_], got);
      next();
      settle();
    }
    const access_record& expected = records_[at_];
    if (is_write(got.what) && got.value != expected.value) tell(replay_fault::value, expected, got);
    if (++done_ > expected.repeats) next();
    return expected.value;
  }

  /// True when an access like this is what the recording has next: for polling what need not be there.
  [[nodiscard]] constexpr bool expects(access what) noexcept {
    settle();
    return at_ != records_.size() && records_[at_].what == what;
  }
  /// What comes next. @pre expects() said so
  [[nodiscard]] constexpr const access_record& upcoming() const noexcept { return records_[at_]; }

  /// The driver is done: what is left is missing.
  constexpr void finish() noexcept {
    for (settle(); at_ != records_.size(); settle()) {
      tell(replay_fault::missing, records_[at_], {});
      next();
    }
  }

  /// How many differences there were.
  [[nodiscard]] constexpr std::size_t differences() const noexcept { return differences_; }

 private:
  static constexpr bool same_place(const access_record& a, const access_record& b) noexcept {
    return a.address == b.address && a.what == b.what && a.width == b.width && a.source == b.source;
  }

  // Goes to the next record of this device, telling of gaps on the way. A gap is everybody's: a ring has one
  // count.
  constexpr void settle() noexcept {
    while (at_ != records_.size()) {
      if (records_[at_].what == access::lost) {
        tell(replay_fault::gap, records_[at_], {});
      } else if (records_[at_].source == source_) {
        return;
      }
      next();
    }
  }

  // Here, if the place is the same; else the next record in the window that is like it, and of writes one with
  // the same value; else none.
  constexpr std::size_t look_ahead(const access_record& got) const noexcept {
    if (same_place(records_[at_], got)) return at_;
    for (std::size_t i = at_, seen = 0; i != records_.size() && seen < window; ++i) {
      if (records_[i].source != source_) continue;
      ++seen;
      if (same_place(records_[i], got) && (!is_write(got.what) || records_[i].value == got.value)) return i;
    }
    return records_.size();
  }

  constexpr void next() noexcept {
    ++at_;
    done_ = 0;
  }
  constexpr void tell(replay_fault fault, const access_record& expected, const access_record& got) noexcept {
    ++differences_;
    report_(replay_difference{fault, at_, expected, got});
  }

  std::span<const access_record> records_;
  Report report_;
  std::uint16_t source_;
  std::size_t at_ = 0;
  std::uint64_t done_ = 0;  // of the repeats of the record at at_
  std::size_t differences_ = 0;
};

}  // namespace shoal::hal
