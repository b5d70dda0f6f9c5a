// SPDX-License-Identifier: BSL-1.0
//
// decimal: numbers as text, for guests. Freestanding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

class decimal {
 public:
  explicit decimal(std::uint64_t number) noexcept {
    do {
      digits_[--first_] = static_cast<char>('0' + number % 10);
      number /= 10;
    } while (number != 0);
  }
  [[nodiscard]] std::string_view text() const noexcept { return {digits_ + first_, sizeof digits_ - first_}; }

 private:
  char digits_[20];
  std::size_t first_ = sizeof digits_;
};
