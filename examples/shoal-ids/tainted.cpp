// SPDX-License-Identifier: BSL-1.0
//
// tainted: a command of a dozen lines. Has the kernel run code that is not its own, or stumbled?
#include <cstdint>
#include <string>

#include "../common/message.hpp"
#include "commands.hpp"

void add_tainted(CLI::App& app, action& chosen) {
  add_command(app, chosen, "tainted", "what the kernel holds against itself (/proc/sys/kernel/tainted)", "4321",
              [](guest& guest, const output& out) {
                const auto mask = guest.kernel().number<std::uint64_t>("tainted_mask");
                if (!mask)
                  throw common::failure{"cannot read tainted_mask in " + guest.name(), mask.error(),
                                        "ask again"};
                out.put("tainted: " + std::to_string(*mask), {{"tainted", *mask}});
                return 0;
              });
}
