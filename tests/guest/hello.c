// SPDX-License-Identifier: BSL-1.0
//
// hello.cpp in C.
#include <shoal/hypercall/guest/hvt.h>

HVT_UNIKERNEL();

void unikernel_start(const struct hvt_boot_info* info) {
  (void)info;
  hvt_puts("Hello, World\n");
  hvt_halt(0);
}
