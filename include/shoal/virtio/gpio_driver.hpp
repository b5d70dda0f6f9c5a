// SPDX-License-Identifier: BSL-1.0
//
// gpio_driver: the lines of a virtio-gpio device (virtio 1.2, section 5.18) on a memory-mapped bus, as a
// hal::gpio_chip: what a guest without an operating system needs of virtio. Freestanding.
//
//     alignas(16) gpio_driver_memory shared;                       // the device reads and writes it
//     gpio_driver lines{bus, bus_address{0x1'0000'0000}, shared, address_of(&shared)};
//     if (const status s = lines.start(); s != status::ok) return s;
//     lines.request(17, {.direction = gpio_direction::output});
//
// One request at a time, and it waits for the answer by looking. Leaves out interrupts, and so edges; pulls,
// which virtio-gpio does not have; names.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/base/status.hpp>
#include <shoal/hal/bus_address.hpp>
#include <shoal/hal/gpio_chip.hpp>
#include <shoal/hal/mmio_bus.hpp>
#include <shoal/virtio/feature.hpp>
#include <shoal/virtio/gpio_request.hpp>
#include <shoal/virtio/mmio_layout.hpp>

namespace shoal::virtio {

/// A queue of two descriptors, a request and its answer. The device uses it until it is reset.
struct alignas(16) gpio_driver_memory {
  std::byte descriptors[32]{};
  std::byte available[10]{};
  std::byte padding[2]{};
  std::byte used[22]{};
  std::byte request[gpio_request::size]{};
  std::byte response[2]{};
};
static_assert(offsetof(gpio_driver_memory, available) == 32 && offsetof(gpio_driver_memory, used) == 44);

template <hal::mmio_bus Bus>
class gpio_driver {
 public:
  static constexpr std::uint32_t max_lines = 512;      ///< further ones do not exist
  static constexpr std::uint32_t max_looks = 1 << 20;  ///< at an answer that does not come

  /// @param bus      outlives this, as does `memory`
  /// @param base     where the device's registers are
  /// @param address  of `memory`, as the device has it
  gpio_driver(Bus& bus, hal::bus_address base, gpio_driver_memory& memory, std::uint64_t address) noexcept
      : bus_(bus), base_(base), memory_(memory), address_(address) {}

  /// Resets the device and takes it. unsupported for another device, or one that wants what this does not have.
  status start() noexcept {
    using enum mmio_register;
    line_count_ = 0;
    if (get(magic) != mmio_magic || get(version) != mmio_version ||
        get(mmio_register::device_id) != static_cast<std::uint32_t>(virtio::device_id::gpio)) {
      return status::unsupported;
    }
    set_status(0);
    set_status(device_status::acknowledge | device_status::driver);
    constexpr std::uint64_t wanted = feature::version_1;
    set(driver_features_select, 0);
    set(driver_features, static_cast<std::uint32_t>(wanted));
    set(driver_features_select, 1);
    set(driver_features, static_cast<std::uint32_t>(wanted >> 32));
    set_status(device_status::acknowledge | device_status::driver | device_status::features_ok);
    if ((get(mmio_register::status) & device_status::features_ok) == 0) return status::unsupported;
    set(queue_select, gpio_queue::requests);
    if (get(queue_size_max) < 2) return status::unsupported;
    place_queue();
    set_status(device_status::acknowledge | device_status::driver | device_status::features_ok |
               device_status::driver_ok);
    line_count_ = get(config) & 0xffff;
    if (line_count_ > max_lines) line_count_ = max_lines;
    return status::ok;
  }

  [[nodiscard]] std::uint32_t line_count() const noexcept { return line_count_; }
  [[nodiscard]] hal::gpio_features features() const noexcept { return {}; }

  status request(std::uint32_t line, const hal::gpio_config& config) noexcept {
    if (line >= line_count_) return status::out_of_range;
    const bool output = config.direction == hal::gpio_direction::output;
    if (config.edges != hal::gpio_edge::none) return output ? status::invalid_argument : status::unsupported;
    if (config.bias != hal::gpio_bias::as_is) return status::unsupported;
    if (output) {  // its first level comes before its direction
      const status s = ask(gpio_message::set_value, line, config.level != config.active_low ? 1 : 0).code;
      if (s != status::ok) return s;
    }
    const line_direction direction = output ? line_direction::output : line_direction::input;
    const status s = ask(gpio_message::set_direction, line, static_cast<std::uint32_t>(direction)).code;
    if (s != status::ok) return s;
    lines_[line] = {.use = output ? line_use::output : line_use::input, .active_low = config.active_low};
    return status::ok;
  }
  status release(std::uint32_t line) noexcept {
    if (line >= line_count_) return status::out_of_range;
    if (lines_[line].use == line_use::none) return status::ok;
    lines_[line] = {};
    return ask(gpio_message::set_direction, line, static_cast<std::uint32_t>(line_direction::none)).code;
  }
  status_or<bool> read(std::uint32_t line) noexcept {
    if (line >= line_count_) return status::out_of_range;
    if (lines_[line].use == line_use::none) return status::invalid_argument;
    const status_or<std::uint8_t> level = ask(gpio_message::get_value, line, 0);
    if (!level) return level.code;
    return (*level != 0) != lines_[line].active_low;
  }
  status write(std::uint32_t line, bool level) noexcept {
    if (line >= line_count_) return status::out_of_range;
    if (lines_[line].use != line_use::output) return status::invalid_argument;
    return ask(gpio_message::set_value, line, level != lines_[line].active_low ? 1 : 0).code;
  }

 private:
  enum class line_use : std::uint8_t { none, input, output };
  struct line_state {
    line_use use = line_use::none;
    bool active_low = false;
  };

  [[nodiscard]] hal::bus_address at(mmio_register which) const noexcept {
    return base_ + static_cast<std::uint64_t>(which);
  }
  std::uint32_t get(mmio_register which) noexcept { return bus_.template load<std::uint32_t>(at(which)); }
  void set(mmio_register which, std::uint32_t value) noexcept {
    bus_.template store<std::uint32_t>(at(which), value);
  }
  void set_status(unsigned value) noexcept { set(mmio_register::status, value); }
  void set_address(mmio_register low, mmio_register high, std::size_t offset) noexcept {
    set(low, static_cast<std::uint32_t>(address_ + offset));
    set(high, static_cast<std::uint32_t>((address_ + offset) >> 32));
  }

  void place_queue() noexcept {
    using enum mmio_register;
    memory_ = {};
    constexpr std::uint16_t next = 1;
    constexpr std::uint16_t device_writes = 2;
    describe(0, offsetof(gpio_driver_memory, request), sizeof memory_.request, next);
    describe(1, offsetof(gpio_driver_memory, response), sizeof memory_.response, device_writes);
    store_le<std::uint16_t>(memory_.available, 1);  // no interrupts, please
    sent_ = 0;
    set(queue_size, 2);
    set_address(queue_descriptors_low, queue_descriptors_high, offsetof(gpio_driver_memory, descriptors));
    set_address(queue_available_low, queue_available_high, offsetof(gpio_driver_memory, available));
    set_address(queue_used_low, queue_used_high, offsetof(gpio_driver_memory, used));
    set(queue_ready, 1);
  }
  void describe(std::size_t index, std::size_t offset, std::size_t size, std::uint16_t flags) noexcept {
    std::byte* const out = memory_.descriptors + 16 * index;
    store_le<std::uint64_t>(out, address_ + offset);
    store_le<std::uint32_t>(out + 8, static_cast<std::uint32_t>(size));
    store_le<std::uint16_t>(out + 12, flags);
    store_le<std::uint16_t>(out + 14, 1);
  }

  /// busy when the device refuses: it does not say why; timed_out when it does not answer, which it never will.
  status_or<std::uint8_t> ask(gpio_message type, std::uint32_t line, std::uint32_t value) noexcept {
    const auto bytes =
        to_bytes(gpio_request{.type = type, .line = static_cast<std::uint16_t>(line), .value = value});
    for (std::size_t i = 0; i < bytes.size(); ++i) memory_.request[i] = bytes[i];
    memory_.response[0] = std::byte{static_cast<std::uint8_t>(gpio_status::error)};
    ++sent_;  // the ring's entries are always the first descriptor
    std::atomic_thread_fence(std::memory_order_release);
    store_le<std::uint16_t>(memory_.available + 2, sent_);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    set(mmio_register::queue_notify, gpio_queue::requests);
    std::uint32_t looks = 0;
    while (answered() != sent_) {
      if (++looks == max_looks) {
        line_count_ = 0;  // it may still write to the memory: no more requests
        return status::timed_out;
      }
    }
    std::atomic_thread_fence(std::memory_order_acquire);
    if (memory_.response[0] != std::byte{static_cast<std::uint8_t>(gpio_status::ok)}) return status::busy;
    return std::to_integer<std::uint8_t>(memory_.response[1]);
  }
  [[nodiscard]] std::uint16_t answered() const noexcept {
    const volatile std::byte* const index = memory_.used + 2;
    const std::array<std::byte, 2> bytes{index[0], index[1]};
    return load_le<std::uint16_t>(bytes.data());
  }

  Bus& bus_;
  hal::bus_address base_;
  gpio_driver_memory& memory_;
  std::uint64_t address_;
  std::uint32_t line_count_ = 0;
  std::uint16_t sent_ = 0;
  std::array<line_state, max_lines> lines_{};
};

}  // namespace shoal::virtio
