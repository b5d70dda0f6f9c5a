// SPDX-License-Identifier: BSL-1.0
//
// What a bare machine has to bring: an entry and a way out. Linux system calls stand in for the machine.

int freestanding_main() noexcept;

extern "C" [[noreturn]] void enter() noexcept {
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

// The stack pointer is aligned at entry as no C function expects it.
#if defined(__x86_64__)
asm(".globl _start\n_start: xor %ebp, %ebp\n and $-16, %rsp\n call enter\n");
#elif defined(__aarch64__)
asm(".globl _start\n_start: mov x29, #0\n bl enter\n");
#endif
