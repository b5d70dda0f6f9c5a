// SPDX-License-Identifier: BSL-1.0
#include <shoal/hal/gpio_latched_edges.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

#include <doctest/doctest.h>

#include <shoal/hal/gpio_chip.hpp>
#include <shoal/hal/gpio_line_table.hpp>

using namespace shoal::hal;

namespace {

// One line whose level changes while it is looked at: at each look the next step, until there are none.
struct restless {
  std::array<bool, 8> changes{};
  std::size_t step = 0;
  bool level = false;
  bool latched = false;

  void look() {
    if (step == changes.size() || !changes[step++]) return;
    level = !level;
    latched = true;
  }
  std::uint64_t take() {
    look();
    const bool was = latched;
    latched = false;
    return was ? 1 : 0;
  }
  std::uint64_t levels() {
    look();
    return level ? 1 : 0;
  }
};

}  // namespace

TEST_CASE("an edge while the hardware is looked at is one event, and events alternate") {
  for (unsigned pattern = 0; pattern < 256; ++pattern) {
    CAPTURE(pattern);
    restless line;
    int changes = 0;
    for (std::size_t i = 0; i < 8; ++i) {
      line.changes[i] = (pattern >> i & 1) != 0;
      changes += line.changes[i] ? 1 : 0;
    }
    gpio_line_table<1> lines;
    lines.take(0, {.edges = gpio_edge::both});
    gpio_latched_edges edges;
    edges.start(0, false);
    for (int poll = 0; poll < 8; ++poll) {
      edges.poll(lines, 0, [&] { return line.take(); }, [&] { return line.levels(); });
    }
    int events = 0;
    bool level = false;
    gpio_event event;
    while (edges.pop(event)) {
      CHECK((event.edge == gpio_edge::rising) == !level);
      level = !level;
      ++events;
    }
    CHECK(level == line.level);
    CHECK(events <= changes);
  }
}

TEST_CASE("a line that never rests does not hold up a poll") {
  gpio_line_table<1> lines;
  lines.take(0, {.edges = gpio_edge::rising});
  gpio_latched_edges edges;
  int looks = 0;
  edges.poll(lines, 0, [&] { return ++looks > 0 ? std::uint64_t{1} : 0; }, [] { return std::uint64_t{1}; });
  CHECK(looks < 10);
  gpio_event event;
  CHECK(edges.pop(event));
  CHECK_FALSE(edges.pop(event));
}
