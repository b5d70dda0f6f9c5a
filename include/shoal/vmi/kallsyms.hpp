// SPDX-License-Identifier: BSL-1.0
//
// kallsyms: the symbols of a Linux kernel decoded from its memory, in each layout that 4.9 to 6.12 write
// (scripts/kallsyms.c). Every table is checked against the others: a layout is found, not guessed.
//
//     const auto tokens = kallsyms_tokens::at_digits(image, digits, width);
//     if (tokens) if (result<kallsyms> found = decode_kallsyms(image, *tokens, width)) use(found->symbols);
//
// `image` is a copy: the guest may change its memory, and looks at nothing twice here only because we own it.
// Leaves out modules' symbols and big-endian kernels.
//
// In memory, each aligned:   addresses[n] or (offsets[n], base), n, names, markers, [order], tokens, token
// index from 6.4 on:               n, names, markers, tokens, token index, offsets[n], base, [order]
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/base/result.hpp>
#include <shoal/vmi/kallsyms_tokens.hpp>
#include <shoal/vmi/symbol_table.hpp>

namespace shoal::vmi {

/// How far from the tokens the number of symbols is looked for, and how many names in all are stepped over on
/// the way to it: both far more than a kernel needs.
inline constexpr std::size_t max_kallsyms_names = std::size_t{8} << 20;
inline constexpr std::size_t max_kallsyms_steps = 40'000'000;
/// How many tables of tokens are tried in an image: a kernel has one.
inline constexpr std::size_t max_kallsyms_tokens = 8;

/// What the addresses of symbols are made of.
enum class kallsyms_addresses : std::uint8_t {
  absolute,         ///< addresses as they are (CONFIG_KALLSYMS_BASE_RELATIVE off)
  relative,         ///< base + offset
  percpu_relative,  ///< offsets below zero: base - 1 - offset; others as they are (..._ABSOLUTE_PERCPU)
};

struct kallsyms {
  symbol_table symbols;
  kallsyms_addresses kind = kallsyms_addresses::relative;
  bool addresses_last = false;   ///< the layout of 6.4 and later
  bool ordered = false;          ///< the kernel has an index by name (6.2, and 6.1's later updates)
  std::size_t count_at = 0;      ///< where the number of symbols is in the image
  std::size_t addresses_at = 0;  ///< where their addresses are
};

namespace detail {

class kallsyms_decoder {
 public:
  kallsyms_decoder(bytes_view image, const kallsyms_tokens& tokens, pointer_width width) noexcept
      : image_(image), tokens_(tokens), word_(static_cast<std::size_t>(width)) {}

  result<kallsyms> run() {
    const std::size_t align = tokens_.alignment();
    const std::size_t last = tokens_.begin() / align * align;
    const std::size_t first = last > max_kallsyms_names ? last - max_kallsyms_names : 0;
    // Backward: the number stands right before the names.
    for (std::size_t at = last; at >= first + align; at -= align) {
      if (steps_ > max_kallsyms_steps) return errc::limit_exceeded;
      const std::uint64_t n = word(at - align);
      if (n < 2 || n > max_symbols || n > (tokens_.begin() - at) / 2 ||
          !names_reach_markers(at, static_cast<std::size_t>(n))) {
        continue;
      }
      out_.count_at = at - align;
      if (find_addresses()) return decode(at);
    }
    return errc::not_found;
  }

 private:
  static constexpr std::size_t marked = 256;  // each so-manieth name has a marker

  [[nodiscard]] std::uint64_t word(std::size_t at) const noexcept {
    return word_ == 8 ? load_le<std::uint64_t>(image_.data() + at) : load_le<std::uint32_t>(image_.data() + at);
  }
  [[nodiscard]] std::size_t align(std::size_t at) const noexcept { return align_up(at, tokens_.alignment()); }

  /// The tokens of the name at `at`, which is moved behind it. Empty when it does not end before the tokens.
  [[nodiscard]] bytes_view take_name(std::size_t& at) const noexcept {
    const std::size_t end = tokens_.begin();
    if (at >= end) return {};
    std::size_t length = std::to_integer<std::size_t>(image_[at++]);
    if ((length & 0x80) != 0) {  // two bytes, from 6.1 on
      if (at >= end) return {};
      length = (length & 0x7f) | std::to_integer<std::size_t>(image_[at++]) << 7;
    }
    if (length > end - at) return {};
    const bytes_view name = image_.subspan(at, length);
    at += length;
    return name;
  }

  /// True when n names from `names` on end where markers tell of the same names, and the tokens follow.
  [[nodiscard]] bool names_reach_markers(std::size_t names, std::size_t n) {
    marks_.clear();
    std::size_t at = names;
    for (std::size_t i = 0; i < n; ++i) {
      if (i % marked == 0) marks_.push_back(at - names);
      ++steps_;
      if (steps_ > max_kallsyms_steps || take_name(at).empty()) return false;
    }
    count_ = n;
    return markers_are(align(at), 4) || (word_ == 8 && markers_are(align(at), 8));
  }

  /// @param size  of a marker: 4, and before Linux 4.20 that of a pointer
  [[nodiscard]] bool markers_are(std::size_t begin, std::size_t size) noexcept {
    const std::size_t end = tokens_.begin();
    if (begin > end || marks_.size() > (end - begin) / size) return false;
    for (std::size_t i = 0; i < marks_.size(); ++i) {
      const std::byte* at = image_.data() + begin + i * size;
      if ((size == 8 ? load_le<std::uint64_t>(at) : load_le<std::uint32_t>(at)) != marks_[i]) return false;
    }
    const std::size_t behind = align(begin + marks_.size() * size);
    out_.ordered = align(behind + 3 * count_) == end;
    return behind == end || out_.ordered;
  }

  [[nodiscard]] bool find_addresses() {
    const std::size_t step = tokens_.alignment();
    const std::size_t offsets = align(4 * count_);
    const std::size_t absolute = align(word_ * count_);
    const std::size_t front = out_.count_at;
    const std::size_t back = align(tokens_.index() + 512);
    const auto in_front = [&](std::size_t size) {
      return front >= size ? std::optional{front - size} : std::nullopt;
    };
    for (const bool last : {false, true}) {
      out_.addresses_last = last;
      const auto at = last ? std::optional{back} : in_front(step + offsets);
      if (at && contains(image_.size(), *at, offsets + word_)) {
        const std::uint64_t base = word(*at + offsets);
        if (is_code(base) && (take(*at, base, kallsyms_addresses::relative) ||
                              take(*at, base, kallsyms_addresses::percpu_relative))) {
          return true;
        }
      }
      const auto table = last ? std::optional{back} : in_front(absolute);
      if (table && contains(image_.size(), *table, absolute) && take(*table, 0, kallsyms_addresses::absolute)) {
        return true;
      }
    }
    return false;
  }

  /// Kernels live in the upper half; on 32 bits, not in the first 16 MiB.
  [[nodiscard]] bool is_code(std::uint64_t address) const noexcept {
    return word_ == 8 ? address >> 63 != 0 : address >= 0x0100'0000;
  }

  [[nodiscard]] std::uint64_t address(std::size_t table, std::uint64_t base, kallsyms_addresses kind,
                                      std::size_t i) const noexcept {
    if (kind == kallsyms_addresses::absolute) return word(table + i * word_);
    const std::uint32_t offset = load_le<std::uint32_t>(image_.data() + table + 4 * i);
    std::uint64_t sum = base + offset;
    if (kind == kallsyms_addresses::percpu_relative) {
      sum = offset >> 31 == 0 ? offset : base - 1 - (offset | ~std::uint64_t{0xffff'ffff});
    }
    return word_ == 8 ? sum : sum & 0xffff'ffff;
  }

  /// True when the addresses ascend, as those of a kernel do, up to one of code or data, and the first that
  /// counts from the base is the base.
  [[nodiscard]] bool take(std::size_t table, std::uint64_t base, kallsyms_addresses kind) noexcept {
    std::uint64_t before = 0;
    bool based = false;
    for (std::size_t i = 0; i < count_; ++i) {
      const std::uint64_t here = address(table, base, kind, i);
      if (here < before) return false;
      if (!based && is_code(here)) {
        if (kind != kallsyms_addresses::absolute && here != base) return false;
        based = true;
      } else if (!based && kind == kallsyms_addresses::absolute && word_ == 4) {
        return false;  // offsets, seen as addresses
      }
      before = here;
    }
    if (!based || before == address(table, base, kind, 0)) return false;
    out_.addresses_at = table;
    out_.kind = kind;
    base_ = base;
    return true;
  }

  result<kallsyms> decode(std::size_t at) {
    std::array<char, max_symbol_name + 1> text{};
    for (std::size_t i = 0; i < count_; ++i) {
      std::size_t length = 0;
      for (const std::byte code : take_name(at)) {
        const std::string_view token = tokens_[std::to_integer<std::size_t>(code)];
        if (token.size() > text.size() - length) return errc::limit_exceeded;
        length += token.copy(text.data() + length, token.size());
      }
      if (length == 0) return errc::malformed;
      const std::string_view name{text.data(), length};
      const status added = out_.symbols.add(virtual_address{address(out_.addresses_at, base_, out_.kind, i)},
                                            name[0], name.substr(1));
      if (added != status::ok) return make_error_code(added);
    }
    out_.symbols.finish();
    return std::move(out_);
  }

  bytes_view image_;
  const kallsyms_tokens& tokens_;
  std::size_t word_;
  std::size_t steps_ = 0;
  std::size_t count_ = 0;
  std::uint64_t base_ = 0;
  std::vector<std::size_t> marks_;
  kallsyms out_;
};

}  // namespace detail

/// Decodes the symbols whose tokens these are. not_found when no tables around them fit; limit_exceeded for
/// more work than a kernel's would be, and as symbol_table::add; malformed for a symbol without a letter.
[[nodiscard]] inline result<kallsyms> decode_kallsyms(bytes_view image, const kallsyms_tokens& tokens,
                                                      pointer_width width) {
  return detail::kallsyms_decoder{image, tokens, width}.run();
}

/// Decodes the first symbols in an image that can be. not_found when there are none,
/// limit_exceeded for more tables of tokens than are tried.
[[nodiscard]] inline result<kallsyms> decode_kallsyms(bytes_view image, pointer_width width) {
  std::size_t tried = 0;
  for (std::size_t at = 0; (at = find_kallsyms_digits(image, at)) != std::string_view::npos; ++at) {
    const auto tokens = kallsyms_tokens::at_digits(image, at, width);
    if (!tokens) continue;
    if (++tried > max_kallsyms_tokens) return errc::limit_exceeded;
    result<kallsyms> found = decode_kallsyms(image, *tokens, width);
    if (found) return found;
  }
  return errc::not_found;
}

}  // namespace shoal::vmi
