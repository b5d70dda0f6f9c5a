// SPDX-License-Identifier: BSL-1.0
//
// rule_text: a rule as the line of a file that it is read from, and the words that such a line has.
//
//     std::puts(to_text(rule).c_str());       // forbid telnet out tcp:23 peer 192.0.2.0/24 deny
//
// monitor/rule_file.hpp reads them.
#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <shoal/monitor/ip_address.hpp>
#include <shoal/monitor/quantity_text.hpp>
#include <shoal/monitor/rule.hpp>

namespace shoal::monitor {

namespace detail {

inline constexpr std::array<std::string_view, 8> rule_kind_names{"forbid", "window",  "rate", "sequence",
                                                                 "stuck",  "chatter", "note", "allow"};
inline constexpr std::array<std::string_view, 7> direction_names{"any", "read", "write", "request",
                                                                 "in",  "out",  "found"};

/// How addresses of a space are written: behind what, up to which one, and whether in decimal.
struct space_words {
  std::string_view prefix;
  std::uint64_t largest;
  bool decimal;
};
inline constexpr std::array<space_words, 11> spaces{{{"*", 0, false},
                                                     {"", ~std::uint64_t{0}, false},
                                                     {"port:", 0xffff, false},
                                                     {"line:", ~std::uint64_t{0}, true},
                                                     {"i2c:", 0x7f, false},
                                                     {"disk:", ~std::uint64_t{0}, true},
                                                     {"tcp:", 0xffff, true},
                                                     {"udp:", 0xffff, true},
                                                     {"ip:", 0xff, true},
                                                     {"frames:", 0xff, true},
                                                     {"kernel:", ~std::uint64_t{0}, true}}};

}  // namespace detail

/// A rule as a line that parse_rules() reads, without its end.
[[nodiscard]] inline std::string to_text(const rule& of) {
  const auto hex = [](std::uint64_t value) {
    std::array<char, 16> digits{};
    const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), value, 16);
    return "0x" + std::string{digits.data(), written.ptr};
  };
  const auto time = [](std::uint64_t nanoseconds) {
    for (const duration_unit& unit : duration_units) {
      if (nanoseconds % unit.nanoseconds == 0)
        return std::to_string(nanoseconds / unit.nanoseconds) + std::string{unit.name};
    }
    return std::string{};
  };
  const auto clock = [](std::uint32_t minutes) {
    const std::string hour = std::to_string(minutes / 60);
    const std::string minute = std::to_string(minutes % 60);
    return (hour.size() < 2 ? "0" : "") + hour + (minute.size() < 2 ? ":0" : ":") + minute;
  };
  const access_pattern& at = of.at;
  std::string out{detail::rule_kind_names[static_cast<std::size_t>(of.kind)]};
  out += ' ' + of.name + ' ';
  out += detail::direction_names[static_cast<std::size_t>(at.way)];
  const detail::space_words& words = detail::spaces[static_cast<std::size_t>(at.space)];
  const auto address = [&](std::uint64_t number) {
    return words.decimal ? std::to_string(number) : hex(number);
  };
  out += ' ' + std::string{words.prefix};
  if (!of.file.empty()) {
    out += of.file;
  } else if (at.space > address_space::memory && at.first == 0 && at.last == ~std::uint64_t{0}) {
    out += '*';
  } else if (at.space != address_space::any) {
    out += address(at.first);
    if (at.last != at.first) out += "-" + address(at.last);
  }
  const bool on_change = of.kind == rule_kind::stuck || of.kind == rule_kind::chatter;
  if (of.kind == rule_kind::window) {
    out +=
        of.from == of.until ? " first " + time(of.period) : " hours " + clock(of.from) + "-" + clock(of.until);
  }
  if (of.kind == rule_kind::stuck) out += " longest " + time(of.period);
  if (of.limit != 0) out += " limit " + std::to_string(of.limit) + " per " + time(of.period);
  if (!of.training.empty()) out += " training " + of.training;
  if (at.mask != 0) out += on_change ? " bits " + hex(at.mask) : " value " + hex(at.value) + "/" + hex(at.mask);
  if (at.longer != 0) out += " longer " + std::to_string(at.longer);
  if (at.peer_bits != 0) {
    const bool v4 = at.peer.is_v4() && at.peer_bits >= 96;
    out += " peer " + to_text(at.peer) + "/" + std::to_string(at.peer_bits - (v4 ? 96 : 0));
  }
  if (!of.after.empty()) out += " within " + time(of.within) + " after " + of.after;
  if (at.source >= 0) out += " source " + std::to_string(at.source);
  if (of.deny) out += " deny";
  return out;
}

}  // namespace shoal::monitor
