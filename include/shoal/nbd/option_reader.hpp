// SPDX-License-Identifier: BSL-1.0
//
// option_reader: takes the fields of an option's data one by one, and says at the end whether they were all
// there.
//
//     option_reader read{data};
//     const std::string_view name = read.text();
//     const auto count = read.integer<std::uint16_t>();
//     if (!read.finished()) refuse();
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/nbd/wire.hpp>

namespace shoal::nbd {

/// After a failure every field is empty or 0. Texts are views of the data.
class option_reader {
 public:
  explicit option_reader(bytes_view data) noexcept : rest_(data) {}

  template <std::unsigned_integral T>
  T integer() noexcept {
    if (failed_ || rest_.size() < sizeof(T)) {
      failed_ = true;
      return 0;
    }
    const T value = load_be<T>(rest_.data());
    rest_ = rest_.subspan(sizeof(T));
    return value;
  }

  /// A 32-bit length and that many bytes, at most max_string.
  std::string_view text() noexcept {
    const std::size_t length = integer<std::uint32_t>();
    if (failed_ || length > max_string || length > rest_.size()) {
      failed_ = true;
      return {};
    }
    const bytes_view bytes = rest_.first(length);
    rest_ = rest_.subspan(length);
    return as_text(bytes);
  }

  [[nodiscard]] bool failed() const noexcept { return failed_; }
  /// True when every field was there and nothing follows.
  [[nodiscard]] bool finished() const noexcept { return !failed_ && rest_.empty(); }

 private:
  bytes_view rest_;
  bool failed_ = false;
};

}  // namespace shoal::nbd
