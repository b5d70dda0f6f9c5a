// SPDX-License-Identifier: BSL-1.0
//
// What a bare machine has to bring: an entry, a way out, and the four memory functions that a compiler may
// call. Linux system calls stand in for the machine.
#include <cstddef>

int freestanding_main() noexcept;

extern "C" {

void* memcpy(void* to, const void* from, std::size_t size) noexcept {
  auto* out = static_cast<unsigned char*>(to);
  const auto* in = static_cast<const unsigned char*>(from);
  for (std::size_t i = 0; i < size; ++i) {
    out[i] = in[i];
    asm volatile("" ::: "memory");  // or the compiler sees a memcpy and calls this very function
  }
  return to;
}

void* memmove(void* to, const void* from, std::size_t size) noexcept {
  auto* out = static_cast<unsigned char*>(to);
  const auto* in = static_cast<const unsigned char*>(from);
  if (out <= in) return memcpy(to, from, size);
  while (size-- > 0) {
    out[size] = in[size];
    asm volatile("" ::: "memory");
  }
  return to;
}

void* memset(void* to, int value, std::size_t size) noexcept {
  auto* out = static_cast<unsigned char*>(to);
  for (std::size_t i = 0; i < size; ++i) {
    out[i] = static_cast<unsigned char>(value);
    asm volatile("" ::: "memory");
  }
  return to;
}

int memcmp(const void* left, const void* right, std::size_t size) noexcept {
  const auto* a = static_cast<const unsigned char*>(left);
  const auto* b = static_cast<const unsigned char*>(right);
  for (std::size_t i = 0; i < size; ++i) {
    if (a[i] != b[i]) return a[i] - b[i];
  }
  return 0;
}

[[noreturn]] void enter() noexcept {
  [[maybe_unused]] const long code = freestanding_main();
#if defined(__x86_64__)
  asm volatile("syscall" ::"a"(60L), "D"(code) : "rcx", "r11", "memory");
#elif defined(__aarch64__)
  register long number asm("x8") = 93;
  register long argument asm("x0") = code;
  asm volatile("svc 0" ::"r"(number), "r"(argument) : "memory");
#endif
  __builtin_unreachable();
}

}  // extern "C"

// The stack pointer is aligned at entry as no C function expects it.
#if defined(__x86_64__)
asm(".globl _start\n_start: xor %ebp, %ebp\n and $-16, %rsp\n call enter\n");
#elif defined(__aarch64__)
asm(".globl _start\n_start: mov x29, #0\n bl enter\n");
#endif
