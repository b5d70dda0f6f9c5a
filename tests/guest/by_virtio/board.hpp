// SPDX-License-Identifier: BSL-1.0
//
// A unikernel's lines by a virtio-gpio device.
#pragma once

#include <shoal/virtio/gpio_driver.hpp>

#include "../unikernel.hpp"

[[gnu::section(".note.solo5.manifest"), gnu::used]] constexpr auto devices =
    shoal::hypercall::guest::manifest_of(
        shoal::hypercall::guest::wanted_device{"pins", shoal::hypercall::device_type::virtio_gpio});

class board : public unikernel {
 public:
  explicit board(const shoal::hypercall::boot_info& info) noexcept
      : unikernel(info), bus_(found().registers(1)) {}
  /// Without lines when the device cannot be used.
  auto& lines() noexcept {
    if (lines_.line_count() == 0) static_cast<void>(lines_.start());
    return lines_;
  }

 private:
  inline static shoal::virtio::gpio_driver_memory shared_;  // at one address for us and for the device
  shoal::hal::mapped_bus<> bus_;
  shoal::virtio::gpio_driver<shoal::hal::mapped_bus<>> lines_{bus_, bus_.range().base(), shared_,
                                                              shoal::hypercall::guest::address_of(&shared_)};
};

/// The program: returns what the guest halts with.
int run(board& here);

extern "C" void unikernel_start(const shoal::hypercall::boot_info* info) {
  board here{*info};
  here.halt(run(here));
}
