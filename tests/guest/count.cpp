// SPDX-License-Identifier: BSL-1.0
//
// A unikernel to be watched: counts in a global, as far as its command line says, and rests at each step. Asks
// for no devices.
#include <cstdint>
#include <string_view>

#include <shoal/hypercall/guest/machine.hpp>
#include <shoal/hypercall/guest/notes.hpp>
#include <shoal/hypercall/guest/start.hpp>

#include "text.hpp"

using namespace shoal::hypercall;

[[gnu::section(".note.solo5.abi"), gnu::used]] constexpr guest::abi_section abi;
[[gnu::section(".note.solo5.manifest"), gnu::used]] constexpr auto devices = guest::manifest_of();

// nobody here reads it
extern "C" {
volatile std::uint64_t steps = 0;
}

extern "C" void unikernel_start(const boot_info* info) {
  guest::machine here{guest::hypercall_instruction{}};
  std::string_view line = guest::start{*info}.command_line();
  const std::uint64_t last = next_number(line);
  constexpr std::uint64_t rest = 1'000'000;
  while (steps < last) {
    steps = steps + 1;
    here.wait(rest);
  }
  here.halt(0);
}
