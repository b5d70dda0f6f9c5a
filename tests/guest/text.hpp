// SPDX-License-Identifier: BSL-1.0
//
// Text of guests: numbers in it, and lines of it. Freestanding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

/// A number as it is written.
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

/// Prints texts and numbers, and ends the line. @param here  a guest::machine
template <class Machine, class... Parts>
void print(Machine& here, const Parts&... parts) {
  const auto one = [&here](const auto& part) {
    if constexpr (requires { std::string_view{part}; }) {
      here.write(part);
    } else {
      here.write(decimal{part}.text());
    }
  };
  (one(parts), ...);
  here.write(std::string_view{"\n", 1});
}

/// Takes the next word out of a line.
inline std::string_view next_word(std::string_view& line) {
  std::size_t size = 0;
  while (size < line.size() && line[size] != ' ') ++size;
  const std::string_view taken = line.substr(0, size);
  line.remove_prefix(size < line.size() ? size + 1 : size);
  return taken;
}
/// The same, as a number: digits only.
inline std::uint64_t next_number(std::string_view& line) {
  std::uint64_t value = 0;
  for (const char c : next_word(line)) value = value * 10 + static_cast<std::uint64_t>(c - '0');
  return value;
}
