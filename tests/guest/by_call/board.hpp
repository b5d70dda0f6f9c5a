// SPDX-License-Identifier: BSL-1.0
//
// A unikernel's lines by hypercall.
#pragma once

#include <shoal/hypercall/guest/pins.hpp>

#include "../unikernel.hpp"

[[gnu::section(".note.solo5.manifest"), gnu::used]] constexpr auto devices =
    shoal::hypercall::guest::manifest_of(
        shoal::hypercall::guest::wanted_device{"pins", shoal::hypercall::device_type::gpio});

class board : public unikernel {
 public:
  explicit board(const shoal::hypercall::boot_info& info) noexcept
      : unikernel(info), lines_({}, 1, found().device(1)) {}
  auto& lines() noexcept { return lines_; }

 private:
  shoal::hypercall::guest::pins<shoal::hypercall::guest::hypercall_instruction> lines_;
};

/// The program: returns what the guest halts with.
int run(board& here);

extern "C" void unikernel_start(const shoal::hypercall::boot_info* info) {
  board here{*info};
  here.halt(run(here));
}
