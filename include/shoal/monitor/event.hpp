// SPDX-License-Identifier: BSL-1.0
//
// event: what a monitor sees and says, as types. One stream of them with one clock, so that one rule can span
// what comes from different places.
//
//     void operator()(const monitor::alert& what) { if (what.denied) ... }
//
// Times are nanoseconds; since 1970 where a rule has hours of the day. How events read for people says
// monitor/event_text.hpp.
#pragma once

#include <cstdint>
#include <string_view>
#include <variant>

#include <shoal/hal/access_record.hpp>

namespace shoal::monitor {

/// A device was accessed, a disk asked, a flow begun, or something found in a guest: access.what says which.
struct access_event {
  std::uint64_t time = 0;
  hal::access_record access;
  friend constexpr bool operator==(const access_event&, const access_event&) noexcept = default;
};

/// What a rule looks for.
enum class rule_kind : std::uint8_t {
  forbid,    ///< an address or a value
  window,    ///< an access at the wrong time
  rate,      ///< too many accesses
  sequence,  ///< an order of accesses that training has not seen
  stuck,     ///< a value that does not change
  chatter,   ///< a value that changes too often
  note,      ///< nothing is wrong: other rules ask whether it was
  allow,     ///< the rules behind it are not asked
};

/// A rule was broken.
struct alert {
  std::uint64_t time = 0;
  rule_kind kind = rule_kind::forbid;
  std::string_view rule;      ///< its name; lives as long as the rules do
  hal::access_record access;  ///< that broke it; the last one before, when something did not happen
  bool denied = false;        ///< the access did not take place
};

using event = std::variant<access_event, alert>;

}  // namespace shoal::monitor
