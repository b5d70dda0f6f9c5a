// SPDX-License-Identifier: BSL-1.0
//
// Reads a line, or writes one, again and again, for measurements: "read N", "write N", on any board.
#include <cstdint>
#include <string_view>

#include <shoal/base/status.hpp>
#include <shoal/hal/gpio_chip.hpp>

#include "board.hpp"
#include "text.hpp"

using namespace shoal;
using namespace std::string_view_literals;

int run(board& here) {
  constexpr std::uint32_t in = 17;
  constexpr std::uint32_t out = 25;
  std::string_view line = here.command_line();
  const bool reads = next_word(line) == "read"sv;
  const std::uint64_t count = next_number(line);
  auto& lines = here.lines();
  if (lines.request(in, {}) != status::ok) return 1;
  if (lines.request(out, {.direction = hal::gpio_direction::output}) != status::ok) return 1;
  for (std::uint64_t i = 0; i < count; ++i) {
    const status done = reads ? lines.read(in).code : lines.write(out, i % 2 == 0);
    if (done != status::ok) return 2;
  }
  return 0;
}
