// SPDX-License-Identifier: BSL-1.0
//
// The same lines for a process of Linux: a guest's program as an ordinary one. PROGRAM URI [WORDS]
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string_view>
#include <thread>

#include "../../../examples/common/gpio_chips.hpp"

class board {
 public:
  board(const char* uri, const char* words)
      : lines_(common::open_gpio_chip(uri, "guest")), command_line_(words) {}

  /// Nanoseconds.
  void wait(std::uint64_t time) const { std::this_thread::sleep_for(std::chrono::nanoseconds{time}); }
  [[nodiscard]] std::string_view command_line() const noexcept { return command_line_; }
  auto& lines() noexcept { return lines_; }

 private:
  common::any_gpio_chip lines_;
  std::string_view command_line_;
};

/// The program: returns what the process exits with.
int run(board& here);

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s GPIO-URI [WORDS]\n", argv[0]);
    return common::exit_usage;
  }
  return common::guarded(argv[0], [&] {
    board here{argv[1], argc > 2 ? argv[2] : ""};
    return run(here);
  });
}
