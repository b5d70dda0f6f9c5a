// SPDX-License-Identifier: BSL-1.0
//
// kvm_tender GUEST...: runs unikernels in KVM, one after the other, and says how each ends; as the first
// process of a kernel it then switches the machine off. For machines that have a kernel and nothing else.
#include <cstdio>
#include <string>

#include <sys/mount.h>
#include <sys/reboot.h>
#include <unistd.h>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/base/status.hpp>
#include <shoal/hypercall/program.hpp>
#include <shoal/os/linux/hvt_machine.hpp>
#include <shoal/os/linux/stop_signals.hpp>

#include "small_tender.hpp"

namespace {

using namespace shoal;

int run(const char* name, const linux_os::stop_signals& stop) {
  const std::string file = content_of(name);
  const auto guest = hypercall::program::parse(as_bytes(file), this_machine, 4_MiB);
  if (!guest) return small_tender::stopped;
  small_tender host{guest->devices()};
  const result<linux_os::kvm_host> kvm = linux_os::kvm_host::open();
  if (!kvm) {
    std::printf("no KVM: %s\n", kvm.error().message().c_str());
    return small_tender::stopped;
  }
  auto machine = linux_os::hvt_machine::create(*kvm, *guest, host.devices(), {}, stop.set());
  if (!machine) {
    std::printf("no guest: %s\n", machine.error().message().c_str());
    return small_tender::stopped;
  }
  return host.serve(machine->cpu(), machine->memory());
}

}  // namespace

int main(int argc, char** argv) {
  const bool alone = ::getpid() == 1;
  if (alone) ::mount("dev", "/dev", "devtmpfs", 0, nullptr);
  const linux_os::stop_signals stop;
  int worst = 0;
  for (int i = 1; i < argc; ++i) {
    const int status = run(argv[i], stop);
    std::printf("%s ended with %d\n", argv[i], status);
    std::fflush(stdout);
    if (status != 0) worst = status;
  }
  if (alone) ::reboot(RB_POWER_OFF);
  return worst;
}
