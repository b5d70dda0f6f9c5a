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
#include <cstring>
#include <string>

#include <sys/mman.h>
#include <ucontext.h>

#include <shoal/base/bytes.hpp>
#include <shoal/base/status.hpp>
#include <shoal/hal/guest_memory.hpp>
#include <shoal/hypercall/program.hpp>
#include <shoal/hypercall/transport.hpp>
#include <shoal/hypercall/vendor_abi.hpp>

#include "small_tender.hpp"

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

void* take(std::uint64_t at, std::size_t size, int protection) {
  return ::mmap(reinterpret_cast<void*>(at), size, protection,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const std::string file = content_of(argv[1]);
  const status_or<program> guest = program::parse(as_bytes(file), this_machine, memory_size);
  if (!guest) return small_tender::stopped;
  void* const ram = take(first, memory_size - first, PROT_READ | PROT_WRITE);
  // where calls and registers are nothing must be
  const std::uint64_t calls = register_layout::end - mmio_base;
  if (ram == MAP_FAILED || take(mmio_base, calls, PROT_NONE) == MAP_FAILED) return small_tender::stopped;
  hal::guest_regions<1> memory;
  const bytes_span all{static_cast<std::byte*>(ram), memory_size - first};
  small_tender host{guest->devices()};
  if (memory.add(hal::guest_address{first}, all) != status::ok || guest->load(memory) != status::ok ||
      write_boot_info(memory, *guest, host.devices(), {}) != status::ok) {
    return small_tender::stopped;
  }
  for (const protection& p : guest->protections()) {
    const int may = PROT_READ | (p.writable ? PROT_WRITE : 0) | (p.executable ? PROT_EXEC : 0);
    ::mprotect(reinterpret_cast<void*>(p.first), p.end - p.first, may);
  }
  __builtin___clear_cache(static_cast<char*>(ram), static_cast<char*>(ram) + all.size());

  signal_vcpu cpu;
  cpu.start(guest->entry());
  return host.serve(cpu, memory);
}
