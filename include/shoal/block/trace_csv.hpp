// SPDX-License-Identifier: BSL-1.0
//
// trace_csv: an observer that writes one line a request, as traces of booting machines are kept.
//
//     std::ofstream file("boot.csv");
//     logged disk{std::move(image), trace_csv{file}};
//
//     offset,length,time,op
//     0,4096,0.000000,Read
//     12288,4096,0.006225,Read
//
// Offsets and lengths in bytes, time in seconds since the first request.
#pragma once

#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string_view>

#include <shoal/block/filter/logged.hpp>

namespace shoal {

/// The name of an operation in a trace.
[[nodiscard]] constexpr std::string_view name_of(io_operation operation) noexcept {
  switch (operation) {
    case io_operation::read: return "Read";
    case io_operation::write: return "Write";
    case io_operation::flush: return "Flush";
    case io_operation::trim: return "Trim";
    case io_operation::zero: return "Zero";
    case io_operation::extents: return "Extents";
    case io_operation::cache: return "Cache";
  }
  return "Unknown";
}

/// Writes requests as comma-separated values, after a line of column names.
class trace_csv {
 public:
  /// @param out  must outlive the observer; what goes wrong with it is its own to tell
  explicit trace_csv(std::ostream& out) : out_(&out) { out << "offset,length,time,op\n"; }

  void operator()(const io_event& event) {
    if (!first_) first_ = event.time;
    const auto elapsed = std::chrono::duration_cast<std::chrono::microseconds>(event.time - *first_).count();
    const auto micros = static_cast<std::uint64_t>(elapsed < 0 ? 0 : elapsed);
    // By hand and not by <<: the stream's locale and width are not ours to change.
    char* at = number(line_.data(), event.offset);
    *at++ = ',';
    at = number(at, event.length);
    *at++ = ',';
    at = number(at, micros / 1000000);
    *at++ = '.';
    std::uint64_t fraction = micros % 1000000;
    for (int digit = 5; digit >= 0; --digit, fraction /= 10) at[digit] = static_cast<char>('0' + fraction % 10);
    at += 6;
    *at++ = ',';
    out_->write(line_.data(), at - line_.data());
    *out_ << name_of(event.operation) << '\n';
  }

 private:
  char* number(char* at, std::uint64_t value) noexcept {
    return std::to_chars(at, line_.data() + line_.size(), value).ptr;
  }

  std::ostream* out_;
  std::optional<std::chrono::steady_clock::time_point> first_;
  std::array<char, 80> line_{};  // three numbers of at most 20 digits, six decimals and punctuation
};

static_assert(io_observer<trace_csv>);

}  // namespace shoal
