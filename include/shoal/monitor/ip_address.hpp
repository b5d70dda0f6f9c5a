// SPDX-License-Identifier: BSL-1.0
//
// ip_address: of IPv4 or IPv6, in two numbers, and as people write it.
//
//     parse_ip("192.0.2.1");  parse_ip("2001:db8::1");  to_text(address);
//
// One of IPv4 is the one of IPv6 that is mapped to it, ::ffff:192.0.2.1.
#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace shoal::monitor {

struct ip_address {
  std::uint64_t high = 0;  ///< the first eight bytes
  std::uint64_t low = 0;
  friend constexpr bool operator==(const ip_address&, const ip_address&) noexcept = default;

  [[nodiscard]] static constexpr ip_address of_v4(std::uint32_t address) noexcept {
    return {0, std::uint64_t{0xffff} << 32 | address};
  }
  [[nodiscard]] constexpr bool is_v4() const noexcept { return high == 0 && low >> 32 == 0xffff; }

  /// Whether the first `bits` are the same, 128 at most.
  [[nodiscard]] constexpr bool matches(const ip_address& other, unsigned bits) const noexcept {
    const auto mask = [](unsigned count) {
      return count == 0 ? 0 : count >= 64 ? ~std::uint64_t{0} : ~(~std::uint64_t{0} >> count);
    };
    const std::uint64_t differs =
        ((high ^ other.high) & mask(bits)) | ((low ^ other.low) & mask(bits < 64 ? 0 : bits - 64));
    return differs == 0;
  }
};

namespace detail {

/// A number at the front of `text`, which is shortened by it.
inline std::optional<std::uint32_t> take_number(std::string_view& text, int base, std::uint32_t largest,
                                                std::size_t most_digits) noexcept {
  std::uint32_t value = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  const auto digits = static_cast<std::size_t>(end - text.data());
  if (wrong != std::errc{} || digits > most_digits || value > largest) return std::nullopt;
  text.remove_prefix(digits);
  return value;
}

inline std::optional<std::uint32_t> parse_v4(std::string_view text) noexcept {
  std::uint32_t out = 0;
  for (int i = 0; i < 4; ++i) {
    if (i != 0) {
      if (!text.starts_with('.')) return std::nullopt;
      text.remove_prefix(1);
    }
    const auto part = take_number(text, 10, 255, 3);
    if (!part) return std::nullopt;
    out = out << 8 | *part;
  }
  return text.empty() ? std::optional{out} : std::nullopt;
}

}  // namespace detail

/// As RFC 4291, section 2.2, writes them; without a zone.
[[nodiscard]] inline std::optional<ip_address> parse_ip(std::string_view text) noexcept {
  if (text.find(':') == std::string_view::npos) {
    const auto v4 = detail::parse_v4(text);
    return v4 ? std::optional{ip_address::of_v4(*v4)} : std::nullopt;
  }
  std::array<std::uint16_t, 8> groups{};
  std::size_t count = 0;
  std::optional<std::size_t> gap;
  if (text.starts_with("::")) {
    gap = 0;
    text.remove_prefix(2);
  }
  while (!text.empty()) {
    if (count == 8) return std::nullopt;
    if (text.find(':') == std::string_view::npos && text.find('.') != std::string_view::npos) {
      const auto v4 = detail::parse_v4(text);
      if (!v4 || count > 6) return std::nullopt;
      groups[count++] = static_cast<std::uint16_t>(*v4 >> 16);
      groups[count++] = static_cast<std::uint16_t>(*v4);
      break;
    }
    const auto group = detail::take_number(text, 16, 0xffff, 4);
    if (!group) return std::nullopt;
    groups[count++] = static_cast<std::uint16_t>(*group);
    if (text.empty()) break;
    if (text.front() != ':' || text.size() == 1) return std::nullopt;
    text.remove_prefix(1);
    if (text.front() == ':') {
      if (gap) return std::nullopt;
      gap = count;
      text.remove_prefix(1);
    }
  }
  if (gap ? count == 8 : count != 8) return std::nullopt;
  if (gap) {
    const std::size_t behind = count - *gap;
    for (std::size_t i = 0; i < behind; ++i) {
      groups[7 - i] = groups[count - 1 - i];
      groups[count - 1 - i] = 0;
    }
  }
  ip_address out;
  for (std::size_t i = 0; i < 4; ++i) {
    out.high = out.high << 16 | groups[i];
    out.low = out.low << 16 | groups[i + 4];
  }
  return out;
}

/// As RFC 5952 writes them; one of IPv4 with dots.
[[nodiscard]] inline std::string to_text(const ip_address& address) {
  std::string out;
  if (address.is_v4()) {
    for (unsigned shift = 32; shift != 0; shift -= 8) {
      if (shift != 32) out += '.';
      out += std::to_string(address.low >> (shift - 8) & 0xff);
    }
    return out;
  }
  const auto group = [&](std::size_t i) {
    const std::uint64_t half = i < 4 ? address.high : address.low;
    return static_cast<std::uint16_t>(half >> (48 - 16 * (i % 4)));
  };
  // the longest run of zeroes, the first of several, is left out
  std::size_t gap = 8;
  std::size_t gap_size = 1;
  for (std::size_t i = 0; i < 8; ++i) {
    std::size_t run = 0;
    while (i + run < 8 && group(i + run) == 0) ++run;
    if (run > gap_size) {
      gap = i;
      gap_size = run;
    }
  }
  for (std::size_t i = 0; i < 8; ++i) {
    if (i == gap) {
      out += i == 0 ? "::" : ":";
      i += gap_size - 1;
      continue;
    }
    std::array<char, 4> digits{};
    const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), group(i), 16);
    out.append(digits.data(), written.ptr);
    if (i != 7) out += ':';
  }
  return out;
}

}  // namespace shoal::monitor
