// SPDX-License-Identifier: BSL-1.0
//
// any_chunker: a chunker chosen at run time, by the names that `ipfs add --chunker` takes, and by one of our
// own.
//
//     result<any_chunker> chunker = any_chunker::parse("size-262144");
//
//     size-BYTES                                         pieces of that size
//     buzhash                                            128 to 512 KiB by content
//     rabin, rabin-AVERAGE, rabin-MIN-AVERAGE-MAX        by content; rabin-min:16-avg:64-max:256 is the same
//     with labels fastcdc-AVERAGE                                    by content, a quarter of the average to
//     four times as much default, or nothing                                size-262144
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <string_view>
#include <utility>
#include <variant>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/chunker/buzhash.hpp>
#include <shoal/content/chunker/chunker_error.hpp>
#include <shoal/content/chunker/concepts.hpp>
#include <shoal/content/chunker/fastcdc.hpp>
#include <shoal/content/chunker/fixed.hpp>
#include <shoal/content/chunker/rabin.hpp>

namespace shoal {

namespace detail {

/// What stands between the dashes of a chunker's name.
struct dashed {
  static constexpr std::size_t limit = 4;  // no chunker takes more

  explicit constexpr dashed(std::string_view text) noexcept {
    for (; count < limit; ++count) {
      const std::size_t dash = text.find('-');
      parts[count] = text.substr(0, dash);
      if (dash == text.npos) break;
      text.remove_prefix(dash + 1);
    }
    ++count;  // limit + 1 when something is left over
  }

  std::array<std::string_view, limit> parts{};
  std::size_t count = 0;
};

/// A number of bytes: digits, then K, M, KB, MB, KiB or MiB (powers of 1024) or nothing.
inline result<std::size_t> parse_chunk_size(std::string_view text) noexcept {
  std::size_t size = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, size);
  if (error == std::errc::result_out_of_range) return chunker_errc::chunk_too_long;
  if (error != std::errc{}) return chunker_errc::bad_number;
  std::string_view unit{rest, static_cast<std::size_t>(end - rest)};
  if (unit.empty()) return size;
  const int shift = unit[0] == 'K' || unit[0] == 'k' ? 10 : unit[0] == 'M' || unit[0] == 'm' ? 20 : 0;
  unit.remove_prefix(1);
  if (shift == 0 || !(unit.empty() || unit == "B" || unit == "iB")) return chunker_errc::bad_number;
  if (size > chunk_size_limit >> shift) return chunker_errc::chunk_too_long;
  return size << shift;
}

}  // namespace detail

/// One of the chunkers above. Copies are cheap beside the work of a chunk.
class any_chunker {
 public:
  /// Kubo's, for no name at all and for "default", in bytes.
  static constexpr std::size_t default_size = 256 << 10;

  explicit any_chunker(fixed_chunker chunker) noexcept : chunker_(chunker) {}
  explicit any_chunker(buzhash_chunker chunker) noexcept : chunker_(chunker) {}
  explicit any_chunker(rabin_chunker chunker) noexcept : chunker_(chunker) {}
  explicit any_chunker(fastcdc_chunker chunker) noexcept : chunker_(chunker) {}

  /// By the rules of boxo's chunker/parse.go, sizes with a unit (256K) added. Its "rabin-AVERAGE" below 48
  /// bytes, which there makes one chunk of any file, is an error here. A chunker_errc, whose message says what
  /// is allowed.
  [[nodiscard]] static result<any_chunker> parse(std::string_view text) noexcept {
    if (text.empty() || text == "default") return any_chunker{fixed_chunker{default_size}};
    const detail::dashed words{text};
    const std::string_view name = words.parts[0];
    if (name == "size") return parse_fixed(words);
    if (name == "buzhash") return any_chunker{buzhash_chunker{}};  // like Kubo, deaf to what follows
    if (name == "rabin") return parse_rabin(words);
    if (name == "fastcdc") return parse_fastcdc(words);
    return chunker_errc::unknown_name;
  }

  /// The names in one line, for a program's help.
  [[nodiscard]] static constexpr std::string_view help() noexcept {
    return "size-BYTES (up to 2096896), buzhash, rabin, rabin-AVERAGE, rabin-MIN-AVERAGE-MAX, fastcdc-AVERAGE "
           "(256 bytes "
           "to 1M), default (size-262144)";
  }

  [[nodiscard]] std::size_t max_size() const noexcept {
    return std::visit([](const auto& c) { return c.max_size(); }, chunker_);
  }
  [[nodiscard]] std::size_t next_cut(bytes_view window, bool at_end) const noexcept {
    return std::visit([&](const auto& c) { return c.next_cut(window, at_end); }, chunker_);
  }

 private:
  static constexpr std::size_t greatest_fastcdc_average = 1 << 20;

  static result<any_chunker> parse_fixed(const detail::dashed& words) noexcept {
    if (words.count != 2) return chunker_errc::bad_form;
    const result<std::size_t> size = detail::parse_chunk_size(words.parts[1]);
    if (!size) return size.error();
    if (*size == 0) return chunker_errc::chunk_too_short;
    if (*size > chunk_size_limit) return chunker_errc::chunk_too_long;
    return any_chunker{fixed_chunker{*size}};
  }

  static result<any_chunker> parse_rabin(const detail::dashed& words) noexcept {
    if (words.count == 1)
      return any_chunker{rabin_chunker{rabin_chunker::around(rabin_chunker::default_average)}};
    if (words.count == 4) return parse_rabin_sizes(words);
    if (words.count != 2) return chunker_errc::bad_form;
    const result<std::size_t> average = detail::parse_chunk_size(words.parts[1]);
    if (!average) return average.error();
    if (*average > chunk_size_limit) return chunker_errc::chunk_too_long;
    const chunk_sizes sizes = rabin_chunker::around(*average);
    if (sizes.maximum > chunk_size_limit) return chunker_errc::chunk_too_long;
    if (sizes.minimum < rabin_chunker::least_minimum) return chunker_errc::average_too_small;
    return any_chunker{rabin_chunker{sizes}};
  }

  static result<any_chunker> parse_rabin_sizes(const detail::dashed& words) noexcept {
    static constexpr std::array<std::string_view, 3> labels{"min", "avg", "max"};
    std::array<std::size_t, 3> sizes{};
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      std::string_view number = words.parts[i + 1];
      if (const std::size_t colon = number.find(':'); colon != number.npos) {
        if (number.substr(0, colon) != labels[i]) return chunker_errc::bad_label;
        number.remove_prefix(colon + 1);
      }
      const result<std::size_t> size = detail::parse_chunk_size(number);
      if (!size) return size.error();
      sizes[i] = *size;
    }
    if (sizes[0] < rabin_chunker::least_minimum) return chunker_errc::minimum_too_small;
    if (sizes[0] >= sizes[1] || sizes[1] >= sizes[2]) return chunker_errc::wrong_order;
    if (sizes[2] > chunk_size_limit) return chunker_errc::chunk_too_long;
    return any_chunker{rabin_chunker{{sizes[0], sizes[1], sizes[2]}}};
  }

  static result<any_chunker> parse_fastcdc(const detail::dashed& words) noexcept {
    if (words.count != 2) return chunker_errc::bad_form;
    const result<std::size_t> average = detail::parse_chunk_size(words.parts[1]);
    if (!average) return average.error();
    if (*average < fastcdc_chunker::least_average || *average > greatest_fastcdc_average) {
      return chunker_errc::average_out_of_range;
    }
    return any_chunker{fastcdc_chunker{{*average / 4, *average, std::min(4 * *average, chunk_size_limit)}}};
  }

  std::variant<fixed_chunker, buzhash_chunker, rabin_chunker, fastcdc_chunker> chunker_;
};
static_assert(chunker<any_chunker>);

}  // namespace shoal
