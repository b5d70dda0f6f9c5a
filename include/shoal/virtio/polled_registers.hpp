// SPDX-License-Identifier: BSL-1.0
//
// polled_registers: a virtio device for a guest without interrupts: the register block as a hal::device_model.
// A request is served before the store that announces it ends, and what a device had kept is given back when
// the guest looks at a register.
//
//     polled_registers pins{std::make_shared<gpio_device<chip>>(lines), memory};
//     windows.attach(devices, "pins", device_type::virtio_gpio, pins);
//
// For monitors that run their guest and its devices on one thread, and devices that answer at once. A device
// that answers later (disk_device) needs mmio_registers and a strand: its requests are never answered here.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include <shoal/hal/bus_address.hpp>
#include <shoal/hal/bus_model.hpp>
#include <shoal/hal/device_model.hpp>
#include <shoal/hal/guest_memory.hpp>
#include <shoal/task/task.hpp>
#include <shoal/virtio/device.hpp>
#include <shoal/virtio/mmio_registers.hpp>

namespace shoal::virtio {

template <device D, hal::guest_memory M>
class polled_registers {
 public:
  polled_registers(std::shared_ptr<D> device, std::shared_ptr<M> memory)
      : registers_(
            std::move(device), std::move(memory),
            mmio_host{.interrupt = [](bool) {}, .again = [this] { again_ = true; }, .start = [](task<>) {}}) {}

  [[nodiscard]] std::uint64_t size() const noexcept { return block_.size(); }
  std::uint64_t load(std::uint64_t offset, std::uint8_t width) noexcept {
    registers_.poll();
    return block_.load(offset, width);
  }
  void store(std::uint64_t offset, std::uint64_t value, std::uint8_t width) noexcept {
    block_.store(offset, value, width);
    // ends: the queue holds no more than the guest has put there, and the guest stands still
    while (std::exchange(again_, false)) registers_.resume();
  }

 private:
  using registers = mmio_registers<D, M>;

  registers registers_;
  hal::bus_model<registers&> block_{registers_, hal::bus_address{0}, registers::size};
  bool again_ = false;
};

}  // namespace shoal::virtio
