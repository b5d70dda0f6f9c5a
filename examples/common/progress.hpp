// SPDX-License-Identifier: BSL-1.0
//
// A progress bar on standard error, drawn only when that is a terminal, at most ten times a second.
//
//     progress bar{"importing", total};
//     bar.at(done);
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

#include <unistd.h>

#include "size.hpp"

namespace common {

class progress {
 public:
  using clock = std::chrono::steady_clock;

  progress(std::string what, std::uint64_t total, bool wanted = true)
      : what_(std::move(what)), total_(total), shown_(wanted && isatty(STDERR_FILENO) != 0) {}
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;
  ~progress() {
    if (drawn_) std::fputs("\r\033[K", stderr);
  }

  void at(std::uint64_t done) {
    if (!shown_) return;
    const auto now = clock::now();
    if (now - last_ < std::chrono::milliseconds{100}) return;
    last_ = now;
    drawn_ = true;
    constexpr int width = 30;
    const double share = total_ == 0 ? 1 : static_cast<double>(done) / static_cast<double>(total_);
    const double seconds = std::chrono::duration<double>(now - start_).count();
    const int filled = static_cast<int>(share * width);
    const std::string bar = std::string(static_cast<std::size_t>(filled), '#') +
                            std::string(static_cast<std::size_t>(width - filled), '.');
    const std::string rate = format_size(static_cast<std::uint64_t>(static_cast<double>(done) / seconds));
    std::fprintf(stderr, "\r\033[K%s [%s] %3.0f%%  %s of %s, %s/s", what_.c_str(), bar.c_str(), 100 * share,
                 format_size(done).c_str(), format_size(total_).c_str(), rate.c_str());
  }

 private:
  std::string what_;
  std::uint64_t total_;
  bool shown_;
  bool drawn_ = false;
  clock::time_point start_ = clock::now();
  clock::time_point last_{};
};

}  // namespace common
