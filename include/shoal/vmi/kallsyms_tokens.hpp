// SPDX-License-Identifier: BSL-1.0
//
// kallsyms_tokens: the 256 pieces of which a Linux kernel makes its symbols' names, found in its memory and
// checked: the token table and the index behind it (scripts/kallsyms.c of Linux).
//
//     for (std::size_t at = 0; (at = find_kallsyms_digits(image, at)) != npos; ++at) {
//       if (const auto tokens = kallsyms_tokens::at_digits(image, at, pointer_width::eight)) use(*tokens);
//     }
//
// Digits stand in every kernel's names and so always for themselves: "0", "1" ... "9" one behind the other lead
// to the table; text in UTF-16 looks the same and has no index behind it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/vmi/address.hpp>

namespace shoal::vmi {

/// Longest that a table of tokens can be: a token is a part of a name.
inline constexpr std::size_t max_token_table = 8192;

/// Where tokens for the digits are, from `from` on; std::string_view::npos when nowhere.
[[nodiscard]] inline std::size_t find_kallsyms_digits(bytes_view image, std::size_t from) noexcept {
  constexpr std::string_view digits{"0\0001\0002\0003\0004\0005\0006\0007\0008\0009\000", 20};
  return as_text(image).find(digits, from);
}

namespace detail {

/// @pre alignment is a power of two
[[nodiscard]] constexpr std::size_t align_up(std::size_t offset, std::size_t alignment) noexcept {
  return (offset + (alignment - 1)) & ~(alignment - 1);
}

}  // namespace detail

class kallsyms_tokens {
 public:
  /// The tokens around the digits at `digits`, which find_kallsyms_digits gave, when all is as it must be.
  /// `image` begins at a multiple of 256 bytes, and outlives the tokens.
  [[nodiscard]] static std::optional<kallsyms_tokens> at_digits(bytes_view image, std::size_t digits,
                                                                pointer_width width) noexcept {
    // .balign 8 or 4, and what .align made of the same numbers on ARM before Linux 5.5
    const bool wide = width == pointer_width::eight;
    for (const std::size_t alignment :
         wide ? std::array<std::size_t, 2>{8, 256} : std::array<std::size_t, 2>{4, 16}) {
      kallsyms_tokens tokens{image, alignment};
      if (tokens.check(digits)) return tokens;
    }
    return std::nullopt;
  }

  /// @pre code < 256
  [[nodiscard]] std::string_view operator[](std::size_t code) const noexcept {
    const std::size_t begin = begins_[code];
    return as_text(image_).substr(table_ + begin, begins_[code + 1] - begin - 1);
  }

  /// Where the table of tokens begins in the image.
  [[nodiscard]] std::size_t begin() const noexcept { return table_; }
  /// Where the index behind it begins.
  [[nodiscard]] std::size_t index() const noexcept { return index_; }
  /// To what the kernel's tables of symbols are aligned.
  [[nodiscard]] std::size_t alignment() const noexcept { return alignment_; }

 private:
  static constexpr std::size_t count = 256;

  kallsyms_tokens(bytes_view image, std::size_t alignment) noexcept : image_(image), alignment_(alignment) {}

  bool check(std::size_t digits) noexcept {
    constexpr std::size_t zero = '0';
    // Forward from the digits to the table's end: the index is behind it, and tells where the table began.
    const std::string_view text = as_text(image_);
    std::size_t end = digits;
    for (std::size_t code = zero; code < count; ++code) {
      const std::size_t stop = text.substr(end, max_token_table).find('\0');
      if (stop == std::string_view::npos) return false;
      end += stop + 1;
      if (end - digits > max_token_table) return false;
    }
    index_ = detail::align_up(end, alignment_);
    if (!contains(image_.size(), index_, 2 * count)) return false;
    for (std::size_t code = 0; code < count; ++code) {
      begins_[code] = load_le<std::uint16_t>(image_.data() + index_ + 2 * code);
    }
    if (begins_[0] != 0 || begins_[zero] > digits) return false;
    table_ = digits - begins_[zero];
    if (end - table_ > max_token_table) return false;
    begins_[count] = static_cast<std::uint16_t>(end - table_);
    for (std::size_t code = 0; code < count; ++code) {
      if (begins_[code + 1] <= begins_[code]) return false;
      if (text.substr(table_ + begins_[code]).find('\0') != begins_[code + 1] - begins_[code] - 1u)
        return false;
    }
    return true;
  }

  bytes_view image_;
  std::size_t alignment_;
  std::size_t table_ = 0;
  std::size_t index_ = 0;
  std::array<std::uint16_t, count + 1> begins_{};
};

}  // namespace shoal::vmi
