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

/// The first lines of a simulated chip: how many is known only when the program runs.
class simulated_lines {
 public:
  static constexpr std::uint32_t most = 64;
  using chip = shoal::hal::simulated_chip<most, steady_nanoseconds>;

  explicit simulated_lines(std::uint32_t lines) noexcept : lines_(lines) {}
  /// Somebody presses this line's switch after so many nanoseconds, releases it after as many more, and so on.
  void add_switch(std::uint32_t line, std::uint64_t every) { switches_.push_back({line, every}); }
  [[nodiscard]] chip& all() noexcept { return chip_; }

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
    press();
    return chip_.read(line);
  }
  shoal::status write(std::uint32_t line, bool level) noexcept {
    return line < lines_ ? chip_.write(line, level) : shoal::status::out_of_range;
  }
  bool next_event(shoal::hal::gpio_event& event) noexcept {
    press();
    return chip_.next_event(event);
  }
  [[nodiscard]] std::uint64_t lost_events() const noexcept { return chip_.lost_events(); }
  [[nodiscard]] std::string_view line_name(std::uint32_t line) const noexcept { return chip_.line_name(line); }

 private:
  struct pressed_line {
    std::uint32_t line;
    std::uint64_t every;
  };

  /// As it would be by now.
  void press() noexcept {
    for (const pressed_line& each : switches_) {
      chip_.drive(each.line, (steady_nanoseconds{}() - start_) / each.every % 2 != 0);
    }
  }

  chip chip_{steady_nanoseconds{}};
  std::uint32_t lines_;
  std::uint64_t start_ = steady_nanoseconds{}();
  std::vector<pressed_line> switches_;
};

/// @param text  LINES[?names=A,B][&wires=FROM-TO,...][&press=LINE/DURATION,...]: what is driven on FROM arrives
/// at TO
/// @throws failure
inline std::unique_ptr<simulated_lines> open_simulated_lines(std::string_view text) {
  using shoal::monitor::parse_number;
  const failure wrong{"'sim:" + std::string{text} + "' is not a simulated chip",
                      "write sim:8, or sim:8?names=led,button&wires=0-1&press=2/100ms; it has at most 64 lines",
                      exit_usage};
  const std::size_t query = text.find('?');
  const std::optional<std::uint64_t> lines = parse_number(text.substr(0, query));
  if (!lines || *lines == 0 || *lines > simulated_lines::most) throw wrong;
  auto made = std::make_unique<simulated_lines>(static_cast<std::uint32_t>(*lines));
  for (const std::string_view option : split(query == text.npos ? "" : text.substr(query + 1), '&')) {
    if (option.starts_with("names=")) {
      std::uint32_t line = 0;
      for (const std::string_view name : split(option.substr(6), ',')) {
        if (line == *lines) throw wrong;
        made->all().set_name(line++, name);
      }
    } else if (option.starts_with("wires=")) {
      for (const std::string_view wire : split(option.substr(6), ',')) {
        const std::size_t dash = wire.find('-');
        if (dash == wire.npos) throw wrong;
        const std::optional<std::uint64_t> from = parse_number(wire.substr(0, dash));
        const std::optional<std::uint64_t> to = parse_number(wire.substr(dash + 1));
        if (!from || !to || *from >= *lines || *to >= *lines) throw wrong;
        made->all().connect(static_cast<std::uint32_t>(*from), static_cast<std::uint32_t>(*to));
      }
    } else if (option.starts_with("press=")) {
      for (const std::string_view press : split(option.substr(6), ',')) {
        const std::size_t slash = std::min(press.find('/'), press.size());
        const std::optional<std::uint64_t> line = parse_number(press.substr(0, slash));
        const auto every = shoal::monitor::parse_duration(press.substr(std::min(slash + 1, press.size())));
        if (!line || !every || *line >= *lines) throw wrong;
        made->add_switch(static_cast<std::uint32_t>(*line), *every);
      }
    } else {
      throw wrong;
    }
  }
  return made;
}

}  // namespace common
