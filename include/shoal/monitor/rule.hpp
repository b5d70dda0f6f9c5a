// SPDX-License-Identifier: BSL-1.0
//
// rule: what must not happen at a device, a disk or a network, or in a guest, as data. For rule_engine.hpp,
// which watches; rule_file.hpp reads them.
//
//     rule relay{.name = "relay", .kind = rule_kind::rate, .at = {.way = direction::write, .space =
//                address_space::line, .first = 17, .last = 17}, .limit = 10, .period = 1'000'000'000};
//
// A rule may ask for another one to have been met before, of whatever kind: that is how one spans disk and
// network. Leaves out other conditions on several accesses than the kinds of rule_kind.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <shoal/base/range_set.hpp>
#include <shoal/hal/access_record.hpp>
#include <shoal/monitor/event.hpp>
#include <shoal/monitor/flow.hpp>
#include <shoal/monitor/ip_address.hpp>
#include <shoal/monitor/ngram_model.hpp>
#include <shoal/monitor/protected_bytes.hpp>

namespace shoal::monitor {

enum class direction : std::uint8_t {
  any,      ///< all of these
  read,     ///< load, in, a line's level, bytes of I2C or a disk
  write,    ///< store, out, a line's level, bytes of I2C or a disk
  request,  ///< a GPIO line taken or given back
  in,       ///< a flow that the other side began
  out,      ///< a flow that the guest began
  found,    ///< by introspection
};

enum class address_space : std::uint8_t {
  any,  ///< of a device: memory, port, line or I2C
  memory,
  port,    ///< x86 port I/O
  line,    ///< of a GPIO chip
  i2c,     ///< addresses of devices on a bus
  disk,    ///< offsets
  tcp,     ///< flows of TCP; ports of the side that was called
  udp,     ///< the same of UDP
  ip,      ///< all flows; numbers of protocols
  frames,  ///< frames, one by one; numbers of protocols
  kernel,  ///< of a guest; kinds of findings
};

[[nodiscard]] constexpr bool is_device(address_space space) noexcept {
  return space <= address_space::i2c;
}

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
    case hal::access::disk_read: return {direction::read, address_space::disk};
    case hal::access::disk_write:
    case hal::access::disk_trim: return {direction::write, address_space::disk};
    case hal::access::flow_in: return {direction::in, address_space::ip};
    case hal::access::flow_out: return {direction::out, address_space::ip};
    case hal::access::frame_in: return {direction::in, address_space::frames};
    case hal::access::frame_out: return {direction::out, address_space::frames};
    case hal::access::finding: return {direction::found, address_space::kernel};
    case hal::access::i2c_read: return {direction::read, address_space::i2c};
    case hal::access::i2c_write: return {direction::write, address_space::i2c};
    case hal::access::i2c_more:
    case hal::access::i2c_failed:
    case hal::access::lost: break;
  }
  return {};
}

/// Numbers from one to another, both included.
struct address_extent {
  std::uint64_t first = 0;
  std::uint64_t last = ~std::uint64_t{0};
};

/// Which accesses a rule is about.
struct access_pattern {
  direction way = direction::any;
  address_space space = address_space::any;
  std::uint64_t first = 0;  ///< address, in its space; both ends included
  std::uint64_t last = ~std::uint64_t{0};
  std::uint64_t mask = 0;  ///< which bits of the value are looked at; 0: none
  std::uint64_t value = 0;
  std::int32_t source = -1;    ///< -1: any
  ip_address peer{};           ///< of a flow
  std::uint8_t peer_bits = 0;  ///< how many bits of it are looked at
  std::uint8_t longer = 0;     ///< of I2C: only what has more bytes than this
  friend constexpr bool operator==(const access_pattern&, const access_pattern&) noexcept = default;

  /// Whether where and how fit; the value aside. What touches one address is covered.
  [[nodiscard]] constexpr bool covers(const hal::access_record& access) const noexcept {
    if (!is_of_kind(access)) return false;
    const address_extent at = span_of(access);
    return at.first <= last && at.last >= first;
  }
  /// The same, of what touches no other address.
  [[nodiscard]] constexpr bool holds(const hal::access_record& access) const noexcept {
    if (!is_of_kind(access)) return false;
    const address_extent at = span_of(access);
    return at.first >= first && at.last <= last;
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

 private:
  [[nodiscard]] constexpr bool is_of_kind(const hal::access_record& access) const noexcept {
    const access_class found = classify(access.what);
    if (found.way == direction::any || (source >= 0 && source != access.source)) return false;
    if (way != direction::any && way != found.way) return false;
    if (longer != 0 && access.width <= longer) return false;
    if (space == address_space::any) return is_device(found.space);
    if (space == address_space::tcp || space == address_space::udp) {
      const std::uint8_t wanted = space == address_space::tcp ? ip_protocol::tcp : ip_protocol::udp;
      if (found.space != address_space::ip || access.width != wanted) return false;
    } else if (space != found.space) {
      return false;
    }
    return peer_bits == 0 || peer.matches(flow::of(access).peer, peer_bits);
  }

  /// What it touches, in the pattern's space. @pre is_of_kind(access)
  [[nodiscard]] constexpr address_extent span_of(const hal::access_record& access) const noexcept {
    const auto up_to = [&](std::uint64_t more) {
      const std::uint64_t end = access.address + more;
      return address_extent{access.address, end < access.address ? ~std::uint64_t{0} : end};
    };
    const auto number = [](std::uint64_t one) { return address_extent{one, one}; };
    switch (space) {
      case address_space::disk: return up_to(access.value == 0 ? 0 : access.value - 1);
      case address_space::tcp:
      case address_space::udp: return number(flow::of(access).service());
      case address_space::ip:
      case address_space::frames: return number(access.width);
      case address_space::kernel: return number(access.value);
      case address_space::i2c: return number(access.address);
      default:
        return up_to(access.width > 1 ? access.width - 1u : 0u);  // a wider access reaches what is behind
    }
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
  std::shared_ptr<const ngram_model> model;       ///< sequence
  std::string file;                               ///< of a disk: its path there
  std::shared_ptr<const protected_bytes> target;  ///< where that file is
  std::string after;         ///< the name of a rule before this one, that has to have been met,
  std::uint64_t within = 0;  ///< no longer than so many nanoseconds ago
};

/// What of a disk rules are about: what somebody else writes, or reads, no rule looks at.
[[nodiscard]] inline range_set disk_ranges(std::span<const rule> rules, std::uint16_t source, direction way) {
  std::vector<byte_range> out;
  for (const rule& each : rules) {
    if (each.at.space != address_space::disk || (each.at.way != direction::any && each.at.way != way)) continue;
    if (each.at.source >= 0 && each.at.source != source) continue;
    if (each.target == nullptr) {
      const std::uint64_t end = each.at.last == ~std::uint64_t{0} ? each.at.last : each.at.last + 1;
      out.push_back({each.at.first, end});
      continue;
    }
    const std::span<const byte_range> contents = each.target->contents.ranges();
    out.insert(out.end(), contents.begin(), contents.end());
    if (way != direction::write) continue;
    for (const kept_bytes& record : each.target->records) {
      out.push_back({record.offset, record.offset + record.bytes.size()});
    }
  }
  return range_set{std::move(out)};
}

/// The largest limit of rate and chatter: so many times are remembered.
inline constexpr std::uint64_t max_rule_limit = 65536;

}  // namespace shoal::monitor
