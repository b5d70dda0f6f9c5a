// SPDX-License-Identifier: BSL-1.0
//
// simulated_lines: a simulated GPIO chip with as many lines as a URI says, names, wires between them, and
// somebody who presses and releases switches.
//
//     common::open_simulated_lines("8?names=led,button&wires=0-1&press=2/100ms");
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <shoal/hal/gpio_chip.hpp>
#include <shoal/hal/simulated_chip.hpp>
#include <shoal/monitor/quantity_text.hpp>

#include "message.hpp"
#include "split.hpp"

namespace common {

/// The clock of chips whose hardware has none.
struct steady_nanoseconds {
  std::uint64_t operator()() const noexcept {
    const std::chrono::nanoseconds now = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(now.count());
  }
};

/// What sim: says of a chip and of what is around it.
struct simulated_board {
  static constexpr std::uint32_t most_lines = 64;

  struct wire {
    std::uint32_t from;
    std::uint32_t to;
  };
  struct pressed_line {
    std::uint32_t line;
    std::uint64_t every;  ///< nanoseconds after which its switch is pressed, then released, and so on
  };

  std::uint32_t lines = 0;
  std::vector<std::string> names;
  std::vector<wire> wires;
  std::vector<pressed_line> switches;
};

/// The switches of a board, which somebody presses from now on.
class pressed_switches {
 public:
  explicit pressed_switches(std::vector<simulated_board::pressed_line> switches)
      : switches_(std::move(switches)) {}

  /// Tells what hangs at the lines as it would be by now. @param outside  has drive(line, level)
  template <class Outside>
  void press(Outside& outside) const noexcept {
    for (const simulated_board::pressed_line& each : switches_) {
      outside.drive(each.line, (steady_nanoseconds{}() - start_) / each.every % 2 != 0);
    }
  }

 private:
  std::vector<simulated_board::pressed_line> switches_;
  std::uint64_t start_ = steady_nanoseconds{}();
};

/// The first lines of a simulated chip: how many is known only when the program runs.
class simulated_lines {
 public:
  explicit simulated_lines(const simulated_board& board) : lines_(board.lines), switches_(board.switches) {
    for (std::uint32_t line = 0; const std::string& name : board.names) chip_.set_name(line++, name);
    for (const simulated_board::wire& each : board.wires) chip_.connect(each.from, each.to);
  }

  [[nodiscard]] std::uint32_t line_count() const noexcept { return lines_; }
  [[nodiscard]] shoal::hal::gpio_features features() const noexcept { return chip_.features(); }
  shoal::status request(std::uint32_t line, const shoal::hal::gpio_config& config) noexcept {
    return line < lines_ ? chip_.request(line, config) : shoal::status::out_of_range;
  }
  shoal::status release(std::uint32_t line) noexcept {
    return line < lines_ ? chip_.release(line) : shoal::status::out_of_range;
  }
  shoal::status_or<bool> read(std::uint32_t line) noexcept {
    if (line >= lines_) return shoal::status::out_of_range;
    switches_.press(chip_);
    return chip_.read(line);
  }
  shoal::status write(std::uint32_t line, bool level) noexcept {
    return line < lines_ ? chip_.write(line, level) : shoal::status::out_of_range;
  }
  bool next_event(shoal::hal::gpio_event& event) noexcept {
    switches_.press(chip_);
    return chip_.next_event(event);
  }
  [[nodiscard]] std::uint64_t lost_events() const noexcept { return chip_.lost_events(); }
  [[nodiscard]] std::string_view line_name(std::uint32_t line) const noexcept { return chip_.line_name(line); }

 private:
  shoal::hal::simulated_chip<simulated_board::most_lines, steady_nanoseconds> chip_{steady_nanoseconds{}};
  std::uint32_t lines_;
  pressed_switches switches_;
};

/// @param text  LINES[?names=A,B][&wires=FROM-TO,...][&press=LINE/DURATION,...]: what is driven on FROM arrives
/// at TO
/// @throws failure
inline simulated_board parse_simulated_board(std::string_view text) {
  using shoal::monitor::parse_number;
  const failure wrong{"'sim:" + std::string{text} + "' is not a simulated chip",
                      "write sim:8, or sim:8?names=led,button&wires=0-1&press=2/100ms; it has at most 64 lines",
                      exit_usage};
  const std::size_t query = text.find('?');
  const std::optional<std::uint64_t> lines = parse_number(text.substr(0, query));
  if (!lines || *lines == 0 || *lines > simulated_board::most_lines) throw wrong;
  simulated_board board{.lines = static_cast<std::uint32_t>(*lines), .names = {}, .wires = {}, .switches = {}};
  for (const std::string_view option : split(query == text.npos ? "" : text.substr(query + 1), '&')) {
    if (option.starts_with("names=")) {
      for (const std::string_view name : split(option.substr(6), ',')) board.names.emplace_back(name);
      if (board.names.size() > *lines) throw wrong;
    } else if (option.starts_with("wires=")) {
      for (const std::string_view wire : split(option.substr(6), ',')) {
        const std::size_t dash = wire.find('-');
        if (dash == wire.npos) throw wrong;
        const std::optional<std::uint64_t> from = parse_number(wire.substr(0, dash));
        const std::optional<std::uint64_t> to = parse_number(wire.substr(dash + 1));
        if (!from || !to || *from >= *lines || *to >= *lines) throw wrong;
        board.wires.push_back({static_cast<std::uint32_t>(*from), static_cast<std::uint32_t>(*to)});
      }
    } else if (option.starts_with("press=")) {
      for (const std::string_view press : split(option.substr(6), ',')) {
        const std::size_t slash = std::min(press.find('/'), press.size());
        const std::optional<std::uint64_t> line = parse_number(press.substr(0, slash));
        const auto every = shoal::monitor::parse_duration(press.substr(std::min(slash + 1, press.size())));
        if (!line || !every || *line >= *lines) throw wrong;
        board.switches.push_back({static_cast<std::uint32_t>(*line), *every});
      }
    } else {
      throw wrong;
    }
  }
  return board;
}
/// The same, as a chip. @throws failure
inline std::unique_ptr<simulated_lines> open_simulated_lines(std::string_view text) {
  return std::make_unique<simulated_lines>(parse_simulated_board(text));
}

}  // namespace common
