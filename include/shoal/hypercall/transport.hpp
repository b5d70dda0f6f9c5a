// SPDX-License-Identifier: BSL-1.0
//
// How a call leaves a processor, and serve(), which runs a guest until it ends. Freestanding.
//
//     const ending e = serve(vcpu, table, memory);
//     if (e.why == ending_reason::halted) return halt.exit_status();
//     complain(e);
//
// Of the tender. A vcpu is whatever runs a guest up to its next access that is no memory: KVM, or a script in a
// test. Leaves out accesses to devices at other addresses: a vcpu serves those itself.
#pragma once

#include <concepts>
#include <cstdint>

#include <shoal/base/status.hpp>
#include <shoal/hal/guest_memory.hpp>
#include <shoal/hypercall/abi.hpp>
#include <shoal/hypercall/handler.hpp>

namespace shoal::hypercall {

/// An access that a guest cannot make by itself.
struct guest_access {
  enum class space : std::uint8_t { port, memory };
  space where = space::port;
  bool is_write = false;
  std::uint8_t width = 0;  ///< bytes
  std::uint64_t address = 0;
  std::uint64_t value = 0;  ///< of a write
  friend constexpr bool operator==(const guest_access&, const guest_access&) noexcept = default;
};

/// The call that an access is: a write of 32 bits to a port (x86-64) or to an address from mmio_base on
/// (aarch64). unsupported for all others.
[[nodiscard]] constexpr status_or<call> call_of(const guest_access& access) noexcept {
  constexpr std::uint64_t most = 0x1000;  // numbers: more than there will be
  const bool port = access.where == guest_access::space::port;
  const std::uint64_t base = port ? port_base : mmio_base;
  const std::uint64_t step = port ? 1 : 8;
  if (!access.is_write || access.width != 4) return status::unsupported;
  const std::uint64_t offset = access.address - base;  // below it, more than there is
  if (offset % step != 0 || offset / step >= most) return status::unsupported;
  return call{static_cast<std::uint32_t>(offset / step), access.value & 0xffff'ffff};
}

/// `run()`: runs the guest up to its next access. timed_out when it was told to stop, failed when it cannot run
/// on.
template <class V>
concept vcpu = requires(V& processor) {
  { processor.run() } noexcept -> std::same_as<status_or<guest_access>>;
};

enum class ending_reason : std::uint8_t {
  halted,    ///< as the guest wished
  stopped,   ///< the vcpu was told to
  crashed,   ///< the vcpu cannot run on
  access,    ///< it reached for a device that is not there
  unserved,  ///< a call with a number that nobody serves
  refused,   ///< a call that a handler did not let pass
};

/// How a guest ended, and by which access.
struct ending {
  ending_reason why = ending_reason::halted;
  guest_access last;
  friend constexpr bool operator==(const ending&, const ending&) noexcept = default;
};

/// What becomes of a guest that calls a number which nobody serves.
enum class unknown_call : std::uint8_t {
  stops,  ///< as with Solo5
  passes  ///< the guest runs on; nothing is written
};

template <vcpu V, class Table, hal::guest_memory M>
  requires hypercall_handler<Table, M>
ending serve(V& processor, Table& table, M& memory, unknown_call policy = unknown_call::stops) noexcept {
  while (true) {
    const status_or<guest_access> access = processor.run();
    if (!access) {
      return {access.code == status::timed_out ? ending_reason::stopped : ending_reason::crashed, {}};
    }
    const status_or<call> what = call_of(*access);
    if (!what) return {ending_reason::access, *access};
    switch (table.handle(*what, memory)) {
      case outcome::resume: break;
      case outcome::halt: return {ending_reason::halted, *access};
      case outcome::fault: return {ending_reason::refused, *access};
      case outcome::not_mine:
        if (policy == unknown_call::stops) return {ending_reason::unserved, *access};
    }
  }
}

}  // namespace shoal::hypercall
