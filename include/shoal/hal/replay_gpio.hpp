// SPDX-License-Identifier: BSL-1.0
//
// replay_gpio: a GPIO chip that is a recording: it answers as the chip did then, and reports where its user
// does not do what he did then. Freestanding.
//
//     replay_script script{records, report};
//     replay_gpio chip{script, 54, {.bias = true, .edges = true}};
//     follow_switch(chip);                                   // the program, as it was then
//     script.finish();
//
// Calls that failed are in no recording: here they are extra, and fail again. Leaves out names, and the time of
// events, which the chip's own clock gave.
#pragma once

#include <cstdint>

#include <shoal/base/status.hpp>
#include <shoal/hal/access_record.hpp>
#include <shoal/hal/gpio_access.hpp>
#include <shoal/hal/gpio_chip.hpp>
#include <shoal/hal/replay_script.hpp>

namespace shoal::hal {

template <class Report>
class replay_gpio {
 public:
  /// @param script    outlives the chip
  /// @param features  of the chip that was recorded, as its line count
  constexpr replay_gpio(replay_script<Report>& script, std::uint32_t line_count,
                        gpio_features features) noexcept
      : script_(script), line_count_(line_count), features_(features) {}

  [[nodiscard]] constexpr std::uint32_t line_count() const noexcept { return line_count_; }
  [[nodiscard]] constexpr gpio_features features() const noexcept { return features_; }

  constexpr status request(std::uint32_t line, const gpio_config& config) noexcept {
    return step(access::line_request, line, pack_gpio_config(config)).code;
  }
  constexpr status release(std::uint32_t line) noexcept { return step(access::line_release, line, 0).code; }
  constexpr status_or<bool> read(std::uint32_t line) noexcept {
    const status_or<std::uint64_t> level = step(access::line_get, line, 0);
    if (!level) return level.code;
    return *level != 0;
  }
  constexpr status write(std::uint32_t line, bool level) noexcept {
    return step(access::line_set, line, level ? 1 : 0).code;
  }

  constexpr status_or<std::uint64_t> read_lines(std::uint32_t first, std::uint64_t mask) noexcept {
    status_or<std::uint64_t> levels{0};
    for_each_run(mask, [&](std::uint32_t from, std::uint8_t count) {
      const status_or<std::uint64_t> run = step(access::lines_get, std::uint64_t{first} + from, 0, count);
      if (!run) levels.code = run.code;
      levels.value |= bits_of_run(run.value, 0, count) << from;
    });
    return levels;
  }
  constexpr status write_lines(std::uint32_t first, std::uint64_t mask, std::uint64_t values) noexcept {
    status done = status::ok;
    for_each_run(mask, [&](std::uint32_t from, std::uint8_t count) {
      const status run =
          step(access::lines_set, std::uint64_t{first} + from, bits_of_run(values, from, count), count).code;
      if (run != status::ok) done = run;
    });
    return done;
  }

  /// The event that came here then, without its time. False when none did.
  constexpr bool next_event(gpio_event& event) noexcept {
    if (!script_.expects(access::line_event)) return false;
    const access_record then = script_.upcoming();
    event = {static_cast<std::uint32_t>(then.address), static_cast<gpio_edge>(then.value & 3), 0};
    return script_.step(then).code == status::ok;
  }
  [[nodiscard]] constexpr std::uint64_t lost_events() const noexcept { return 0; }

 private:
  constexpr status_or<std::uint64_t> step(access what, std::uint64_t line, std::uint64_t value,
                                          std::uint8_t lines = 0) noexcept {
    if (line >= line_count_) return status::out_of_range;
    access_record got;
    got.address = line;
    got.value = value;
    got.what = what;
    got.width = lines;
    return script_.step(got);
  }

  replay_script<Report>& script_;
  std::uint32_t line_count_;
  gpio_features features_;
};

namespace detail {
using replay_chip = replay_gpio<void (*)(const replay_difference&) noexcept>;
}
static_assert(gpio_chip<detail::replay_chip> && can_gpio_lines<detail::replay_chip> &&
              can_gpio_events<detail::replay_chip>);

}  // namespace shoal::hal
