// SPDX-License-Identifier: BSL-1.0
//
// What clients of 'serve' say, a line each: "plist guest0", "ids --json check guest0", "guests", "help".
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "commands.hpp"
#include "keeper.hpp"

/// Makes lines of bytes as they come.
class line_reader {
 public:
  static constexpr std::size_t max_line = 1024;

  /// False when a line is longer than that: there is nothing to do with such a client.
  [[nodiscard]] bool put(std::string_view bytes);
  /// The stream has ended: what is left is a line, too.
  void end();

  [[nodiscard]] bool has_line() const noexcept { return !lines_.empty(); }
  /// Without its end. @pre has_line()
  [[nodiscard]] std::string take();

 private:
  std::string part_;
  std::deque<std::string> lines_;
};

/// What a line asks for.
struct request {
  enum class verb : std::uint8_t {
    nothing,  ///< the line is empty
    told,     ///< what is told at once: help, or what is wrong with the line
    look,     ///< what a guest says: `wanted`
    guests,
    alerts,
    watch,  ///< alerts as they come, of the guest that `wanted` names, or all
    quit,
  };
  verb what = verb::nothing;
  action wanted;
  double watch_for = 0;  ///< seconds; 0: as long as the client is there
  answer told;
};

/// Never throws: what is wrong is told.
[[nodiscard]] request parse_line(std::string line);
