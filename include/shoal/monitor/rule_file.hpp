// SPDX-License-Identifier: BSL-1.0
//
// rule_file: rules as people write them, one a line; and what is wrong with them, by line and column.
//
//     # KIND  NAME      WAY     ADDRESSES                OPTIONS
//     forbid  watchdog  write   0x3f100024               value 0/0xff deny
//     window  valve     write   line:25                  hours 06:00-20:00
//     window  setup     write   0x3f200000-0x3f20000f    first 5s
//     rate    relay     write   line:17                  limit 10 per 1s
//     stuck   heartbeat any     line:4                   longest 2s
//     forbid  sensor    write   i2c:0x48                 longer 1 deny
//     chatter button    read    line:5                   limit 20 per 1s
//     sequence driver   any     *                        training gpio.training
//     forbid  boot      write   disk:0-1048575           deny
//     note    login     in      tcp:22                   peer 192.0.2.0/24
//     forbid  passwords write   disk:/etc/shadow         within 10s after login
//
//     const rules_text read = parse_rules(text);
//     for (const rule_error& each : read.errors) tell(each.line, each.column, each.what, each.advice);
//
// What all of it means says shoal-record(1). Leaves out loading what `training` names, and finding files.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <shoal/monitor/ip_address.hpp>
#include <shoal/monitor/quantity_text.hpp>
#include <shoal/monitor/rule.hpp>
#include <shoal/monitor/rule_text.hpp>

namespace shoal::monitor {

/// No more rules, characters of a name, and errors than these.
inline constexpr std::size_t max_rules = 1000;
inline constexpr std::size_t max_rule_name = 64;
inline constexpr std::size_t max_rule_errors = 20;

struct rule_error {
  std::size_t line = 0;    ///< from 1
  std::size_t column = 0;  ///< in bytes, from 1
  std::string what;        ///< what is wrong
  std::string advice;      ///< what would be right
};

/// All rules that were understood, and what was not.
struct rules_text {
  std::vector<rule> rules;
  std::vector<rule_error> errors;
};

namespace detail {

template <std::size_t N>
std::optional<std::size_t> index_of(const std::array<std::string_view, N>& names,
                                    std::string_view name) noexcept {
  const auto at = std::ranges::find(names, name);
  if (at == names.end()) return std::nullopt;
  return static_cast<std::size_t>(at - names.begin());
}

/// One line, word by word.
class rule_line {
 public:
  rule_line(std::string_view text, std::size_t number)
      : text_(text.substr(0, text.find('#'))), number_(number) {}

  /// What is wrong with it, if it is a rule at all.
  std::optional<rule_error> read(rule& out) {
    if (!next()) return std::nullopt;
    const std::optional<std::size_t> kind = index_of(rule_kind_names, word_);
    if (!kind) return wrong("no kind of rule", "forbid, window, rate, sequence, stuck, chatter, note or allow");
    out.kind = static_cast<rule_kind>(*kind);
    constexpr std::string_view name_advice = "a name of letters, digits, '-', '_' and '.', 64 at most";
    if (!next()) return missing(name_advice);
    const bool plain = std::ranges::all_of(word_, [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
             c == '_' || c == '.';
    });
    if (!plain || word_.size() > max_rule_name) return wrong("no name for a rule", name_advice);
    out.name = word_;
    constexpr std::string_view way_advice =
        "read, write, request (of a line), in, out (of a network), found (in a guest) or any (of these)";
    if (!next()) return missing(way_advice);
    const std::optional<std::size_t> way = index_of(direction_names, word_);
    if (!way) return wrong("no way of access", way_advice);
    out.at.way = static_cast<direction>(*way);
    if (std::optional<rule_error> error = addresses(out)) return error;
    while (next()) {
      if (std::optional<rule_error> error = option(out)) return error;
    }
    return complete(out);
  }

 private:
  bool next() noexcept {
    constexpr std::string_view blanks = " \t\r";
    const std::size_t begin = text_.find_first_not_of(blanks, end_);
    if (begin == std::string_view::npos) {
      begin_ = end_ = text_.size();
      return false;
    }
    begin_ = begin;
    end_ = std::min(text_.find_first_of(blanks, begin), text_.size());
    word_ = text_.substr(begin_, end_ - begin_);
    return true;
  }

  rule_error wrong(std::string_view what, std::string_view advice) const {
    std::string quoted{word_.substr(0, 40)};
    // what a terminal would obey
    std::ranges::replace_if(quoted, [](char c) { return c < ' ' || c > '~'; }, '?');
    return {number_, begin_ + 1, "'" + quoted + "' is " + std::string{what}, "write " + std::string{advice}};
  }
  rule_error missing(std::string_view advice) const {
    return {number_, begin_ + 1, "the line ends too early", "write " + std::string{advice}};
  }

  std::optional<rule_error> addresses(rule& out) {
    constexpr std::string_view advice =
        "*, an address as 0x3f200000, a range as 0x70-0x7f, or behind what it is one of: port:0x70, line:4, "
        "i2c:0x48, disk:0-511, disk:/etc/shadow, tcp:22, udp:53, ip:*, frames:* or kernel:*";
    if (!next()) return missing(advice);
    if (word_ == "*") return fits(out, "*");
    std::string_view text = word_;
    std::size_t space = static_cast<std::size_t>(address_space::memory);
    for (std::size_t i = space + 1; i < spaces.size(); ++i) {
      if (text.starts_with(spaces[i].prefix)) space = i;
    }
    text.remove_prefix(spaces[space].prefix.size());
    out.at.space = static_cast<address_space>(space);
    if (text == "*" && out.at.space > address_space::memory) return fits(out, spaces[space].prefix);
    if (out.at.space == address_space::disk && text.starts_with('/')) {
      out.file = text;
      return fits(out, spaces[space].prefix);
    }
    const std::size_t dash = text.find('-');
    const std::optional<std::uint64_t> first = parse_number(text.substr(0, dash));
    const std::optional<std::uint64_t> last =
        dash == std::string_view::npos ? first : parse_number(text.substr(dash + 1));
    if (!first || !last) return wrong("no address", advice);
    if (*last < *first) return wrong("a range that ends before it begins", "the lower address first");
    if (*last > spaces[space].largest) {
      return wrong("past the last one", "numbers up to " + std::to_string(spaces[space].largest));
    }
    out.at.first = *first;
    out.at.last = *last;
    return fits(out, spaces[space].prefix);
  }

  /// Whether such addresses can be accessed that way.
  std::optional<rule_error> fits(const rule& out, std::string_view prefix) const {
    const direction way = out.at.way;
    const address_space space = out.at.space;
    if (way == direction::any) return std::nullopt;
    if (way == direction::request) {
      if (space == address_space::line || space == address_space::any) return std::nullopt;
      return wrong("nothing that can be requested", "line:N behind 'request'");
    }
    if (space == address_space::kernel) {
      if (way == direction::found) return std::nullopt;
      return wrong("nothing that can be accessed", "'found' before " + std::string{prefix});
    }
    const bool network = space > address_space::disk;
    const bool of_network = way == direction::in || way == direction::out;
    if (way == direction::found || network != of_network) {
      return wrong("nothing that goes '" + std::string{direction_names[static_cast<std::size_t>(way)]} + "'",
                   network ? "'in', 'out' or 'any' before " + std::string{prefix}
                           : "tcp:, udp:, ip: or frames: behind 'in' and 'out', kernel: behind 'found'");
    }
    return std::nullopt;
  }

  std::optional<rule_error> option(rule& out) {
    const rule_kind kind = out.kind;
    const bool on_change = kind == rule_kind::stuck || kind == rule_kind::chatter;
    const bool device = is_device(out.at.space);
    const bool judges = kind != rule_kind::stuck && kind != rule_kind::note && kind != rule_kind::allow;
    const std::string_view name = word_;
    if (name == "source") {
      const std::optional<std::uint64_t> number = next() ? parse_number(word_) : std::nullopt;
      if (!number || *number > 0xffff) return bad_argument("source N, a number up to 65535");
      out.at.source = static_cast<std::int32_t>(*number);
    } else if (name == "deny" && judges && out.at.space != address_space::kernel) {
      out.deny = true;
    } else if (name == "peer" && out.at.space >= address_space::tcp && out.at.space <= address_space::frames) {
      const bool there = next();
      const std::size_t slash = word_.find('/');
      const std::optional<ip_address> peer = parse_ip(word_.substr(0, slash));
      const unsigned before = peer && peer->is_v4() && word_.find(':') == std::string_view::npos ? 96 : 0;
      const std::optional<std::uint64_t> bits = slash == std::string_view::npos
                                                    ? std::optional<std::uint64_t>{128 - before}
                                                    : parse_number(word_.substr(slash + 1));
      if (!there || !peer || !bits || *bits > 128 - before || before + *bits == 0) {
        return bad_argument("peer ADDRESS or peer ADDRESS/BITS, as 192.0.2.0/24 or 2001:db8::/32");
      }
      out.at.peer = *peer;
      out.at.peer_bits = static_cast<std::uint8_t>(before + *bits);
    } else if (name == "within" && !on_change) {
      constexpr std::string_view advice = "within TIME after NAME, the name of a rule before this one";
      const std::optional<std::uint64_t> time = next() ? parse_duration(word_) : std::nullopt;
      if (!time) return bad_argument(advice);
      if (!next() || word_ != "after") return bad_argument(advice);
      if (!next()) return bad_argument(advice);
      out.within = *time;
      out.after = word_;
    } else if (name == "value" && device && !on_change && kind != rule_kind::sequence) {
      const bool there = next();
      const std::size_t slash = word_.find('/');
      const std::optional<std::uint64_t> value = parse_number(word_.substr(0, slash));
      const std::optional<std::uint64_t> mask =
          slash == std::string_view::npos ? ~std::uint64_t{0} : parse_number(word_.substr(slash + 1));
      if (!there || !value || !mask || *mask == 0 || (*value & ~*mask) != 0) {
        return bad_argument("value V or value V/MASK, as 0x4/0xff: no bit of V outside of MASK");
      }
      out.at.value = *value;
      out.at.mask = *mask;
    } else if (name == "longer" && out.at.space == address_space::i2c) {
      const std::optional<std::uint64_t> bytes = next() ? parse_number(word_) : std::nullopt;
      if (!bytes || *bytes == 0 || *bytes > 254)
        return bad_argument("longer N, a number of bytes from 1 to 254");
      out.at.longer = static_cast<std::uint8_t>(*bytes);
    } else if (name == "bits" && on_change) {
      const std::optional<std::uint64_t> mask = next() ? parse_number(word_) : std::nullopt;
      if (!mask || *mask == 0) return bad_argument("bits MASK, as 0x10");
      out.at.mask = *mask;
    } else if (name == "hours" && kind == rule_kind::window) {
      const bool there = next();
      const std::size_t dash = std::min(word_.find('-'), word_.size() - 1);
      const std::optional<std::uint32_t> from = parse_time_of_day(word_.substr(0, dash));
      const std::optional<std::uint32_t> until = parse_time_of_day(word_.substr(dash + 1));
      if (!there || !from || !until || *from == *until) return bad_argument("hours HH:MM-HH:MM (UTC)");
      out.from = *from;
      out.until = *until;
      out.period = 0;
    } else if ((name == "first" && kind == rule_kind::window) ||
               (name == "longest" && kind == rule_kind::stuck)) {
      const std::optional<std::uint64_t> period = next() ? parse_duration(word_) : std::nullopt;
      if (!period) return bad_argument(std::string{name} + " TIME, as 500us, 20ms, 5s, 2m or 1h");
      out.period = *period;
      out.from = out.until = 0;
    } else if (name == "limit" && (kind == rule_kind::rate || kind == rule_kind::chatter)) {
      constexpr std::string_view advice = "limit N per TIME, as limit 10 per 1s; N from 1 to 65536";
      const std::optional<std::uint64_t> limit = next() ? parse_number(word_) : std::nullopt;
      if (!limit || *limit == 0 || *limit > max_rule_limit) return bad_argument(advice);
      if (!next() || word_ != "per") return bad_argument(advice);
      const std::optional<std::uint64_t> period = next() ? parse_duration(word_) : std::nullopt;
      if (!period) return bad_argument(advice);
      out.limit = *limit;
      out.period = *period;
    } else if (name == "training" && kind == rule_kind::sequence) {
      if (!next()) return bad_argument("training FILE");
      out.training = word_;
    } else {
      return wrong("no option of this kind of rule", options_of(kind));
    }
    return std::nullopt;
  }

  rule_error bad_argument(std::string_view advice) const {
    return begin_ == text_.size() ? missing(advice) : wrong("not what is expected here", advice);
  }

  static std::string_view options_of(rule_kind kind) noexcept {
    switch (kind) {
      case rule_kind::forbid: return "value, longer or peer, within, source or deny";
      case rule_kind::note:
      case rule_kind::allow: return "value, longer or peer, within or source";
      case rule_kind::window: return "hours, first, value, longer or peer, within, source or deny";
      case rule_kind::rate: return "limit, value, longer or peer, within, source or deny";
      case rule_kind::sequence: return "training, longer, within, source or deny";
      case rule_kind::stuck: return "longest, bits, longer or source";
      case rule_kind::chatter: break;
    }
    return "limit, bits, longer, source or deny";
  }

  std::optional<rule_error> complete(const rule& out) const {
    const bool window = out.kind == rule_kind::window;
    const bool counts = out.kind == rule_kind::rate || out.kind == rule_kind::chatter;
    if (window && out.period == 0 && out.from == out.until) return missing("hours HH:MM-HH:MM, or first TIME");
    if (counts && out.limit == 0) return missing("limit N per TIME");
    if (out.kind == rule_kind::stuck && out.period == 0) return missing("longest TIME");
    if (out.kind == rule_kind::sequence && out.training.empty()) return missing("training FILE");
    if (out.kind == rule_kind::sequence && !is_device(out.at.space)) {
      return missing("addresses of a device: sequences are of those");
    }
    const bool on_change = out.kind == rule_kind::stuck || out.kind == rule_kind::chatter;
    if (on_change &&
        (!is_device(out.at.space) || out.at.first != out.at.last || out.at.way == direction::request)) {
      return missing("a rule of a single line or register, read, written or any: it is about one value");
    }
    return std::nullopt;
  }

  std::string_view text_;
  std::size_t number_;
  std::size_t begin_ = 0;  // of word_
  std::size_t end_ = 0;
  std::string_view word_;
};

}  // namespace detail

/// Reads all lines; an error in one does not spoil the others. Two rules of one name are an error. Bounded by
/// the limits above; `training` is set and `model` is not.
[[nodiscard]] inline rules_text parse_rules(std::string_view text) {
  rules_text out;
  for (std::size_t number = 1; !text.empty() && out.errors.size() < max_rule_errors; ++number) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    rule each;
    if (std::optional<rule_error> error = detail::rule_line{line, number}.read(each)) {
      out.errors.push_back(std::move(*error));
      continue;
    }
    if (each.name.empty()) continue;
    if (std::ranges::find(out.rules, each.name, &rule::name) != out.rules.end()) {
      out.errors.push_back({number, line.find(each.name) + 1, "'" + each.name + "' is the name of another rule",
                            "give each rule a name of its own: alerts are told by it"});
    } else if (!each.after.empty() &&
               std::ranges::find(out.rules, each.after, &rule::name) == out.rules.end()) {
      out.errors.push_back({number, line.find(each.after) + 1,
                            "'" + each.after + "' is no rule before this one",
                            "put the rule of that name before it"});
    } else if (out.rules.size() == max_rules) {
      out.errors.push_back({number, 1, "more than 1000 rules", "join some by ranges of addresses"});
      break;
    } else {
      out.rules.push_back(std::move(each));
    }
  }
  return out;
}

}  // namespace shoal::monitor
