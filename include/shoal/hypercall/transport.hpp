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

/// More than there are numbers of calls.
inline constexpr std::uint32_t most_numbers = 0x1000;

/// The call that an access is: a write of 32 bits to a port (x86-64) or to an address from mmio_base on
/// (aarch64). unsupported for all others.
[[nodiscard]] constexpr status_or<call> call_of(const guest_access& access) noexcept {
  const bool port = access.where == guest_access::space::port;
  const std::uint64_t base = port ? port_base : mmio_base;
  const std::uint64_t step = port ? 1 : 8;
  if (!access.is_write || access.width != 4) return status::unsupported;
  const std::uint64_t offset = access.address - base;  // below it, more than there is
  if (offset % step != 0 || offset / step >= most_numbers) return status::unsupported;
  return call{static_cast<std::uint32_t>(offset / step), access.value & 0xffff'ffff};
}

[[nodiscard]] constexpr guest_access::space space_of(const guest_access& access) noexcept {
  return access.where;
}
[[nodiscard]] constexpr guest_access access_of(const guest_access& access) noexcept {
  return access;
}

/// What a processor has left its guest for, valid until it runs again: a guest_access, or what becomes one when
/// somebody looks, as nobody does at a call.
template <class E>
concept guest_exit = requires(const E& exit) {
  { space_of(exit) } noexcept -> std::same_as<guest_access::space>;
  { access_of(exit) } noexcept -> std::same_as<guest_access>;
  { call_of(exit) } noexcept -> std::same_as<status_or<call>>;
};

/// `run()`: runs the guest up to its next access: a status_or<> of a guest_exit. timed_out when it was told to
/// stop, failed when it cannot run on.
template <class V>
concept vcpu = requires(V& processor) {
  { processor.run() } noexcept;
  { processor.run().code } -> std::convertible_to<status>;
  requires guest_exit<decltype(processor.run().value)>;
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
    // Not const, here and on all of the way of a call: g++ 12 keeps a const structure that a function has
    // filled in memory, and any other in registers.
    auto exit = processor.run();
    if (!exit) return {exit.code == status::timed_out ? ending_reason::stopped : ending_reason::crashed, {}};
    status_or<call> what = call_of(*exit);
    if (!what) return {ending_reason::access, access_of(*exit)};
    switch (table.handle(*what, memory)) {
      case outcome::resume: break;
      case outcome::halt: return {ending_reason::halted, access_of(*exit)};
      case outcome::fault: return {ending_reason::refused, access_of(*exit)};
      case outcome::not_mine:
        if (policy == unknown_call::stops) return {ending_reason::unserved, access_of(*exit)};
    }
  }
}

}  // namespace shoal::hypercall
