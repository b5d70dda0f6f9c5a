// SPDX-License-Identifier: BSL-1.0
//
// chunker_errc: what is wrong with the name of a chunker, as std::error_code values of the category
// "shoal.chunker". Each message says what is allowed instead.
//
//     const result<any_chunker> chunker = any_chunker::parse(text);
//     if (!chunker) std::cerr << text << ": " << chunker.error().message() << '\n';
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>

namespace shoal {

/// Longest chunk that a name may ask for, in bytes: Bitswap's limit of 2 MiB on a block, less what dag-pb and
/// UnixFS may put around the bytes of a file (boxo, chunker/parse.go, ChunkSizeLimit).
inline constexpr std::size_t chunk_size_limit = (2u << 20) - 256;

enum class chunker_errc {
  unknown_name = 1,      ///< there is no chunker of that name
  bad_number,            ///< a parameter is not a number of bytes
  bad_form,              ///< too many parameters, or too few
  bad_label,             ///< "min:", "avg:" and "max:" are in another order, or are other words
  chunk_too_short,       ///< a size of 0
  chunk_too_long,        ///< a maximum past chunk_size_limit
  minimum_too_small,     ///< rabin has to see 16 bytes before it cuts
  average_too_small,     ///< rabin's average, of which the minimum is a third
  wrong_order,           ///< not minimum < average < maximum
  average_out_of_range,  ///< fastcdc's average
};

namespace detail {

class chunker_category final : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "shoal.chunker"; }

  [[nodiscard]] std::string message(int value) const override {
    switch (static_cast<chunker_errc>(value)) {
      case chunker_errc::unknown_name:
        return "no such chunker; there are size-BYTES, buzhash, rabin, rabin-AVERAGE, rabin-MIN-AVERAGE-MAX, "
               "fastcdc-AVERAGE and default";
      case chunker_errc::bad_number:
        return "a size is a whole number of bytes, KiB or MiB, such as 262144, 256K or 256KiB";
      case chunker_errc::bad_form:
        return "wrong number of sizes; write size-BYTES, rabin, rabin-AVERAGE, rabin-MIN-AVERAGE-MAX or "
               "fastcdc-AVERAGE";
      case chunker_errc::bad_label:
        return "wrong label; write rabin-min:SIZE-avg:SIZE-max:SIZE, or the three sizes without labels";
      case chunker_errc::chunk_too_short: return "a chunk has at least 1 byte";
      case chunker_errc::chunk_too_long:
        return "chunks would exceed " + std::to_string(chunk_size_limit) +
               " bytes, the longest that fits a block; note that rabin-AVERAGE makes chunks of 1.5 times the "
               "average";
      case chunker_errc::minimum_too_small: return "rabin's minimum is at least 16 bytes";
      case chunker_errc::average_too_small:
        return "rabin's average is at least 48 bytes, as the minimum is a third of it and at least 16";
      case chunker_errc::wrong_order:
        return "the sizes must grow: the minimum is smaller than the average, and that is smaller than the "
               "maximum";
      case chunker_errc::average_out_of_range: return "fastcdc's average is 256 bytes to 1 MiB";
    }
    return "unknown chunker error " + std::to_string(value);
  }
};

}  // namespace detail

/// The category of every chunker_errc. As with shoal::error_category, compare codes with `==` and not
/// categories by address.
[[nodiscard]] inline const std::error_category& chunker_error_category() noexcept {
  static const detail::chunker_category instance;
  return instance;
}

[[nodiscard]] inline std::error_code make_error_code(chunker_errc code) noexcept {
  return {static_cast<int>(code), chunker_error_category()};
}

[[nodiscard]] inline bool operator==(const std::error_code& code, chunker_errc expected) noexcept {
  return code.value() == static_cast<int>(expected) &&
         std::string_view{code.category().name()} == chunker_error_category().name();
}

}  // namespace shoal

template <>
struct std::is_error_code_enum<shoal::chunker_errc> : std::true_type {};
