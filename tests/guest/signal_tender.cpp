// SPDX-License-Identifier: BSL-1.0
//
// signal_tender FILE [WORDS]: runs a unikernel for aarch64 in a process, where there is no KVM: under
// qemu-user, too. What the guest would leave its processor for is a fault here. Its lines, by calls or by
// registers, are on a simulated chip whose switch changes at each wait; prints how often its LED was set.
//
// Leaves out the guest's page tables, and so protection: it is for guests that are known.
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <utility>

#include <sys/mman.h>
#include <ucontext.h>

#include <shoal/hal/bcm2835_model.hpp>
#include <shoal/hal/simulated_chip.hpp>
#include <shoal/hypercall/device_window.hpp>
#include <shoal/hypercall/gpio_calls.hpp>
#include <shoal/hypercall/program.hpp>
#include <shoal/hypercall/register_windows.hpp>
#include <shoal/hypercall/standard_calls.hpp>

#include "follow_switch.hpp"

namespace {

using namespace shoal;
using namespace shoal::hypercall;

constexpr std::uint64_t memory_size = 4_MiB;
constexpr std::uint64_t first = layout::boot_info;  // below it processes have nothing

/// A processor: the one that this runs on, with a stack and registers of the guest's own.
class signal_vcpu {
 public:
  signal_vcpu() {
    current = this;
    const stack_t stack{.ss_sp = handler_stack, .ss_flags = 0, .ss_size = sizeof handler_stack};
    ::sigaltstack(&stack, nullptr);
    struct sigaction action = {};
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    action.sa_sigaction = [](int, siginfo_t* info, void* state) {
      current->leave(reinterpret_cast<std::uintptr_t>(info->si_addr), *static_cast<ucontext_t*>(state));
    };
    ::sigaction(SIGSEGV, &action, nullptr);
  }

  void start(std::uint64_t entry) noexcept {
    entry_ = entry;
    ::getcontext(&guest_);
    guest_.uc_stack.ss_sp = start_stack;
    guest_.uc_stack.ss_size = sizeof start_stack;
    ::makecontext(&guest_, [] { current->enter(); }, 0);
  }

  status_or<guest_access> run() noexcept {
    ::swapcontext(&host_, &guest_);
    return access_;
  }
  void answer(std::uint64_t value) noexcept {
    if (target_ != nullptr) *target_ = value;
  }

 private:
  void enter() const noexcept {
    asm volatile("mov sp, %0\n\tmov x0, %1\n\tbr %2"
                 :
                 : "r"(memory_size - 16), "r"(layout::boot_info), "r"(entry_)
                 : "x0");
  }
  /// In the handler, as the guest: it is left here, and goes on behind its instruction when it runs again.
  void leave(std::uintptr_t address, ucontext_t& state) noexcept {
    std::uint32_t instruction = 0;
    std::memcpy(&instruction, reinterpret_cast<const void*>(state.uc_mcontext.pc), sizeof instruction);
    const std::uint32_t which = instruction & 31;  // loads and stores have it there
    auto* const word = which == 31 ? nullptr : &state.uc_mcontext.regs[which];
    access_ = {.where = guest_access::space::memory,
               .is_write = (instruction >> 22 & 3) == 0,
               .width = static_cast<std::uint8_t>(1u << (instruction >> 30)),
               .address = address,
               .value = word == nullptr ? 0 : *word};
    scratch_ = 0;
    target_ = access_.is_write || word == nullptr ? nullptr : &scratch_;
    ::swapcontext(&guest_, &host_);
    if (target_ != nullptr) *word = scratch_;
    state.uc_mcontext.pc += 4;
  }

  static inline signal_vcpu* current = nullptr;
  alignas(16) static inline std::byte handler_stack[64 << 10];
  alignas(16) static inline std::byte start_stack[16 << 10];

  ucontext_t host_{};
  ucontext_t guest_{};
  std::uint64_t entry_ = 0;
  guest_access access_;
  std::uint64_t scratch_ = 0;
  std::uint64_t* target_ = nullptr;
};
static_assert(answering_vcpu<signal_vcpu>);

struct standard_output {
  status write(bytes_view text) const noexcept {
    return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() ? status::ok : status::failed;
  }
};

hal::simulated_chip<32> chip;
hal::bcm2835_model board;
int changes = 0;

struct pressing_waiter {
  bool pressed = false;
  bool led = false;
  std::uint64_t wait(std::uint64_t, std::uint64_t) noexcept {
    const bool now = chip.level(led_line) || board.level(led_line);
    changes += std::exchange(led, now) != now ? 1 : 0;
    pressed = !pressed;
    chip.drive(switch_line, pressed);
    board.drive(switch_line, pressed);
    return 0;
  }
};

void* take(std::uint64_t at, std::size_t size, int protection) {
  return ::mmap(reinterpret_cast<void*>(at), size, protection,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  std::ifstream in(argv[1], std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const status_or<program> guest = program::parse(as_bytes(text), architecture::aarch64, memory_size);
  if (!guest) return 3;
  void* const ram = take(first, memory_size - first, PROT_READ | PROT_WRITE);
  // where calls and registers are nothing must be
  const std::uint64_t calls = register_layout::end - mmio_base;
  if (ram == MAP_FAILED || take(mmio_base, calls, PROT_NONE) == MAP_FAILED) return 77;
  hal::guest_regions<1> memory;
  if (memory.add(hal::guest_address{first}, {static_cast<std::byte*>(ram), memory_size - first}) != status::ok)
    return 3;

  manifest devices = guest->devices();
  pressing_waiter waiter;
  gpio_calls<decltype(chip), pressing_waiter> pins{waiter};
  register_windows<hal::bcm2835_model> windows;
  static_cast<void>(pins.attach(devices, "pins", chip));
  static_cast<void>(windows.attach(devices, "pins", device_type::bcm2835_gpio, board));
  if (guest->load(memory) != status::ok ||
      write_boot_info(memory, *guest, devices, {.command_line = argc > 2 ? argv[2] : ""}) != status::ok) {
    return 3;
  }
  for (const protection& p : guest->protections()) {
    const int may = PROT_READ | (p.writable ? PROT_WRITE : 0) | (p.executable ? PROT_EXEC : 0);
    ::mprotect(reinterpret_cast<void*>(p.first), p.end - p.first, may);
  }
  __builtin___clear_cache(static_cast<char*>(ram), static_cast<char*>(ram) + (memory_size - first));

  standard_output console;
  console_calls print{console};
  poll_calls poll{waiter};
  halt_calls halt;
  hypercall_table table{print, poll, halt, pins, windows};
  if (table.missing(devices).handle != 0) return 4;
  signal_vcpu cpu;
  cpu.start(guest->entry());
  device_window machine{cpu, windows.range(), windows};
  const ending end = serve(machine, table, memory);
  if (end.why != ending_reason::halted) {
    std::printf("stopped: %d at %#llx\n", static_cast<int>(end.why),
                static_cast<unsigned long long>(end.last.address));
    return 5;
  }
  std::printf("the LED has changed %d times\n", changes);
  return halt.exit_status();
}
