// SPDX-License-Identifier: BSL-1.0
//
// dispatch_count: how many instructions a tender runs from where KVM_RUN returns, with a guest that reads a
// block, to the first of its disk's read. A child dispatches, and its parent steps it, one instruction after
// the other. x86-64.
//
//     $ dispatch_count 60
//     58 instructions from the exit to the read
//
// Ends with 1 when there are more than it is told, with 77 where nobody may step a process. The tender is put
// together as shoal-tender is: each of its handlers is in the table, and its limit of a rate and its windows of
// registers are in the way. What is not there is KVM: the page that the kernel shares says what it would. Built
// without optimisation it counts what nobody runs.
#include <array>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <vector>

#include <linux/kvm.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <shoal/base/bytes.hpp>
#include <shoal/hal/bcm2835_model.hpp>
#include <shoal/hal/simulated_chip.hpp>
#include <shoal/hal/simulated_i2c.hpp>
#include <shoal/hypercall/block_calls.hpp>
#include <shoal/hypercall/device_window.hpp>
#include <shoal/hypercall/gpio_calls.hpp>
#include <shoal/hypercall/i2c_calls.hpp>
#include <shoal/hypercall/io_rate.hpp>
#include <shoal/hypercall/net_calls.hpp>
#include <shoal/hypercall/register_windows.hpp>
#include <shoal/hypercall/standard_calls.hpp>
#include <shoal/hypercall/transport.hpp>
#include <shoal/os/linux/kvm_exit.hpp>

using namespace shoal;
using namespace shoal::hypercall;

namespace {

constexpr std::uint32_t argument_at = 0x180000;
constexpr std::size_t page = 4096;

/// Where the parent begins to count, and where it ends. All memory may be
/// different behind it.
void mark() noexcept {
  asm volatile("int3" ::: "memory");
}

/// As kvm_vcpu, but that KVM_RUN is a mark, and fails the second time.
class processor {
 public:
  explicit processor(kvm_run& shared) noexcept : shared_(&shared) {}

  status_or<linux_os::kvm_exit> run() noexcept {
    if (ran_) return status::timed_out;
    ran_ = true;
    int failed = 0;
    asm volatile("int3" : "+r"(failed) : : "memory");
    if (failed != 0) return status::failed;
    switch (shared_->exit_reason) {
      [[likely]] case KVM_EXIT_IO:
        return linux_os::kvm_exit{*shared_};
      case KVM_EXIT_MMIO: return linux_os::kvm_exit{*shared_};
      case KVM_EXIT_INTR: return status::timed_out;
      default: return status::failed;
    }
  }
  void answer(std::uint64_t value) noexcept { std::memcpy(shared_->mmio.data, &value, sizeof value); }

 private:
  kvm_run* shared_;
  bool ran_ = false;
};

// Devices, of which the compiler must not know that they do nothing: each call
// of one is there.

struct disk {
  std::uint64_t capacity() const noexcept { return 1u << 20; }
  std::uint32_t block_size() const noexcept { return 512; }
  [[gnu::noinline]] status read(std::uint64_t offset, bytes_span out) noexcept {
    mark();
    asm volatile("" : : "r"(this), "r"(offset), "r"(out.data()), "r"(out.size()));
    return status::ok;
  }
  [[gnu::noinline]] status write(std::uint64_t offset, bytes_view in) noexcept {
    asm volatile("" : : "r"(this), "r"(offset), "r"(in.data()), "r"(in.size()));
    return status::ok;
  }
  [[gnu::noinline]] status flush() noexcept {
    asm volatile("" : : "r"(this));
    return status::ok;
  }
};
struct net {
  std::array<std::byte, 6> mac() const noexcept { return {}; }
  std::uint16_t mtu() const noexcept { return 1500; }
  [[gnu::noinline]] status_or<std::size_t> receive(bytes_span out) noexcept {
    asm volatile("" : : "r"(this), "r"(out.data()), "r"(out.size()));
    return status::busy;
  }
  [[gnu::noinline]] status send(bytes_view frame) noexcept {
    asm volatile("" : : "r"(this), "r"(frame.data()), "r"(frame.size()));
    return status::ok;
  }
};
struct world {
  [[gnu::noinline]] status write(bytes_view text) noexcept {
    asm volatile("" : : "r"(this), "r"(text.data()), "r"(text.size()));
    return status::ok;
  }
  [[gnu::noinline]] std::uint64_t wait(std::uint64_t handles, std::uint64_t nanoseconds) noexcept {
    asm volatile("" : : "r"(this), "r"(handles), "r"(nanoseconds));
    return 0;
  }
  [[gnu::noinline]] std::uint64_t operator()() noexcept {
    asm volatile("" : : "r"(this));
    return 0;
  }
};
struct timer {
  std::uint64_t now() const noexcept { return 0; }
  bool wait(std::uint64_t) const noexcept { return true; }
};

class tender {
 public:
  /// True when the guest has its disk.
  bool attach() {
    const block_call asked{.handle = 1, .data = 0x190000, .length = 512};
    std::memcpy(ram_.data() + argument_at, &asked, sizeof asked);
    std::memcpy(shared_.data() + page, &argument_at, sizeof argument_at);
    kvm_run& out = shared();
    out.exit_reason = KVM_EXIT_IO;
    out.io.direction = KVM_EXIT_IO_OUT;
    out.io.size = sizeof argument_at;
    out.io.port = port_base + number::block_read;
    out.io.count = 1;
    out.io.data_offset = page;
    return devices_.add("disk", device_type::block) == status::ok &&
           disks_.attach(devices_, "disk", storage_) == status::ok;
  }

  [[gnu::noinline]] ending serve() {
    walltime_calls time{world_};
    console_calls print{world_};
    poll_calls poll{world_};
    halt_calls halt;
    hypercall_table table{disks_, nets_, pins_, windows_, buses_, print, poll, time, halt};
    processor inner{shared()};
    device_window cpu{inner, windows_.range(), windows_};
    return hypercall::serve(cpu, table, memory_);
  }

 private:
  kvm_run& shared() noexcept { return *reinterpret_cast<kvm_run*>(shared_.data()); }

  alignas(kvm_run) std::array<std::byte, 2 * page> shared_{};
  block_calls<paced_disk<disk, timer>> disks_;
  std::vector<std::byte> ram_ = std::vector<std::byte>(2_MiB);
  std::array<protection, 2> protections_{protection{0x100000, 0x101000, false, true},
                                         protection{0x101000, 0x102000, false, false}};
  guest_ram memory_{ram_, protections_};
  timer timer_;
  world world_;
  manifest devices_;
  io_rate<timer> rate_{timer_, 0};
  paced_disk<disk, timer> storage_{disk{}, rate_};
  register_windows<hal::bcm2835_model> windows_;
  net_calls<paced_net<net, timer>> nets_;
  gpio_calls<hal::simulated_chip<8>, world> pins_{world_};
  i2c_calls<hal::simulated_i2c<>> buses_;
};

void dispatch() {
  tender one;
  tender* same = &one;
  asm volatile("" : "+r"(same));  // which one it is, the compiler does not know
  if (same->attach()) static_cast<void>(same->serve());
}

/// Lets the child run up to what it tells next: true for a mark, and when there
/// is no more.
bool is_mark(pid_t child, decltype(PTRACE_CONT) how) {
  int state = 0;
  siginfo_t why{};
  ::ptrace(how, child, nullptr, nullptr);
  if (::waitpid(child, &state, 0) != child || !WIFSTOPPED(state)) return true;
  ::ptrace(PTRACE_GETSIGINFO, child, nullptr, &why);
  return why.si_code == SI_KERNEL;
}

}  // namespace

int main(int argc, char** argv) {
  const int most = argc > 1 ? std::atoi(argv[1]) : std::numeric_limits<int>::max();
  const pid_t child = ::fork();
  if (child == 0) {
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(77);
    std::raise(SIGSTOP);
    dispatch();
    return 0;
  }
  int state = 0;
  ::waitpid(child, &state, 0);
  if (WIFEXITED(state) && WEXITSTATUS(state) == 77) {
    std::puts("SKIP: a process may not be stepped here");
    return 77;
  }
  if (!is_mark(child, PTRACE_CONT)) return 1;
  int count = 0;
  while (!is_mark(child, PTRACE_SINGLESTEP)) ++count;
  ::ptrace(PTRACE_CONT, child, nullptr, nullptr);
  const bool ended = ::waitpid(child, &state, 0) == child && WIFEXITED(state) && WEXITSTATUS(state) == 0;
  std::printf("%d instructions from the exit to the read\n", count);
  return ended && count <= most ? 0 : 1;
}
