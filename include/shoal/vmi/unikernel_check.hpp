// SPDX-License-Identifier: BSL-1.0
//
// check_unikernel: whether a unikernel's text and constants are what its file has, and what its globals hold,
// looked at from outside while it runs.
//
//     const std::vector<finding> found = check_unikernel(memory, image);
//     const status_or<global_value> count = read_global(memory, *image.find("count"));
//     const std::optional<finding> wrong = check_global(memory, symbol, *global_range::parse("0..100"));
//
// Constants cannot be written by a guest of hvt: that they were changed says that somebody outside of it was,
// or that the guest has found a way out. Copies what it looks at a page at a time, and allocates for findings
// alone.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <shoal/base/byte_text.hpp>
#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/base/status.hpp>
#include <shoal/vmi/address.hpp>
#include <shoal/vmi/finding.hpp>
#include <shoal/vmi/physical_memory.hpp>
#include <shoal/vmi/unikernel_image.hpp>

namespace shoal::vmi {

/// "count+0x4", or the address where nothing has a name.
[[nodiscard]] inline std::string describe(const unikernel_image& image, physical_address address) {
  const std::optional<unikernel_place> place = image.at(address);
  if (!place) return hexadecimal(value(address));
  const std::string name = printable(place->symbol.name);
  return place->offset == 0 ? name : name + "+" + hexadecimal(place->offset);
}

namespace detail {

inline constexpr std::size_t unikernel_page = 4096;
using unikernel_bytes = std::array<std::byte, unikernel_page>;

[[nodiscard]] inline finding changed_constant(const unikernel_image& image, const constant_area& area,
                                              std::uint64_t at, bytes_view is, bytes_view should) {
  const auto first = static_cast<std::size_t>(std::ranges::mismatch(is, should).in1 - is.begin());
  std::size_t others = 0;
  for (std::size_t i = first + 1; i < is.size(); ++i) others += is[i] != should[i] ? 1u : 0u;
  const physical_address where = area.base + (at + first);
  const auto byte = [](std::byte b) { return hexadecimal(std::to_integer<std::uint64_t>(b)); };
  return {
      .kind = area.executable ? finding_kind::code_changed : finding_kind::constant_changed,
      .where = virtual_address{value(where)},
      .subject = describe(image, where),
      .detail = hexadecimal(value(where)) + " is " + byte(is[first]) + ", in the file " + byte(should[first]) +
                (others == 0 ? "" : "; " + std::to_string(others) + " more in this page are not the file's")};
}

}  // namespace detail

/// What differs, a finding for each page of 4 KiB: where its first byte does. An area whose memory is not there
/// is told once, as unreadable.
template <physical_memory M>
[[nodiscard]] std::vector<finding> check_unikernel(const M& memory, const unikernel_image& image) {
  std::vector<finding> found;
  detail::unikernel_bytes is;
  detail::unikernel_bytes should;
  for (const constant_area& area : image.constants()) {
    for (std::uint64_t at = 0; at < area.size && found.size() < max_findings; at += is.size()) {
      const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(is.size(), area.size - at));
      const bytes_span page = bytes_span{is}.first(size);
      const bytes_span wanted = bytes_span{should}.first(size);
      if (memory.read_physical(area.base + at, page) != status::ok) {
        found.push_back({.kind = finding_kind::unreadable,
                         .where = virtual_address{value(area.base + at)},
                         .subject = area.executable ? "text" : "constants",
                         .detail = "there is no memory at " + hexadecimal(value(area.base + at))});
        break;
      }
      area.expected(at, wanted);
      if (as_text(page) != as_text(wanted))
        found.push_back(detail::changed_constant(image, area, at, page, wanted));
    }
  }
  return found;
}

/// Larger ones are not read: whoever wants to see a buffer looks at a part of it.
inline constexpr std::size_t max_global = 64;

/// What a global held at one moment: its bytes, and the number that they are where it has 1, 2, 4 or 8.
class global_value {
 public:
  global_value() noexcept = default;
  /// @pre bytes.size() <= max_global
  explicit global_value(bytes_view bytes) noexcept : size_(bytes.size()) {
    std::ranges::copy(bytes, bytes_.begin());
  }

  [[nodiscard]] bytes_view bytes() const noexcept { return bytes_view{bytes_}.first(size_); }
  [[nodiscard]] bool is_number() const noexcept { return size_ == 1 || size_ == 2 || size_ == 4 || size_ == 8; }
  /// Without a sign. @pre is_number()
  [[nodiscard]] std::uint64_t number() const noexcept { return load_le<std::uint64_t>(bytes_.data()); }
  /// With one, in two's complement. @pre is_number()
  [[nodiscard]] std::int64_t signed_number() const noexcept {
    const unsigned unused = 64 - 8 * static_cast<unsigned>(size_);
    return static_cast<std::int64_t>(number() << unused) >> unused;
  }
  /// "42", or "01 02 03" for what is no number.
  [[nodiscard]] std::string text() const {
    if (is_number()) return std::to_string(number());
    return byte_text(bytes(), " ");
  }

  friend bool operator==(const global_value&, const global_value&) noexcept = default;

 private:
  std::array<std::byte, max_global> bytes_{};  // zeros behind it
  std::size_t size_ = 0;
};

/// limit_exceeded for more than max_global bytes; unsupported when the file does not say how many they are;
/// out_of_range where there is no memory. A number that does not lie across two cache lines is read at once.
template <physical_memory M>
[[nodiscard]] status_or<global_value> read_global(const M& memory, const unikernel_symbol& global) noexcept {
  if (global.size == 0) return status::unsupported;
  if (global.size > max_global) return status::limit_exceeded;
  std::array<std::byte, max_global> bytes{};
  const auto number = [&]<class T>(T) -> status_or<global_value> {
    const status_or<T> read = read_number<T>(memory, global.address);
    if (!read) return read.code;
    store_le<T>(bytes.data(), *read);
    return global_value{bytes_view{bytes}.first(sizeof(T))};
  };
  switch (global.size) {
    case 1: return number(std::uint8_t{});
    case 2: return number(std::uint16_t{});
    case 4: return number(std::uint32_t{});
    case 8: return number(std::uint64_t{});
    default: break;
  }
  const bytes_span out = bytes_span{bytes}.first(static_cast<std::size_t>(global.size));
  if (const status s = memory.read_physical(global.address, out); s != status::ok) return s;
  return global_value{out};
}

/// The values that a number may have. Numbers have signs when `least` is below zero.
struct global_range {
  bool has_sign = false;
  std::uint64_t least = 0;  ///< with has_sign as two's complement
  std::uint64_t most = 0;

  /// "0..100", "-1..1", "7..7". Nothing for anything else.
  [[nodiscard]] static std::optional<global_range> parse(std::string_view text) noexcept {
    const std::size_t dots = text.find("..");
    if (dots == text.npos) return std::nullopt;
    global_range out;
    out.has_sign = text.starts_with('-');
    const auto read = [&out](std::string_view number, std::uint64_t& into) {
      const char* const end = number.data() + number.size();
      std::int64_t with_sign = 0;
      const auto [rest, error] = out.has_sign ? std::from_chars(number.data(), end, with_sign)
                                              : std::from_chars(number.data(), end, into);
      if (out.has_sign) into = static_cast<std::uint64_t>(with_sign);
      return error == std::errc{} && rest == end;
    };
    if (!read(text.substr(0, dots), out.least) || !read(text.substr(dots + 2), out.most)) return std::nullopt;
    const bool ordered = out.has_sign
                             ? static_cast<std::int64_t>(out.least) <= static_cast<std::int64_t>(out.most)
                             : out.least <= out.most;
    return ordered ? std::optional{out} : std::nullopt;
  }

  /// @pre is.is_number()
  [[nodiscard]] bool contains(const global_value& is) const noexcept {
    if (!has_sign) return is.number() >= least && is.number() <= most;
    const std::int64_t number = is.signed_number();
    return number >= static_cast<std::int64_t>(least) && number <= static_cast<std::int64_t>(most);
  }
  /// A number in words, with its sign if it has one.
  [[nodiscard]] std::string text_of(std::uint64_t number) const {
    return has_sign ? std::to_string(static_cast<std::int64_t>(number)) : std::to_string(number);
  }
  [[nodiscard]] std::string text() const { return text_of(least) + ".." + text_of(most); }
};

/// What is wrong with a number: global_outside, or unreadable.
template <physical_memory M>
[[nodiscard]] std::optional<finding> check_global(const M& memory, const unikernel_symbol& global,
                                                  const global_range& range) {
  const status_or<global_value> is = read_global(memory, global);
  const virtual_address where{value(global.address)};
  if (!is || !is->is_number()) {
    return finding{finding_kind::unreadable, where, printable(global.name),
                   is ? "it is no number" : "there is no memory at " + hexadecimal(value(where))};
  }
  if (range.contains(*is)) return std::nullopt;
  const std::uint64_t number = range.has_sign ? static_cast<std::uint64_t>(is->signed_number()) : is->number();
  return finding{finding_kind::global_outside, where, printable(global.name),
                 "it is " + range.text_of(number) + ", not in " + range.text()};
}

}  // namespace shoal::vmi
