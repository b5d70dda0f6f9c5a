// SPDX-License-Identifier: BSL-1.0
//
// A unikernel with devices: blinks a LED a few times when its disk can be read.
#include <shoal/hypercall/guest/disk.hpp>
#include <shoal/hypercall/guest/machine.hpp>
#include <shoal/hypercall/guest/notes.hpp>
#include <shoal/hypercall/guest/pins.hpp>

using namespace shoal;
using namespace shoal::hypercall;

[[gnu::section(".note.solo5.abi"), gnu::used]] constexpr guest::abi_section abi;
[[gnu::section(".note.solo5.manifest"), gnu::used]] constexpr auto devices = guest::manifest_of(
    guest::wanted_device{"disk", device_type::block}, guest::wanted_device{"pins", device_type::gpio});

namespace {

constexpr std::uint32_t led = 5;
alignas(512) std::byte block[512];

int run(const boot_info& info) {
  const auto* const entries = reinterpret_cast<const manifest_entry*>(
      static_cast<std::uintptr_t>(info.manifest) + manifest::header_size);
  guest::machine here{guest::hypercall_instruction{}};
  guest::disk disk{guest::hypercall_instruction{}, 1, entries[1]};
  guest::pins pins{guest::hypercall_instruction{}, 2, entries[2]};
  if (disk.read(0, block) != status::ok) return 1;
  if (pins.request(led, {.direction = hal::gpio_direction::output}) != status::ok) return 2;
  for (int i = 0; i < 6; ++i) {
    if (pins.write(led, i % 2 == 0) != status::ok) return 3;
    here.wait(100'000'000);
  }
  return 0;
}

}  // namespace

extern "C" void unikernel_start(const boot_info* info) {
  guest::machine here{guest::hypercall_instruction{}};
  here.halt(run(*info));
}
