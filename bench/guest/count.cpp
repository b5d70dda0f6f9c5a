// SPDX-License-Identifier: BSL-1.0
//
// Works in a guest, the same piece again and again, and prints every twentieth of a second how many pieces that
// were and when, in nanoseconds of the guest's clock. A piece is arithmetic, memory and system calls.
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <vector>

namespace {

std::uint64_t now() {
  const auto time = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(time).count());
}

std::uint32_t piece(std::vector<std::uint32_t>& from, std::vector<std::uint32_t>& to) {
  std::memcpy(to.data(), from.data(), 4 * from.size());
  std::uint32_t sum = 1;
  for (const std::uint32_t word : to) sum = sum * 1664525 + word;
  for (int i = 0; i < 100; ++i) sum += static_cast<std::uint32_t>(syscall(SYS_getppid));
  from[sum % from.size()] = sum;
  return sum;
}

}  // namespace

int main() {
  std::vector<std::uint32_t> from(1 << 16);
  std::vector<std::uint32_t> to(from.size());
  std::uint64_t said = now();
  for (std::uint64_t pieces = 1;; ++pieces) {
    piece(from, to);
    const std::uint64_t time = now();
    if (time - said < 50'000'000) continue;
    said = time;
    std::printf("%llu %llu\n", static_cast<unsigned long long>(pieces), static_cast<unsigned long long>(time));
    std::fflush(stdout);
  }
}
