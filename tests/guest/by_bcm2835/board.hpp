// SPDX-License-Identifier: BSL-1.0
//
// A unikernel's lines by the GPIO registers of a Raspberry Pi, by plain loads and stores.
#pragma once

#include <shoal/hal/bcm2835_chip.hpp>

#include "../unikernel.hpp"

[[gnu::section(".note.solo5.manifest"), gnu::used]] constexpr auto devices =
    shoal::hypercall::guest::manifest_of(
        shoal::hypercall::guest::wanted_device{"pins", shoal::hypercall::device_type::bcm2835_gpio});

class board : public unikernel {
 public:
  explicit board(const shoal::hypercall::boot_info& info) noexcept
      : unikernel(info), lines_(found().registers(1), found().registers(1).range().base()) {}
  auto& lines() noexcept { return lines_; }

 private:
  shoal::hal::bcm2835_chip<shoal::hal::mapped_bus<>> lines_;
};

/// The program: returns what the guest halts with.
int run(board& here);

extern "C" void unikernel_start(const shoal::hypercall::boot_info* info) {
  board here{*info};
  here.halt(run(here));
}
