// SPDX-License-Identifier: BSL-1.0
//
// gpio_calls: a guest's GPIO lines, over any hal::gpio_chip: the six calls of the papers, and waiting for an
// edge. Freestanding.
//
//     gpio_calls<my_chip, my_waiter> pins{waiter};
//     if (const status s = pins.attach(devices, "pins", chip); s != status::ok) return s;
//     hypercall_table table{..., pins};
//
// A line is init'ed before it is anything else; only inputs are read, only outputs are written. A guest that
// ends leaves its lines to release_all().
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <shoal/base/status.hpp>
#include <shoal/hal/gpio_chip.hpp>
#include <shoal/hal/guest_memory.hpp>
#include <shoal/hypercall/abi.hpp>
#include <shoal/hypercall/guest_ram.hpp>
#include <shoal/hypercall/handler.hpp>
#include <shoal/hypercall/manifest.hpp>
#include <shoal/hypercall/standard_calls.hpp>
#include <shoal/hypercall/vendor_abi.hpp>

namespace shoal::hypercall {

template <hal::gpio_chip Chip, device_waiter Waiter>
class gpio_calls {
 public:
  static constexpr std::array numbers{vendor::gpio_init, vendor::gpio_finalize, vendor::gpio_in,
                                      vendor::gpio_out,  vendor::gpio_read,     vendor::gpio_write,
                                      vendor::gpio_wait};
  static constexpr std::array devices{device_type::gpio};
  static constexpr std::size_t max_chips = 4;
  static constexpr std::uint32_t max_lines = 512;  ///< of a chip; further ones do not exist for the guest
  static constexpr unsigned max_skipped = 64;      ///< events of lines that are not the guest's, in one call

  /// @param waiter  of gpio_wait; outlives this
  explicit constexpr gpio_calls(Waiter& waiter) noexcept : waiter_(waiter) {}

  /// Gives a chip to the name that a unikernel asks for. The chip outlives this.
  /// Errors: out_of_range (it does not ask for it), busy (it has one), no_space (too many chips).
  [[nodiscard]] status attach(manifest& wanted, std::string_view name, Chip& device) noexcept {
    const std::uint64_t handle = wanted.find(name, device_type::gpio);
    if (handle == 0) return status::out_of_range;
    if (find(handle) != nullptr) return status::busy;
    if (count_ == max_chips) return status::no_space;
    chip& place = chips_[count_++];
    place.handle = handle;
    place.device = &device;
    place.line_count = std::min(device.line_count(), max_lines);
    place.features = device.features();
    place.features.edges = place.features.edges && hal::can_gpio_events<Chip>;
    wanted[handle].attach_gpio(place.line_count, (place.features.edges ? gpio_feature::edges : 0u) |
                                                     (place.features.bias ? gpio_feature::bias : 0u));
    return status::ok;
  }

  template <hal::guest_memory M>
  outcome handle(call what, M& memory) noexcept {
    if (what.number == vendor::gpio_wait) return wait(what, memory);
    if (what.number < vendor::gpio_init || what.number > vendor::gpio_write) return outcome::not_mine;
    argument<gpio_call> asked{memory, what};
    if (!asked) return outcome::fault;
    chip* const c = find(asked->handle);
    const std::uint32_t line = asked->line;
    if (c == nullptr || line >= c->line_count) return asked.answer(result_code::invalid);
    const std::uint32_t value = asked->value;
    if (what.number == vendor::gpio_read) {
      if (c->uses[line] != use::input) return asked.answer(result_code::invalid);
      const status_or<bool> level = c->device->read(line);
      if (!level) return asked.answer(result_of(level.code));
      asked->value = *level ? 1u : 0u;
      return asked.answer_all(result_code::ok);
    }
    return asked.answer(change(what.number, *c, line, value));
  }

  /// Gives back all lines that the guest still has.
  void release_all() noexcept {
    for (chip& c : std::span{chips_}.first(count_)) {
      for (std::uint32_t line = 0; line < c.line_count; ++line) {
        if (c.uses[line] != use::none) release(c, line);
      }
    }
  }

 private:
  enum class use : std::uint8_t { none, taken, input, output };

  struct chip {
    std::uint64_t handle = 0;
    Chip* device = nullptr;
    std::uint32_t line_count = 0;
    hal::gpio_features features;
    std::array<use, max_lines> uses{};
  };

  [[nodiscard]] chip* find(std::uint64_t handle) noexcept {
    for (chip& c : std::span{chips_}.first(count_)) {
      if (c.handle == handle) return &c;
    }
    return nullptr;
  }

  static result_code release(chip& c, std::uint32_t line) noexcept {
    c.uses[line] = use::none;
    return result_of(c.device->release(line));
  }

  static result_code change(std::uint32_t what, chip& c, std::uint32_t line, std::uint32_t value) noexcept {
    const use now = c.uses[line];
    if ((now == use::none) != (what == vendor::gpio_init)) return result_code::invalid;
    switch (what) {
      case vendor::gpio_init: return configure(c, line, use::taken, {});
      case vendor::gpio_finalize: return release(c, line);
      case vendor::gpio_in: return make_input(c, line, value);
      case vendor::gpio_out: return make_output(c, line, value);
      default: break;
    }
    if (now != use::output || value > 1) return result_code::invalid;
    return result_of(c.device->write(line, value != 0));
  }

  static result_code make_input(chip& c, std::uint32_t line, std::uint32_t value) noexcept {
    constexpr std::uint32_t edges = gpio_value::rising | gpio_value::falling;
    constexpr std::uint32_t bias = 3u << gpio_value::bias_shift;
    if ((value & ~(edges | bias | gpio_value::active_low)) != 0) return result_code::invalid;
    if ((value & edges) != 0 && !c.features.edges) return result_code::invalid;
    return configure(c, line, use::input,
                     {.active_low = (value & gpio_value::active_low) != 0,
                      .bias = static_cast<hal::gpio_bias>((value & bias) >> gpio_value::bias_shift),
                      .edges = static_cast<hal::gpio_edge>(value & edges)});
  }
  static result_code make_output(chip& c, std::uint32_t line, std::uint32_t value) noexcept {
    if ((value & ~(gpio_value::high | gpio_value::active_low)) != 0) return result_code::invalid;
    return configure(c, line, use::output,
                     {.direction = hal::gpio_direction::output,
                      .level = (value & gpio_value::high) != 0,
                      .active_low = (value & gpio_value::active_low) != 0});
  }
  static result_code configure(chip& c, std::uint32_t line, use wanted,
                               const hal::gpio_config& config) noexcept {
    const status s = c.device->request(line, config);
    if (s == status::ok) c.uses[line] = wanted;
    return result_of(s);
  }

  template <hal::guest_memory M>
  outcome wait(call what, M& memory) noexcept {
    argument<gpio_wait_call> asked{memory, what};
    if (!asked) return outcome::fault;
    chip* const c = find(asked->handle);
    if (c == nullptr || !c->features.edges) return asked.answer(result_code::invalid);
    hal::gpio_event event;
    if (!next(*c, event)) {
      static_cast<void>(waiter_.wait(std::uint64_t{1} << c->handle, asked->timeout));
      if (!next(*c, event)) return asked.answer(result_code::again);
    }
    asked->time = event.time;
    asked->line = event.line;
    asked->edge = static_cast<std::uint32_t>(event.edge);
    return asked.answer_all(result_code::ok);
  }
  /// The next event of a line that is the guest's.
  static bool next(chip& c, hal::gpio_event& event) noexcept {
    if constexpr (hal::can_gpio_events<Chip>) {
      for (unsigned i = 0; i < max_skipped && c.device->next_event(event); ++i) {
        if (event.line < c.line_count && c.uses[event.line] == use::input) return true;
      }
    }
    return false;
  }

  Waiter& waiter_;
  std::array<chip, max_chips> chips_{};
  std::size_t count_ = 0;
};

}  // namespace shoal::hypercall
