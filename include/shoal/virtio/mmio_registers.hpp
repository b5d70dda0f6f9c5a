// SPDX-License-Identifier: BSL-1.0
//
// mmio_registers: the register block of a virtio device on a memory-mapped bus (virtio 1.2, section 4.2,
// version 2), seen from the device. An mmio_bus that a monitor puts behind its guest's accesses.
//
//     mmio_registers registers{std::make_shared<gpio>(chip), memory, host};
//     registers.store<std::uint32_t>(bus_address{0x50}, 0);       // the guest has written to QueueNotify
//
// Addresses count from the beginning of the block, mmio_registers::size bytes. Belongs to one strand, and
// outlives the work that it starts. Leaves out shared memory regions and the legacy version.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/status.hpp>
#include <shoal/hal/bus_address.hpp>
#include <shoal/hal/guest_memory.hpp>
#include <shoal/hal/mmio_bus.hpp>
#include <shoal/task/task.hpp>
#include <shoal/virtio/device.hpp>
#include <shoal/virtio/mmio_layout.hpp>
#include <shoal/virtio/queue_runner.hpp>
#include <shoal/virtio/split_queue.hpp>

namespace shoal::virtio {

/// What a monitor does for a device.
struct mmio_host {
  std::function<void(bool)> interrupt;  ///< the level of the device's interrupt line
  std::function<void()> again;          ///< call resume() soon, not from inside
  std::function<void(task<>)> start;    ///< run it, at once or soon, on the strand
};

/// Stores out of turn, to registers that are not there or of a width that a register does not have, do nothing;
/// such loads give 0. A driver that breaks a queue, or places one outside its memory, reads needs_reset in the
/// status.
template <device D, hal::guest_memory M>
class mmio_registers {
 public:
  static constexpr std::uint32_t size = 0x200;      ///< bytes of address space
  static constexpr std::uint16_t queue_size = 256;  ///< what queue_size_max says

  mmio_registers(std::shared_ptr<D> device, std::shared_ptr<M> memory, mmio_host host)
      : device_(std::move(device)), memory_(std::move(memory)), host_(std::move(host)) {
    const queue_hooks hooks{.interrupt = [this](std::uint16_t) { raise(used_buffer); },
                            .again =
                                [this](std::uint16_t index) {
                                  queues_[index].wants_turn = true;
                                  host_.again();
                                },
                            .broken = [this](std::uint16_t) { need_reset(); },
                            .idle = [](std::uint16_t) {},
                            .start = [this](task<> work) { host_.start(std::move(work)); }};
    for (std::uint16_t i = 0; i < device_->queue_count(); ++i) {
      queues_.push_back({.runner = std::make_shared<queue_runner<D, M>>(device_, i, hooks)});
    }
  }
  mmio_registers(const mmio_registers&) = delete;
  mmio_registers& operator=(const mmio_registers&) = delete;

  template <hal::register_word T>
  [[nodiscard]] T load(hal::bus_address address) noexcept {
    const auto offset = static_cast<std::uint64_t>(address);
    const auto config = static_cast<std::uint64_t>(mmio_register::config);
    if (offset >= config) return load_config<T>(offset - config);
    if constexpr (sizeof(T) == 4) return read(static_cast<mmio_register>(offset));
    return 0;
  }
  template <hal::register_word T>
  void store(hal::bus_address address, T value) noexcept {
    const auto offset = static_cast<std::uint64_t>(address);
    if constexpr (sizeof(T) == 4) {
      if (offset < static_cast<std::uint64_t>(mmio_register::config)) {
        write(static_cast<mmio_register>(offset), value);
      }
    }
  }

  /// Goes on with queues whose requests were too many for one turn.
  void resume() {
    for (queue& q : queues_) {
      if (std::exchange(q.wants_turn, false)) q.runner->run();
    }
    poll();
  }
  /// Gives back what the device had kept and is due: after something happened to it.
  void poll() {
    kept_return kept;
    while (device_->next_return(kept)) queues_[kept.queue].runner->give_back(kept);
  }

 private:
  struct queue {
    std::shared_ptr<queue_runner<D, M>> runner;
    queue_layout layout = {};
    bool ready = false;
    bool wants_turn = false;
  };
  static constexpr std::uint32_t used_buffer = 1;
  static constexpr std::uint32_t config_change = 2;

  template <class T>
  T load_config(std::uint64_t offset) const noexcept {
    const bytes_view config = device_->config();
    T value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      if (offset + i >= config.size()) break;
      const auto byte = std::to_integer<std::uint64_t>(config[static_cast<std::size_t>(offset) + i]);
      value = static_cast<T>(value | (byte << (8 * i)));
    }
    return value;
  }

  std::uint32_t read(mmio_register at) const noexcept {
    const queue* const q = selected();
    switch (at) {
      case mmio_register::magic: return mmio_magic;
      case mmio_register::version: return mmio_version;
      case mmio_register::device_id: return static_cast<std::uint32_t>(device_->id());
      case mmio_register::device_features: return half(offered(), device_features_select_);
      case mmio_register::queue_size_max: return q != nullptr ? queue_size : 0;
      case mmio_register::queue_ready: return q != nullptr && q->ready ? 1 : 0;
      case mmio_register::interrupt_status: return interrupts_;
      case mmio_register::status: return read_status();
      default: return 0;
    }
  }
  /// A driver that has reset the device may use its memory for other things as soon as it reads 0.
  std::uint32_t read_status() const noexcept {
    for (const queue& q : queues_) {
      if (status_ == 0 && !q.runner->is_idle()) return device_status::needs_reset;
    }
    return status_;
  }

  void write(mmio_register at, std::uint32_t value) noexcept {
    switch (at) {
      case mmio_register::device_features_select: device_features_select_ = value; return;
      case mmio_register::driver_features_select: driver_features_select_ = value; return;
      case mmio_register::driver_features:
        if ((status_ & device_status::features_ok) == 0) set_half(accepted_, driver_features_select_, value);
        return;
      case mmio_register::queue_select: queue_select_ = value; return;
      case mmio_register::queue_notify: return kick(value);
      case mmio_register::interrupt_acknowledge:
        interrupts_ &= ~value;
        if (interrupts_ == 0) host_.interrupt(false);
        return;
      case mmio_register::status: return write_status(value);
      default: break;
    }
    queue* const q = selected();
    if (q == nullptr || (status_ & device_status::features_ok) == 0) return;
    if (at == mmio_register::queue_ready) return set_ready(*q, value != 0);
    if (!q->ready) configure(q->layout, at, value);
  }

  static void configure(queue_layout& layout, mmio_register at, std::uint32_t value) noexcept {
    const auto set = [value](hal::guest_address& address, std::uint32_t which) {
      auto number = static_cast<std::uint64_t>(address);
      set_half(number, which, value);
      address = static_cast<hal::guest_address>(number);
    };
    switch (at) {
      // what is no size at all is refused when the queue is made ready
      case mmio_register::queue_size:
        layout.size = value <= queue_size ? static_cast<std::uint16_t>(value) : 0;
        return;
      case mmio_register::queue_descriptors_low: return set(layout.descriptors, 0);
      case mmio_register::queue_descriptors_high: return set(layout.descriptors, 1);
      case mmio_register::queue_available_low: return set(layout.available, 0);
      case mmio_register::queue_available_high: return set(layout.available, 1);
      case mmio_register::queue_used_low: return set(layout.used, 0);
      case mmio_register::queue_used_high: return set(layout.used, 1);
      default: return;
    }
  }

  void set_ready(queue& q, bool ready) noexcept {
    if (ready == q.ready) return;
    q.ready = ready;
    if (!ready) return q.runner->abandon();
    const queue_options options{.indirect = (accepted_ & feature::indirect_descriptors) != 0,
                                .event_index = (accepted_ & feature::event_index) != 0};
    if (q.runner->enable(memory_, q.layout, options) != status::ok) need_reset();
  }

  void write_status(std::uint32_t value) noexcept {
    if (value == 0) return reset();
    const auto added = static_cast<std::uint8_t>(value & ~std::uint32_t{status_});
    // bits stay set until a reset, and needs_reset is ours
    status_ = static_cast<std::uint8_t>(status_ | (value & 0xff & ~std::uint32_t{device_status::needs_reset}));
    if ((added & device_status::features_ok) != 0 &&
        ((accepted_ & ~offered()) != 0 || (accepted_ & feature::version_1) == 0)) {
      status_ = static_cast<std::uint8_t>(status_ & ~device_status::features_ok);
    }
    if ((added & device_status::driver_ok) != 0) {
      if ((status_ & device_status::features_ok) == 0) return need_reset();
      device_->start(accepted_);
    }
  }
  void reset() noexcept {
    for (queue& q : queues_) {
      q.runner->abandon();
      q.layout = {};
      q.ready = q.wants_turn = false;
    }
    device_->reset();
    accepted_ = 0;
    device_features_select_ = driver_features_select_ = queue_select_ = 0;
    interrupts_ = 0;
    status_ = 0;
    host_.interrupt(false);
  }
  void need_reset() noexcept {
    status_ |= device_status::needs_reset;
    if ((status_ & device_status::driver_ok) != 0) raise(config_change);
  }

  void kick(std::uint32_t index) noexcept {
    if (index >= queues_.size() || (status_ & device_status::driver_ok) == 0) return;
    queues_[index].runner->run();
    poll();
  }
  void raise(std::uint32_t why) noexcept {
    interrupts_ |= why;
    host_.interrupt(true);
  }

  [[nodiscard]] std::uint64_t offered() const noexcept { return device_->features() | feature::transport; }
  [[nodiscard]] const queue* selected() const noexcept {
    return queue_select_ < queues_.size() ? &queues_[queue_select_] : nullptr;
  }
  [[nodiscard]] queue* selected() noexcept {
    return queue_select_ < queues_.size() ? &queues_[queue_select_] : nullptr;
  }

  static std::uint32_t half(std::uint64_t whole, std::uint32_t which) noexcept {
    return which > 1 ? 0 : static_cast<std::uint32_t>(whole >> (32 * which));
  }
  static void set_half(std::uint64_t& whole, std::uint32_t which, std::uint32_t value) noexcept {
    if (which > 1) return;
    const unsigned shift = 32 * which;
    whole = (whole & ~(std::uint64_t{0xffff'ffff} << shift)) | (std::uint64_t{value} << shift);
  }

  std::shared_ptr<D> device_;
  std::shared_ptr<M> memory_;
  mmio_host host_;
  std::vector<queue> queues_;
  std::uint64_t accepted_ = 0;
  std::uint32_t device_features_select_ = 0;
  std::uint32_t driver_features_select_ = 0;
  std::uint32_t queue_select_ = 0;
  std::uint32_t interrupts_ = 0;
  std::uint8_t status_ = 0;
};

}  // namespace shoal::virtio
