// SPDX-License-Identifier: BSL-1.0
#include <shoal/hal/replay_gpio.hpp>

#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/base/status.hpp>
#include <shoal/hal/access_filter.hpp>
#include <shoal/hal/access_record.hpp>
#include <shoal/hal/gpio_chip.hpp>
#include <shoal/hal/recording_gpio.hpp>
#include <shoal/hal/replay_script.hpp>
#include <shoal/hal/simulated_chip.hpp>

#include "records.hpp"

using namespace shoal::hal;
using shoal::status;

namespace {

/// Presses the button between the looks of a program; a replay has it in the recording.
template <class Chip>
std::uint64_t program(Chip& chip, simulated_chip<8>* outside, bool last_level) {
  std::uint64_t seen = 0;
  for (const std::uint32_t line : {1u, 2u, 5u}) {
    static_cast<void>(chip.request(line, {.direction = gpio_direction::output}));
  }
  static_cast<void>(chip.request(4, {.edges = gpio_edge::both}));
  for (int i = 0; i < 6; ++i) {
    if (outside != nullptr && i % 2 == 1) outside->drive(4, i % 4 == 1);
    gpio_event event;
    while (chip.next_event(event)) seen = 10 * seen + static_cast<std::uint64_t>(event.edge);
    static_cast<void>(chip.write_lines(1, 0b10011, seen));
    const auto levels = chip.read_lines(1, 0b11011);
    seen = 10 * seen + *levels % 10;
    const auto level = chip.read(4);
    seen = 10 * seen + (*level ? 7 : 3);
  }
  static_cast<void>(chip.write(5, last_level));
  static_cast<void>(chip.release(4));
  return seen;
}

struct recorded {
  std::vector<access_record> records;
  std::uint64_t seen;
};

recorded record_program() {
  simulated_chip<8> chip;
  kept_records kept;
  recording_gpio watched{chip, every_access{}, kept};
  const std::uint64_t seen = program(watched, &chip, true);
  return {kept.records, seen};
}

}  // namespace

TEST_CASE("a program meets the chip that it met then, edges included") {
  const recorded then = record_program();
  std::vector<replay_difference> found;
  replay_script script{then.records, kept_differences{&found}};
  replay_gpio chip{script, 8, {.edges = true}};
  CHECK(chip.line_count() == 8);
  CHECK(chip.features() == gpio_features{.edges = true});
  CHECK(program(chip, nullptr, true) == then.seen);
  script.finish();
  CHECK(found.empty());
}

TEST_CASE("a program that does something else is told where") {
  const recorded then = record_program();
  std::vector<replay_difference> found;
  replay_script script{then.records, kept_differences{&found}};
  replay_gpio chip{script, 8, {.edges = true}};
  program(chip, nullptr, false);
  script.finish();
  REQUIRE(found.size() == 1);
  CHECK(found[0].fault == replay_fault::value);
  CHECK(found[0].index == then.records.size() - 2);
  CHECK(found[0].expected.value == 1);
  CHECK(found[0].got.value == 0);
}

TEST_CASE("lines that the chip did not have are out of range and no difference") {
  std::vector<replay_difference> found;
  replay_script script{{}, kept_differences{&found}};
  replay_gpio chip{script, 4, {}};
  CHECK(chip.request(4, {}) == status::out_of_range);
  CHECK(chip.read(UINT32_MAX).code == status::out_of_range);
  CHECK(chip.write_lines(4, 1, 1) == status::out_of_range);
  CHECK(found.empty());
  CHECK(chip.write(0, true) == status::failed);
  CHECK(chip.read(0).code == status::failed);
  gpio_event event;
  CHECK_FALSE(chip.next_event(event));
  CHECK(found.size() == 2);
}
