// SPDX-License-Identifier: BSL-1.0
//
// recording_gpio: a GPIO chip that is another chip and tells a sink about the accesses that a filter chooses.
// Freestanding.
//
//     access_ring<> ring;
//     recording_gpio watched{chip, address_set<54, 1>{0, {17, 25}}, ring};     // lines are the addresses
//     watched.request(17, {.direction = gpio_direction::output});
//
// What succeeded is recorded, after it has; edges when the driver takes them. Of lines taken together, each run
// side by side is a record. The rest of the chip's members, and what it cannot do, stay as they are.
#pragma once

#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

#include <shoal/base/status.hpp>
#include <shoal/hal/access_filter.hpp>
#include <shoal/hal/access_record.hpp>
#include <shoal/hal/access_sink.hpp>
#include <shoal/hal/cycle_counter.hpp>
#include <shoal/hal/gpio_access.hpp>
#include <shoal/hal/gpio_chip.hpp>
#include <shoal/hal/recorder.hpp>

namespace shoal::hal {

/// @tparam Filter, Sink, Counter  as of recorder
template <gpio_chip Chip, access_filter Filter, access_sink Sink, counter Counter = cycle_counter>
class recording_gpio {
 public:
  /// @param chip    outlives the recorder
  /// @param source  the number of this chip in the records
  constexpr recording_gpio(Chip& chip, Filter&& filter, Sink&& sink, std::uint16_t source = 0) noexcept
      : chip_(chip), recorder_(std::forward<Filter>(filter), std::forward<Sink>(sink), source) {}

  [[nodiscard]] constexpr std::uint32_t line_count() const noexcept { return chip_.line_count(); }
  [[nodiscard]] constexpr gpio_features features() const noexcept { return chip_.features(); }

  constexpr status request(std::uint32_t line, const gpio_config& config) noexcept {
    const status done = chip_.request(line, config);
    if (done == status::ok) note(access::line_request, line, pack_gpio_config(config));
    return done;
  }
  constexpr status release(std::uint32_t line) noexcept {
    const status done = chip_.release(line);
    if (done == status::ok) note(access::line_release, line, 0);
    return done;
  }
  constexpr status_or<bool> read(std::uint32_t line) noexcept {
    const status_or<bool> level = chip_.read(line);
    if (level) note(access::line_get, line, *level ? 1 : 0);
    return level;
  }
  constexpr status write(std::uint32_t line, bool level) noexcept {
    const status done = chip_.write(line, level);
    if (done == status::ok) note(access::line_set, line, level ? 1 : 0);
    return done;
  }

  constexpr status_or<std::uint64_t> read_lines(std::uint32_t first, std::uint64_t mask) noexcept
    requires can_gpio_lines<Chip>
  {
    const status_or<std::uint64_t> levels = chip_.read_lines(first, mask);
    if (levels) note_lines(access::lines_get, first, mask, *levels);
    return levels;
  }
  constexpr status write_lines(std::uint32_t first, std::uint64_t mask, std::uint64_t values) noexcept
    requires can_gpio_lines<Chip>
  {
    const status done = chip_.write_lines(first, mask, values);
    if (done == status::ok) note_lines(access::lines_set, first, mask, values);
    return done;
  }

  constexpr bool next_event(gpio_event& event) noexcept
    requires can_gpio_events<Chip>
  {
    const bool found = chip_.next_event(event);
    if (found) note(access::line_event, event.line, static_cast<std::uint64_t>(event.edge));
    return found;
  }
  [[nodiscard]] constexpr std::uint64_t lost_events() const noexcept
    requires can_gpio_events<Chip>
  {
    return chip_.lost_events();
  }
  [[nodiscard]] constexpr std::string_view line_name(std::uint32_t line) const noexcept
    requires can_gpio_names<Chip>
  {
    return chip_.line_name(line);
  }

  /// To flush: of this copy, unless they are references.
  [[nodiscard]] constexpr std::remove_reference_t<Filter>& filter() noexcept
    requires(!discarding_sink<Sink>)
  {
    return recorder_.filter();
  }
  [[nodiscard]] constexpr std::remove_reference_t<Sink>& sink() noexcept
    requires(!discarding_sink<Sink>)
  {
    return recorder_.sink();
  }

 private:
  constexpr void note(access what, std::uint64_t line, std::uint64_t value) noexcept {
    recorder_.note_inline(what, line, value, 0);
  }
  constexpr void note_lines(access what, std::uint32_t first, std::uint64_t mask,
                            std::uint64_t values) noexcept {
    for_each_run(mask, [&](std::uint32_t from, std::uint8_t count) {
      recorder_.note_inline(what, std::uint64_t{first} + from, bits_of_run(values, from, count), count);
    });
  }

  Chip& chip_;
  [[no_unique_address]] recorder<Filter, Sink, Counter> recorder_;
};
template <class Chip, class Filter, class Sink>
recording_gpio(Chip&, Filter&&, Sink&&, std::uint16_t = 0) -> recording_gpio<Chip, Filter, Sink>;

}  // namespace shoal::hal
