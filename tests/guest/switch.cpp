// SPDX-License-Identifier: BSL-1.0
//
// The papers' program: a LED follows a switch, for ten changes of that. A unikernel, by any way to its lines,
// or a process of Linux: the build chooses the board.
#include "follow_switch.hpp"

#include "board.hpp"

int run(board& here) {
  return follow_switch(here.lines(), [&here] { here.wait(1'000'000); });
}
