// SPDX-License-Identifier: BSL-1.0
//
// pins: a unikernel's GPIO lines by hypercall, as a hal::gpio_chip: a driver or program that was written for a
// chip runs in a guest. Of the guest. Freestanding.
//
//     pins lines{hypercall_instruction{}, handle, entry};            // entry: of the manifest in the boot info
//     lines.request(17, {.direction = gpio_direction::output});
//     lines.write(17, true);
//
// What the papers call switchinit and switchin or switchout is request(), switchtest is read(). Leaves out how
// many events were lost: the tender does not say.
#pragma once

#include <array>
#include <cstdint>
#include <utility>

#include <shoal/base/status.hpp>
#include <shoal/hal/gpio_chip.hpp>
#include <shoal/hypercall/abi.hpp>
#include <shoal/hypercall/guest/transport.hpp>
#include <shoal/hypercall/manifest.hpp>
#include <shoal/hypercall/vendor_abi.hpp>

namespace shoal::hypercall::guest {

template <transport T>
class pins {
 public:
  static constexpr std::uint32_t max_lines = 512;  ///< further ones do not exist

  /// @param entry  the manifest's, at index `handle`, as the tender filled it in
  pins(T way, std::uint64_t handle, const manifest_entry& entry) noexcept
      : way_(std::move(way)),
        handle_(handle),
        line_count_(entry.line_count() < max_lines ? entry.line_count() : max_lines),
        features_(entry.gpio_features()) {}

  [[nodiscard]] std::uint32_t line_count() const noexcept { return line_count_; }
  [[nodiscard]] hal::gpio_features features() const noexcept {
    return {.bias = (features_ & gpio_feature::bias) != 0, .edges = (features_ & gpio_feature::edges) != 0};
  }

  status request(std::uint32_t line, const hal::gpio_config& config) noexcept {
    if (line >= line_count_) return status::out_of_range;
    const bool output = config.direction == hal::gpio_direction::output;
    const auto edges = static_cast<std::uint32_t>(config.edges);
    if (output && edges != 0) return status::invalid_argument;
    if (edges != 0 && !features().edges) return status::unsupported;
    if (config.bias != hal::gpio_bias::as_is && (output || !features().bias)) return status::unsupported;
    const status taken = ask(vendor::gpio_init, line).code;  // invalid_argument: it is the guest's already
    if (taken == status::busy || taken == status::failed) return taken;
    std::uint32_t value = config.active_low ? gpio_value::active_low : 0;
    value |= output ? (config.level ? gpio_value::high : 0u)
                    : edges | static_cast<std::uint32_t>(config.bias) << gpio_value::bias_shift;
    const status set = ask(output ? vendor::gpio_out : vendor::gpio_in, line, value).code;
    if (set == status::ok) {
      lines_[line] = output ? (config.level ? use::high : use::low) : use::input;
    } else if (taken == status::ok) {
      static_cast<void>(ask(vendor::gpio_finalize, line));
    }
    return set;
  }
  status release(std::uint32_t line) noexcept {
    if (line >= line_count_) return status::out_of_range;
    if (lines_[line] == use::none) return status::ok;
    lines_[line] = use::none;
    return ask(vendor::gpio_finalize, line).code;
  }
  /// Of an output, what was written: that is not asked for.
  status_or<bool> read(std::uint32_t line) noexcept {
    if (line >= line_count_) return status::out_of_range;
    if (lines_[line] == use::none) return status::invalid_argument;
    if (lines_[line] != use::input) return lines_[line] == use::high;
    const status_or<std::uint32_t> level = ask(vendor::gpio_read, line);
    if (!level) return level.code;
    return *level != 0;
  }
  status write(std::uint32_t line, bool level) noexcept {
    if (line >= line_count_) return status::out_of_range;
    if (lines_[line] == use::none || lines_[line] == use::input) return status::invalid_argument;
    const status s = ask(vendor::gpio_write, line, level ? 1 : 0).code;
    if (s == status::ok) lines_[line] = level ? use::high : use::low;
    return s;
  }

  bool next_event(hal::gpio_event& event) noexcept { return wait_event(event, 0) == status::ok; }
  [[nodiscard]] std::uint64_t lost_events() const noexcept { return 0; }
  /// The oldest event, after waiting for it. Errors: busy (the time is over), unsupported, failed.
  status wait_event(hal::gpio_event& event, std::uint64_t nanoseconds) noexcept {
    if (!features().edges) return status::unsupported;
    gpio_wait_call asked{.handle = handle_, .timeout = nanoseconds};
    way_.call(vendor::gpio_wait, &asked);
    const status s = status_of(asked.result);
    if (s == status::ok) {
      event = {.line = asked.line,
               .edge = static_cast<hal::gpio_edge>(std::uint32_t{asked.edge}),
               .time = asked.time};
    }
    return s;
  }

 private:
  enum class use : std::uint8_t { none, input, low, high };

  status_or<std::uint32_t> ask(std::uint32_t what, std::uint32_t line, std::uint32_t value = 0) noexcept {
    gpio_call asked{.handle = handle_, .line = line, .value = value};
    way_.call(what, &asked);
    const status s = status_of(asked.result);
    if (s != status::ok) return s;
    return std::uint32_t{asked.value};
  }

  T way_;
  std::uint64_t handle_;
  std::uint32_t line_count_;
  std::uint32_t features_;
  std::array<use, max_lines> lines_{};
};

}  // namespace shoal::hypercall::guest
