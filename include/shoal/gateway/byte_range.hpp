// SPDX-License-Identifier: BSL-1.0
//
// byte_range: which bytes of a file a CAR is asked for (trustless gateway, "entity-bytes").
//
//     result<byte_range> range = byte_range::parse("-1024:*");       // the last 1024 bytes
//     const byte_window window = range->within(file_size);           // [window.first, window.last)
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include <shoal/base/result.hpp>

namespace shoal::gateway {

/// The bytes [first, last) of a file. None when they are equal.
struct byte_window {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  friend bool operator==(const byte_window&, const byte_window&) = default;
};

/// Positions are of bytes, both included; negative ones count from the end of the file.
struct byte_range {
  std::int64_t from = 0;
  std::optional<std::int64_t> to;  ///< none: to the end
  friend bool operator==(const byte_range&, const byte_range&) = default;

  /// "FROM:TO", where TO may be "*". errc::malformed.
  [[nodiscard]] static result<byte_range> parse(std::string_view text) noexcept {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) return errc::malformed;
    const std::optional<std::int64_t> from = number(text.substr(0, colon));
    const std::string_view end = text.substr(colon + 1);
    const std::optional<std::int64_t> to = end == "*" ? std::nullopt : number(end);
    if (!from || (!to && end != "*")) return errc::malformed;
    return byte_range{*from, to};
  }

  /// What there is of it in a file of `size` bytes.
  [[nodiscard]] constexpr byte_window within(std::uint64_t size) const noexcept {
    const std::uint64_t first =
        from < 0 ? size - std::min(size, below_zero(from)) : std::min(size, above_zero(from));
    std::uint64_t last = size;
    if (to && *to < 0) last = size - std::min(size, below_zero(*to) - 1);
    if (to && *to < 0 && below_zero(*to) > size) last = 0;
    if (to && *to >= 0) last = std::min(size, above_zero(*to) + 1);
    return {first, std::max(first, last)};
  }

  /// True when it starts behind the end of a file that is not empty.
  [[nodiscard]] constexpr bool is_beyond(std::uint64_t size) const noexcept {
    return from > 0 && size != 0 && above_zero(from) >= size;
  }

  [[nodiscard]] std::string text() const {
    return std::to_string(from) + ":" + (to ? std::to_string(*to) : "*");
  }

 private:
  static constexpr std::uint64_t above_zero(std::int64_t n) noexcept { return static_cast<std::uint64_t>(n); }
  static constexpr std::uint64_t below_zero(std::int64_t n) noexcept {
    return 0 - static_cast<std::uint64_t>(n);
  }
  static std::optional<std::int64_t> number(std::string_view text) noexcept {
    std::int64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, wrong] = std::from_chars(text.data(), end, value);
    if (wrong != std::errc{} || stop != end) return std::nullopt;
    return value;
  }
};

}  // namespace shoal::gateway
