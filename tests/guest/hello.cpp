// SPDX-License-Identifier: BSL-1.0
//
// The smallest unikernel that does something: prints, and ends.
#include <string_view>

#include <shoal/hypercall/guest/machine.hpp>
#include <shoal/hypercall/guest/notes.hpp>

using namespace shoal::hypercall;
using namespace std::string_view_literals;  // a plain literal is measured by strlen, which is not here

[[gnu::section(".note.solo5.abi"), gnu::used]] constexpr guest::abi_section abi;
[[gnu::section(".note.solo5.manifest"), gnu::used]] constexpr auto devices = guest::manifest_of();

extern "C" void unikernel_start(const boot_info*) {
  guest::machine here{guest::hypercall_instruction{}};
  here.write("Hello, World\n"sv);
  here.halt(0);
}
