// SPDX-License-Identifier: BSL-1.0
//
// tainted: a command of a dozen lines. Has the kernel run code that is not its own, or stumbled?
#include <cstdint>
#include <string>

#include "commands.hpp"
#include "reading.hpp"

void add_tainted(CLI::App& app, action& chosen) {
  add_command(app, chosen, "tainted", "what the kernel holds against itself (/proc/sys/kernel/tainted)", "4321",
              [](guest& guest, const output& out) {
                const auto mask =
                    required(guest.kernel().number<std::uint64_t>("tainted_mask"), "tainted_mask", guest);
                out.put("tainted: " + std::to_string(mask), {{"tainted", mask}});
                return 0;
              });
}
