// SPDX-License-Identifier: BSL-1.0
//
// IP addresses as text and as bytes in network order, without the operating system: what multiaddrs are made
// of.
//
//     result<ip6_bytes> address = parse_ip6("fe80::1");
//     append_ip6(text, *address);                       // RFC 5952: "fe80::1"
//
// Leaves out zones ("%eth0"), ports, brackets and the old forms of IPv4 ("127.1", "0x7f000001").
#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/base/result.hpp>

namespace shoal::libp2p {

using ip4_bytes = std::array<std::byte, 4>;
using ip6_bytes = std::array<std::byte, 16>;

namespace detail {

/// A number of at most `digits` digits that is the whole text. errc::malformed.
template <class T>
[[nodiscard]] result<T> parse_digits(std::string_view text, std::size_t digits, int base = 10) noexcept {
  T value{};
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value, base);
  if (text.size() > digits || parsed.ec != std::errc{} || parsed.ptr != end) return errc::malformed;
  return value;
}

template <class T>
void append_digits(std::string& out, T value, int base = 10) {
  char text[24];
  const auto end = std::to_chars(text, text + sizeof text, value, base).ptr;
  out.append(text, end);
}

}  // namespace detail

/// Four decimal numbers. errc::malformed; a number with a leading zero is one, since some read it as octal.
[[nodiscard]] inline result<ip4_bytes> parse_ip4(std::string_view text) noexcept {
  ip4_bytes address{};
  for (std::size_t i = 0; i < address.size(); ++i) {
    const std::size_t dot = i + 1 < address.size() ? text.find('.') : text.size();
    if (dot == std::string_view::npos) return errc::malformed;
    const std::string_view number = text.substr(0, dot);
    const result<std::uint8_t> value = detail::parse_digits<std::uint8_t>(number, 3);
    if (!value || (number.size() > 1 && number.front() == '0')) return errc::malformed;
    address[i] = std::byte{*value};
    text.remove_prefix(dot == text.size() ? dot : dot + 1);
  }
  return address;
}

inline void append_ip4(std::string& out, std::span<const std::byte, 4> address) {
  for (std::size_t i = 0; i < address.size(); ++i) {
    if (i != 0) out += '.';
    detail::append_digits(out, std::to_integer<unsigned>(address[i]));
  }
}

/// Groups of hexadecimal digits, one "::" at most, the last two groups as IPv4 if need be (RFC 4291,
/// section 2.2). errc::malformed.
[[nodiscard]] inline result<ip6_bytes> parse_ip6(std::string_view text) noexcept {
  constexpr std::size_t no_gap = 17;
  ip6_bytes address{};
  std::size_t size = 0;
  std::size_t gap = no_gap;  // bytes in front of the "::"
  if (text.starts_with("::")) {
    gap = 0;
    text.remove_prefix(2);
  }
  while (!text.empty()) {
    const std::size_t colon = text.find(':');
    const std::string_view group = text.substr(0, colon);
    if (group.find('.') != std::string_view::npos) {
      const result<ip4_bytes> tail = parse_ip4(text);
      if (!tail || size > address.size() - tail->size()) return errc::malformed;
      for (const std::byte b : *tail) address[size++] = b;
      break;
    }
    const result<std::uint16_t> value = detail::parse_digits<std::uint16_t>(group, 4, 16);
    if (!value || size > address.size() - 2) return errc::malformed;
    store_be(address.data() + size, *value);
    size += 2;
    if (colon == std::string_view::npos) break;
    text.remove_prefix(colon + 1);
    if (text.starts_with(':')) {
      if (gap != no_gap) return errc::malformed;
      gap = size;
      text.remove_prefix(1);
    } else if (text.empty()) {
      return errc::malformed;
    }
  }
  if (gap == no_gap) {
    if (size != address.size()) return errc::malformed;
    return address;
  }
  if (size == address.size()) return errc::malformed;
  ip6_bytes whole{};
  for (std::size_t i = 0; i < gap; ++i) whole[i] = address[i];
  for (std::size_t i = gap; i < size; ++i) whole[whole.size() - size + i] = address[i];
  return whole;
}

/// The one text that RFC 5952 recommends, without the IPv4 form at the end.
inline void append_ip6(std::string& out, std::span<const std::byte, 16> address) {
  const auto group = [&](std::size_t i) { return load_be<std::uint16_t>(address.data() + 2 * i); };
  std::size_t gap = 8;
  std::size_t gap_size = 1;  // a single zero group is not shortened
  for (std::size_t i = 0; i < 8; ++i) {
    std::size_t n = 0;
    while (i + n < 8 && group(i + n) == 0) ++n;
    if (n > gap_size) {
      gap = i;
      gap_size = n;
    }
  }
  for (std::size_t i = 0; i < 8; ++i) {
    if (i == gap) {
      out += "::";
      i += gap_size - 1;
      continue;
    }
    if (i != 0 && out.back() != ':') out += ':';
    detail::append_digits(out, static_cast<unsigned>(group(i)), 16);
  }
}

}  // namespace shoal::libp2p
