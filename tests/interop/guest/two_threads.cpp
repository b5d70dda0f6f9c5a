// SPDX-License-Identifier: BSL-1.0
//
// A process with a second thread, for a detector to see: prints the number of that and waits.
#include <cstdio>
#include <thread>

#include <unistd.h>

int main() {
  std::thread second{[] {
    std::printf("%d\n", static_cast<int>(::gettid()));
    std::fflush(stdout);
    ::pause();
  }};
  second.join();
}
