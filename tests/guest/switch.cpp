// SPDX-License-Identifier: BSL-1.0
//
// A unikernel with pins: its LED follows its switch, for ten changes of that.
#include <shoal/hypercall/guest/machine.hpp>
#include <shoal/hypercall/guest/notes.hpp>
#include <shoal/hypercall/guest/pins.hpp>
#include <shoal/hypercall/guest/start.hpp>

#include "follow_switch.hpp"

using namespace shoal;
using namespace shoal::hypercall;

[[gnu::section(".note.solo5.abi"), gnu::used]] constexpr guest::abi_section abi;
[[gnu::section(".note.solo5.manifest"), gnu::used]] constexpr auto devices =
    guest::manifest_of(guest::wanted_device{"pins", device_type::gpio});

extern "C" void unikernel_start(const boot_info* info) {
  guest::machine here{guest::hypercall_instruction{}};
  guest::pins pins{guest::hypercall_instruction{}, 1, guest::start{*info}.device(1)};
  here.halt(follow_switch(pins, [&here] { here.wait(1'000'000); }));
}
