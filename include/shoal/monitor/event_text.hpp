// SPDX-License-Identifier: BSL-1.0
//
// How events and alerts read for people and for programs: a line of text, and an object of JSON.
//
//     std::puts(to_text(alert, "gpiochip0").c_str());
//     2026-11-21T15:04:05.123456789Z alert relay: too often: gpiochip0 line_set 17 = 1, denied
//     2026-11-21T15:04:05.123456789Z alert telnet: forbidden: service flow_out tcp 192.0.2.1:23 from 40000
//
// Numbers in JSON are texts where they may be larger than 2^53.
#pragma once

#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include <shoal/base/byte_text.hpp>
#include <shoal/base/bytes.hpp>
#include <shoal/hal/access_record.hpp>
#include <shoal/hal/i2c_access.hpp>
#include <shoal/monitor/event.hpp>
#include <shoal/monitor/flow.hpp>
#include <shoal/monitor/ip_address.hpp>
#include <shoal/monitor/rule.hpp>

namespace shoal::monitor {

[[nodiscard]] constexpr std::string_view name_of(hal::access what) noexcept {
  switch (what) {
    case hal::access::load: return "load";
    case hal::access::store: return "store";
    case hal::access::in: return "in";
    case hal::access::out: return "out";
    case hal::access::line_get: return "line_get";
    case hal::access::line_set: return "line_set";
    case hal::access::line_request: return "line_request";
    case hal::access::line_release: return "line_release";
    case hal::access::lines_get: return "lines_get";
    case hal::access::lines_set: return "lines_set";
    case hal::access::line_event: return "line_event";
    case hal::access::lost: return "lost";
    case hal::access::disk_read: return "disk_read";
    case hal::access::disk_write: return "disk_write";
    case hal::access::disk_trim: return "disk_trim";
    case hal::access::flow_out: return "flow_out";
    case hal::access::flow_in: return "flow_in";
    case hal::access::frame_out: return "frame_out";
    case hal::access::frame_in: return "frame_in";
    case hal::access::finding: return "finding";
    case hal::access::i2c_write: return "i2c_write";
    case hal::access::i2c_read: return "i2c_read";
    case hal::access::i2c_more: return "i2c_more";
    case hal::access::i2c_failed: return "i2c_failed";
  }
  return "unknown";
}

/// What an alert of this kind says.
[[nodiscard]] constexpr std::string_view reason_of(rule_kind kind) noexcept {
  switch (kind) {
    case rule_kind::forbid: return "forbidden";
    case rule_kind::window: return "outside its time";
    case rule_kind::rate: return "too often";
    case rule_kind::sequence: return "never seen in training";
    case rule_kind::stuck: return "stuck";
    case rule_kind::chatter: return "chatters";
    case rule_kind::note: return "noted";
    case rule_kind::allow: return "allowed";
  }
  return "unknown";
}

/// 2026-11-21T15:04:05.123456789Z
[[nodiscard]] inline std::string utc_text(std::uint64_t unix_ns) {
  using namespace std::chrono;
  const sys_seconds whole{seconds{unix_ns / 1'000'000'000}};
  const auto day = floor<days>(whole);
  const year_month_day date{day};
  const hh_mm_ss time{whole - day};
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%09uZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                static_cast<int>(time.seconds().count()), static_cast<unsigned>(unix_ns % 1'000'000'000));
  return text.data();
}

[[nodiscard]] inline std::string hex_text(std::uint64_t value) {
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, 16).ptr;
  return "0x" + std::string{digits.data(), end};
}

/// `text` between quotes, as JSON wants it.
[[nodiscard]] inline std::string json_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) >= 0x20) {
      out += c;
      continue;
    }
    std::array<char, 8> escape{};
    std::snprintf(escape.data(), escape.size(), "\\u%04x", static_cast<unsigned>(c));
    out += escape.data();
  }
  return out + '"';
}

/// What introspection finds, by number: as vmi::finding_kind names it.
inline constexpr std::array<std::string_view, 11> finding_names{
    "unreadable",         "hidden-task",        "hidden-module",
    "system-call",        "code-changed",       "constant-changed",
    "interrupt-gate",     "credentials-shared", "credentials-overwritten",
    "credentials-gained", "global-outside"};
[[nodiscard]] constexpr std::string_view finding_name(std::uint64_t kind) noexcept {
  return kind < finding_names.size() ? finding_names[static_cast<std::size_t>(kind)] : "unknown";
}

/// "tcp", "udp" and so on; "ip 47" for what has no name here.
[[nodiscard]] inline std::string protocol_name(std::uint8_t protocol) {
  switch (protocol) {
    case ip_protocol::icmp: return "icmp";
    case ip_protocol::tcp: return "tcp";
    case ip_protocol::udp: return "udp";
    case ip_protocol::icmp_v6: return "icmp6";
    default: return "ip " + std::to_string(protocol);
  }
}

/// `tcp 192.0.2.1:22 from 40000`: whom the guest calls; or `tcp 22 from 192.0.2.1:40000`: who calls it.
[[nodiscard]] inline std::string to_text(const flow& talk) {
  std::string peer = to_text(talk.peer);
  const std::string protocol = protocol_name(talk.protocol) + ' ';
  if (talk.own_port == 0 && talk.peer_port == 0) return protocol + (talk.out ? "" : "from ") + peer;
  if (!talk.peer.is_v4()) peer = '[' + peer + ']';
  peer += ':' + std::to_string(talk.peer_port);
  const std::string own = std::to_string(talk.own_port);
  return protocol + (talk.out ? peer + " from " + own : own + " from " + peer);
}

/// `29 00`: the bytes that a record of I2C holds.
[[nodiscard]] inline std::string i2c_bytes_text(const hal::access_record& access, std::string_view between) {
  const hal::i2c_record_data data = hal::unpack_i2c_bytes(access);
  return byte_text(bytes_view{data.bytes}.first(data.count), between);
}
/// `i2c_write 0x50 = 29 00`; or `i2c_write 0x50 12 bytes = 29 00 01 02 03 04 05 06`, of which more follows.
[[nodiscard]] inline std::string i2c_text(const hal::access_record& access) {
  std::string out = std::string{name_of(access.what)} + ' ' + hex_text(access.address);
  if (access.width > hal::i2c_record_bytes) {
    out += ' ' + std::to_string(access.width) + (access.width == 255 ? " or more bytes" : " bytes");
  }
  const std::string bytes = i2c_bytes_text(access, " ");
  return bytes.empty() ? out : out + " = " + bytes;
}

/// `gpiochip0 line_set 17 = 1 x 3`: the device if it has a name, what was done three times.
[[nodiscard]] inline std::string to_text(const hal::access_record& access, std::string_view source) {
  std::string out{source};
  if (!out.empty()) out += ' ';
  if (access.what == hal::access::lost) return out + "lost " + std::to_string(access.value) + " accesses";
  if (is_flow(access.what)) return out + std::string{name_of(access.what)} + ' ' + to_text(flow::of(access));
  if (access.what == hal::access::finding) {
    return out + "finding " + std::string{finding_name(access.value)} + " at " + hex_text(access.address);
  }
  const bool line = classify(access.what).space == address_space::line;
  const std::string times =
      access.repeats == 0 ? std::string{} : " x " + std::to_string(std::uint64_t{1} + access.repeats);
  if (is_i2c(access.what)) return out + i2c_text(access) + times;
  out += name_of(access.what);
  if (classify(access.what).space == address_space::disk) {
    return out + ' ' + std::to_string(access.address) + '+' + std::to_string(access.value);
  }
  if (!line) out += std::to_string(8 * access.width);
  out += ' ' + (line ? std::to_string(access.address) : hex_text(access.address));
  if (line && access.width > 1) out += "-" + std::to_string(access.address + access.width - 1);
  if (access.what != hal::access::line_release) {
    out += " = " + (line && access.value < 2 ? std::to_string(access.value) : hex_text(access.value));
  }
  return out + times;
}

[[nodiscard]] inline std::string to_text(const alert& what, std::string_view source) {
  return utc_text(what.time) + " alert " + std::string{what.rule} + ": " + std::string{reason_of(what.kind)} +
         ": " + to_text(what.access, source) + (what.denied ? ", denied" : "");
}

/// The members of an object: without its braces.
[[nodiscard]] inline std::string to_json(const hal::access_record& access, std::string_view source) {
  if (is_flow(access.what)) {
    const flow talk = flow::of(access);
    return "\"source\":" + json_text(source) + ",\"what\":" + json_text(name_of(access.what)) +
           ",\"protocol\":" + std::to_string(talk.protocol) + ",\"peer\":" + json_text(to_text(talk.peer)) +
           ",\"peer_port\":" + std::to_string(talk.peer_port) +
           ",\"own_port\":" + std::to_string(talk.own_port);
  }
  const std::string content = is_i2c(access.what) ? "\"bytes\":" + json_text(i2c_bytes_text(access, {}))
                                                  : "\"value\":\"" + hex_text(access.value) + '"';
  return "\"source\":" + json_text(source) + ",\"what\":" + json_text(name_of(access.what)) +
         ",\"address\":\"" + hex_text(access.address) + "\",\"width\":" + std::to_string(access.width) + "," +
         content + ",\"repeats\":" + std::to_string(access.repeats);
}

[[nodiscard]] inline std::string to_json(const alert& what, std::string_view source) {
  return "{\"alert\":" + json_text(what.rule) + ",\"time\":\"" + utc_text(what.time) +
         "\",\"reason\":" + json_text(reason_of(what.kind)) +
         ",\"denied\":" + (what.denied ? "true" : "false") + "," + to_json(what.access, source) + "}";
}

}  // namespace shoal::monitor
