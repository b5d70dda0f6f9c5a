// SPDX-License-Identifier: BSL-1.0
//
// multibase: bytes as text that says in its first character which alphabet it uses
// (github.com/multiformats/multibase). CIDs, peer ids and IPNS names are printed with it.
//
//     encode_multibase(multibase::base32, bytes);        // "bafkrei..."
//     result<std::vector<std::byte>> bytes = decode_multibase("z7paNL19xttacUY");
//
// Leaves out base45, base256emoji and proquint: errc::unsupported.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>

namespace shoal {

/// The encodings; the value is the character that stands before the text (multibase.csv).
enum class multibase : char {
  base2 = '0',
  base8 = '7',
  base10 = '9',
  base16 = 'f',
  base16upper = 'F',
  base32 = 'b',
  base32upper = 'B',
  base32pad = 'c',
  base32padupper = 'C',
  base32hex = 'v',
  base32hexupper = 'V',
  base32hexpad = 't',
  base32hexpadupper = 'T',
  base32z = 'h',
  base36 = 'k',
  base36upper = 'K',
  base58btc = 'z',
  base58flickr = 'Z',
  base64 = 'm',
  base64pad = 'M',
  base64url = 'u',
  base64urlpad = 'U',
};

/// Longest text, in characters, that is decoded in base 10, 36 or 58: their cost grows with the square of the
/// length. The longest CID takes 376 characters in base 10.
inline constexpr std::size_t max_positional_text = 1024;

namespace detail {

struct multibase_row {
  multibase base;
  unsigned bits;  // a character carries so many bits; 0: the text is one number, with a place value a character
  bool folds;     // upper and lower case mean the same
  bool pads;      // '=' fills up the last group
  std::string_view alphabet;
};

inline constexpr std::array<multibase_row, 22> multibase_table{{
    {multibase::base2, 1, false, false, "01"},
    {multibase::base8, 3, false, false, "01234567"},
    {multibase::base10, 0, false, false, "0123456789"},
    {multibase::base16, 4, true, false, "0123456789abcdef"},
    {multibase::base16upper, 4, true, false, "0123456789ABCDEF"},
    {multibase::base32, 5, true, false, "abcdefghijklmnopqrstuvwxyz234567"},
    {multibase::base32upper, 5, true, false, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"},
    {multibase::base32pad, 5, true, true, "abcdefghijklmnopqrstuvwxyz234567"},
    {multibase::base32padupper, 5, true, true, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"},
    {multibase::base32hex, 5, true, false, "0123456789abcdefghijklmnopqrstuv"},
    {multibase::base32hexupper, 5, true, false, "0123456789ABCDEFGHIJKLMNOPQRSTUV"},
    {multibase::base32hexpad, 5, true, true, "0123456789abcdefghijklmnopqrstuv"},
    {multibase::base32hexpadupper, 5, true, true, "0123456789ABCDEFGHIJKLMNOPQRSTUV"},
    {multibase::base32z, 5, false, false, "ybndrfg8ejkmcpqxot1uwisza345h769"},
    {multibase::base36, 0, true, false, "0123456789abcdefghijklmnopqrstuvwxyz"},
    {multibase::base36upper, 0, true, false, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
    {multibase::base58btc, 0, false, false, "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"},
    {multibase::base58flickr, 0, false, false, "123456789abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"},
    {multibase::base64, 6, false, false, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"},
    {multibase::base64pad, 6, false, true, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"},
    {multibase::base64url, 6, false, false, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"},
    {multibase::base64urlpad, 6, false, true,
     "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"},
}};

[[nodiscard]] inline const multibase_row* find_multibase(char prefix) noexcept {
  const auto* row = std::ranges::find(multibase_table, multibase{prefix}, &multibase_row::base);
  return row != multibase_table.end() ? row : nullptr;
}

/// What the character stands for; alphabet.size() or more when it stands for nothing.
[[nodiscard]] inline std::size_t digit_value(const multibase_row& row, char c) noexcept {
  const bool other_case = row.folds && row.alphabet.find(c) == std::string_view::npos &&
                          ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'));
  return row.alphabet.find(other_case ? static_cast<char>(c ^ 0x20) : c);
}

/// Characters in a padded group: 8 in base 32, 4 in base 64.
[[nodiscard]] constexpr std::size_t group_size(const multibase_row& row) noexcept {
  return row.bits == 5 ? 8 : 4;
}

inline void encode_bits(const multibase_row& row, bytes_view bytes, std::string& out) {
  const std::size_t start = out.size();
  std::uint32_t held = 0;
  unsigned held_bits = 0;
  for (const std::byte byte : bytes) {
    held = (held << 8 | std::to_integer<std::uint32_t>(byte)) & 0xffff;
    for (held_bits += 8; held_bits >= row.bits; held_bits -= row.bits) {
      out += row.alphabet[held >> (held_bits - row.bits) & (row.alphabet.size() - 1)];
    }
  }
  if (held_bits != 0) out += row.alphabet[held << (row.bits - held_bits) & (row.alphabet.size() - 1)];
  while (row.pads && (out.size() - start) % group_size(row) != 0) out += '=';
}

[[nodiscard]] inline result<std::vector<std::byte>> decode_bits(const multibase_row& row,
                                                                std::string_view text) {
  if (row.pads) {
    if (text.size() % group_size(row) != 0) return errc::malformed;
    const std::size_t end = text.find_last_not_of('=') + 1;
    if (text.size() - end >= group_size(row)) return errc::malformed;
    text = text.substr(0, end);
  }
  std::vector<std::byte> bytes;
  bytes.reserve(text.size() * row.bits / 8);
  std::uint32_t held = 0;
  unsigned held_bits = 0;
  for (const char c : text) {
    const std::size_t digit = digit_value(row, c);
    if (digit >= row.alphabet.size()) return errc::malformed;
    held = (held << row.bits | static_cast<std::uint32_t>(digit)) & 0xffff;
    held_bits += row.bits;
    if (held_bits >= 8) {
      held_bits -= 8;
      bytes.push_back(static_cast<std::byte>(held >> held_bits));
    }
  }
  // What is left over only fills up the last character: less than one character, and zero. So one text alone
  // stands for given bytes, except for the case of its letters.
  if (held_bits >= row.bits || (held & ((1u << held_bits) - 1)) != 0) return errc::malformed;
  return bytes;
}

/// Multiplies the number in `digits` (least significant first, in base `to`) by `from` and adds `carry`.
inline void multiply_add(std::vector<std::uint8_t>& digits, std::size_t from, std::size_t to,
                         std::size_t carry) {
  for (std::uint8_t& digit : digits) {
    carry += digit * from;
    digit = static_cast<std::uint8_t>(carry % to);
    carry /= to;
  }
  for (; carry != 0; carry /= to) digits.push_back(static_cast<std::uint8_t>(carry % to));
}

inline void encode_number(const multibase_row& row, bytes_view bytes, std::string& out) {
  const auto first = std::ranges::find_if(bytes, [](std::byte b) { return b != std::byte{0}; });
  std::vector<std::uint8_t> digits;
  for (auto at = first; at != bytes.end(); ++at) {
    multiply_add(digits, 256, row.alphabet.size(), std::to_integer<std::size_t>(*at));
  }
  out.append(static_cast<std::size_t>(first - bytes.begin()), row.alphabet.front());
  for (auto at = digits.rbegin(); at != digits.rend(); ++at) out += row.alphabet[*at];
}

[[nodiscard]] inline result<std::vector<std::byte>> decode_number(const multibase_row& row,
                                                                  std::string_view text) {
  if (text.size() > max_positional_text) return errc::limit_exceeded;
  const std::size_t zeros = std::min(text.find_first_not_of(row.alphabet.front()), text.size());
  std::vector<std::uint8_t> digits;
  for (const char c : text.substr(zeros)) {
    const std::size_t digit = digit_value(row, c);
    if (digit >= row.alphabet.size()) return errc::malformed;
    multiply_add(digits, row.alphabet.size(), 256, digit);
  }
  std::vector<std::byte> bytes(zeros);
  for (auto at = digits.rbegin(); at != digits.rend(); ++at) bytes.push_back(std::byte{*at});
  return bytes;
}

[[nodiscard]] inline result<std::vector<std::byte>> decode_row(const multibase_row& row,
                                                               std::string_view text) {
  return row.bits != 0 ? decode_bits(row, text) : decode_number(row, text);
}

}  // namespace detail

/// The text of `bytes`, prefix included. Takes time in the square of the size for bases 10, 36 and 58.
/// @pre `base` is one of the enumerators
[[nodiscard]] inline std::string encode_multibase(multibase base, bytes_view bytes) {
  const detail::multibase_row& row = *detail::find_multibase(static_cast<char>(base));
  std::string text(1, static_cast<char>(base));
  row.bits != 0 ? detail::encode_bits(row, bytes, text) : detail::encode_number(row, bytes, text);
  return text;
}

/// The bytes that a prefixed text stands for.
///
/// errc::truncated for an empty text, errc::unsupported for an unknown prefix, errc::malformed for a foreign
/// character, for wrong padding and for filling bits that are not zero, errc::limit_exceeded past
/// max_positional_text.
[[nodiscard]] inline result<std::vector<std::byte>> decode_multibase(std::string_view text) {
  if (text.empty()) return errc::truncated;
  const detail::multibase_row* row = detail::find_multibase(text.front());
  if (row == nullptr) return errc::unsupported;
  return detail::decode_row(*row, text.substr(1));
}

/// Base 58 in Bitcoin's alphabet and without a prefix: the form of version 0 CIDs and of peer ids.
[[nodiscard]] inline std::string encode_base58btc(bytes_view bytes) {
  return encode_multibase(multibase::base58btc, bytes).substr(1);
}

/// Undoes encode_base58btc. Errors as for decode_multibase.
[[nodiscard]] inline result<std::vector<std::byte>> decode_base58btc(std::string_view text) {
  return detail::decode_row(*detail::find_multibase(static_cast<char>(multibase::base58btc)), text);
}

}  // namespace shoal
