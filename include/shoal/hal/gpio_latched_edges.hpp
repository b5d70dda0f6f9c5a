// SPDX-License-Identifier: BSL-1.0
//
// gpio_latched_edges: events out of hardware that keeps one bit a line, "there was an edge", until it is
// cleared. For drivers that ask for it (poll) in place of an interrupt. Freestanding.
//
//     edges_.poll(lines_, clock_(), [&] { return take_latched(); }, [&] { return levels(); });
//
// The hardware does not say how many edges there were, nor which: with both of them asked for, a line that is
// at another level than before had one, and one that is at the same level had two. What came between two polls
// beyond that is lost, uncounted; the time is that of the poll. Belongs to one strand.
#pragma once

#include <cstdint>

#include <shoal/hal/gpio_chip.hpp>
#include <shoal/hal/gpio_event_queue.hpp>
#include <shoal/hal/gpio_line_table.hpp>

namespace shoal::hal {

/// Of a chip with up to 64 lines; a bit a line.
class gpio_latched_edges {
 public:
  /// A line is from now on compared with this physical level.
  constexpr void start(std::uint32_t line, bool level) noexcept {
    const std::uint64_t bit = std::uint64_t{1} << line;
    before_ = level ? before_ | bit : before_ & ~bit;
  }

  /// @param take    gives the latched bits, of lines with edges, and clears them
  /// @param levels  gives the physical levels
  template <std::uint32_t Lines, class Take, class Levels>
  constexpr void poll(const gpio_line_table<Lines>& lines, std::uint64_t time, Take take,
                      Levels levels) noexcept {
    static_assert(Lines <= 64);
    std::uint64_t latched = take();
    if (latched == 0) return;
    // An edge between taking and looking would be counted now, by its level, and again at the next poll, by its
    // bit. So look until nothing happened meanwhile; a line that never rests must not hold us here.
    std::uint64_t now = levels();
    for (int again = 0; again < 4; ++again) {
      const std::uint64_t meanwhile = take();
      if (meanwhile == 0) break;
      latched |= meanwhile;
      now = levels();
    }
    for (std::uint32_t line = 0; line < Lines; ++line) {
      if ((latched >> line & 1) != 0) report(line, lines[line], (now >> line & 1) != 0, time);
    }
    before_ = (before_ & ~latched) | (now & latched);
  }

  constexpr bool pop(gpio_event& event) noexcept { return events_.pop(event); }
  [[nodiscard]] constexpr std::uint64_t lost() const noexcept { return events_.lost(); }

 private:
  constexpr void report(std::uint32_t line, const gpio_config& config, bool level,
                        std::uint64_t time) noexcept {
    gpio_edge edge = config.edges;
    if (edge == gpio_edge::both) {
      edge = level != config.active_low ? gpio_edge::rising : gpio_edge::falling;
      if (level == ((before_ >> line & 1) != 0)) {
        const gpio_edge away = edge == gpio_edge::rising ? gpio_edge::falling : gpio_edge::rising;
        events_.push({.line = line, .edge = away, .time = time});
      }
    }
    if (edge != gpio_edge::none) events_.push({.line = line, .edge = edge, .time = time});
  }

  std::uint64_t before_ = 0;
  gpio_event_queue<> events_;
};

/// Edges of the logical level, as the hardware sees them.
[[nodiscard]] constexpr bool has_physical_rising(const gpio_config& config) noexcept {
  return has(config.edges, config.active_low ? gpio_edge::falling : gpio_edge::rising);
}
[[nodiscard]] constexpr bool has_physical_falling(const gpio_config& config) noexcept {
  return has(config.edges, config.active_low ? gpio_edge::rising : gpio_edge::falling);
}

}  // namespace shoal::hal
