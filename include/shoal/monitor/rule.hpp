// SPDX-License-Identifier: BSL-1.0
//
// rule: what must not happen at a device, as data. For rule_engine.hpp, which watches; rule_file.hpp reads
// them.
//
//     rule relay{.name = "relay", .kind = rule_kind::rate, .at = {.way = direction::write, .space =
//                address_space::line, .first = 17, .last = 17}, .limit = 10, .period = 1'000'000'000};
//
// Leaves out conditions on several accesses other than the kinds of rule_kind.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include <shoal/hal/access_record.hpp>
#include <shoal/monitor/event.hpp>
#include <shoal/monitor/ngram_model.hpp>

namespace shoal::monitor {

enum class direction : std::uint8_t {
  any,      ///< all of these
  read,     ///< load, in, a line's level
  write,    ///< store, out, a line's level
  request,  ///< a GPIO line taken or given back
};

enum class address_space : std::uint8_t {
  any,
  memory,
  port,  ///< x86 port I/O
  line,  ///< of a GPIO chip
};

/// How an access looks in rules.
struct access_class {
  direction way = direction::any;  ///< any: it is no access
  address_space space = address_space::any;
};

[[nodiscard]] constexpr access_class classify(hal::access what) noexcept {
  switch (what) {
    case hal::access::load: return {direction::read, address_space::memory};
    case hal::access::store: return {direction::write, address_space::memory};
    case hal::access::in: return {direction::read, address_space::port};
    case hal::access::out: return {direction::write, address_space::port};
    case hal::access::line_event:
    case hal::access::line_get:
    case hal::access::lines_get: return {direction::read, address_space::line};
    case hal::access::line_set:
    case hal::access::lines_set: return {direction::write, address_space::line};
    case hal::access::line_request:
    case hal::access::line_release: return {direction::request, address_space::line};
    case hal::access::lost: break;
  }
  return {};
}

/// Which accesses a rule is about.
struct access_pattern {
  direction way = direction::any;
  address_space space = address_space::any;
  std::uint64_t first = 0;  ///< address; both ends included
  std::uint64_t last = ~std::uint64_t{0};
  std::uint64_t mask = 0;  ///< which bits of the value are looked at; 0: none
  std::uint64_t value = 0;
  std::int32_t source = -1;  ///< -1: any
  friend constexpr bool operator==(const access_pattern&, const access_pattern&) noexcept = default;

  /// Whether where and how fit; the value aside.
  [[nodiscard]] constexpr bool covers(const hal::access_record& access) const noexcept {
    const access_class found = classify(access.what);
    if (found.way == direction::any || (source >= 0 && source != access.source)) return false;
    if (way != direction::any && way != found.way) return false;
    if (space != address_space::any && space != found.space) return false;
    // a register that is reached by a wider access in front of it is reached
    const std::uint64_t behind = access.width > 1 ? access.width - 1u : 0u;
    const std::uint64_t end =
        access.address + behind < access.address ? ~std::uint64_t{0} : access.address + behind;
    return access.address <= last && end >= first;
  }
  /// The value as a rule sees it: a line's level, also out of several lines and of an edge.
  [[nodiscard]] constexpr std::uint64_t value_of(const hal::access_record& access) const noexcept {
    if (access.what == hal::access::line_event) return access.value == 1 ? 1 : 0;
    const bool several = access.what == hal::access::lines_get || access.what == hal::access::lines_set;
    if (!several || first != last || first < access.address || first - access.address > 63) return access.value;
    return access.value >> (first - access.address) & 1;
  }
  [[nodiscard]] constexpr bool has_value(const hal::access_record& access) const noexcept {
    return (value_of(access) & mask) == (value & mask);
  }
};

struct rule {
  std::string name;
  rule_kind kind = rule_kind::forbid;
  access_pattern at;
  bool deny = false;         ///< whoever asks first is told no
  std::uint64_t limit = 0;   ///< rate, chatter: more than so many in a period
  std::uint64_t period = 0;  ///< rate, chatter: nanoseconds; window: since the first event; stuck: longest
  std::uint32_t from = 0;    ///< window: minute of the day (UTC), included
  std::uint32_t until = 0;   ///< window: not included; the same as `from`: `period` counts
  std::string training;      ///< sequence: where the model is, for people
  std::shared_ptr<const ngram_model> model;  ///< sequence
};

/// The largest limit of rate and chatter: so many times are remembered.
inline constexpr std::uint64_t max_rule_limit = 65536;

}  // namespace shoal::monitor
