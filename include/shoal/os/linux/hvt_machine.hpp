// SPDX-License-Identifier: BSL-1.0
//
// hvt_machine: a unikernel in KVM, ready to run: memory with the protections that its program asks for, tables,
// boot info, a processor at its first instruction.
//
//     status_or<program> guest = program::parse(file, architecture::x86_64, 64_MiB);
//     manifest devices = guest->devices();                                            // attach them
//     result<hvt_machine> machine = hvt_machine::create(host, *guest, devices, {}, stop.set());
//     const ending e = serve(machine->cpu(), table, machine->memory());
//
// Of x86-64 on x86-64, of aarch64 on aarch64; elsewhere there is nothing in it.
#pragma once

#include <shoal/os/linux/kvm_aarch64.hpp>
#include <shoal/os/linux/kvm_x86_64.hpp>

#if defined(__x86_64__) || defined(__aarch64__)

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include <shoal/base/bytes.hpp>
#include <shoal/base/error.hpp>
#include <shoal/base/result.hpp>
#include <shoal/base/status.hpp>
#include <shoal/hal/guest_memory.hpp>
#include <shoal/hypercall/aarch64_machine.hpp>
#include <shoal/hypercall/guest_ram.hpp>
#include <shoal/hypercall/manifest.hpp>
#include <shoal/hypercall/program.hpp>
#include <shoal/hypercall/x86_64_machine.hpp>
#include <shoal/os/linux/kvm.hpp>
#include <shoal/os/linux/kvm_vcpu.hpp>

namespace shoal::linux_os {

class hvt_machine {
 public:
  /// @param guest    outlives this; its file need not
  /// @param devices  with what is attached
  /// @param options  the counter's frequency is found here
  /// @param stop     see kvm_vcpu
  /// @param pages    its memory, of guest.memory_size() bytes of zero; errc::invalid_argument for others
  /// @return what KVM says, or what load() and write_boot_info() say
  [[nodiscard]] static result<hvt_machine> create(const kvm_host& host, const hypercall::program& guest,
                                                  const hypercall::manifest& devices,
                                                  hypercall::boot_options options, const sigset_t& stop,
                                                  result<guest_pages> pages) {
    if (!pages) return pages.error();
    if (pages->bytes().size() != guest.memory_size()) return errc::invalid_argument;
    result<kvm_machine> machine = kvm_machine::create(host);
    if (!machine) return machine.error();
    if (const result<> mapped = map(*machine, pages->bytes(), guest.protections()); !mapped)
      return mapped.error();
    result<kvm_vcpu> cpu = kvm_vcpu::create(host, *machine, stop);
    if (!cpu) return cpu.error();
    const result<std::uint64_t> frequency = counter_frequency(*cpu);
    if (!frequency) return frequency.error();
    options.cycle_frequency = *frequency;
    if (const status s = fill(pages->bytes(), guest, devices, options); s != status::ok)
      return make_error_code(s);
    if (const result<> set = start(host, *machine, *cpu, guest); !set) return set.error();
    return hvt_machine{std::move(*machine), std::move(*pages), std::move(*cpu), guest.protections()};
  }

  /// The same with memory of this process alone.
  [[nodiscard]] static result<hvt_machine> create(const kvm_host& host, const hypercall::program& guest,
                                                  const hypercall::manifest& devices,
                                                  const hypercall::boot_options& options,
                                                  const sigset_t& stop) {
    return create(host, guest, devices, options, stop,
                  guest_pages::allocate(static_cast<std::size_t>(guest.memory_size())));
  }

  /// All of the guest's memory from address 0 on, to look into: vmi::bytes_source. Valid as long as this, also
  /// when it is moved.
  [[nodiscard]] bytes_view ram() const noexcept { return pages_.bytes(); }
  /// As calls may use it. Valid until this is moved.
  [[nodiscard]] hypercall::guest_ram& memory() noexcept { return ram_; }
  [[nodiscard]] kvm_vcpu& cpu() noexcept { return cpu_; }

 private:
  hvt_machine(kvm_machine machine, guest_pages pages, kvm_vcpu cpu,
              std::span<const hypercall::protection> protections) noexcept
      : pages_(std::move(pages)),
        machine_(std::move(machine)),
        cpu_(std::move(cpu)),
        ram_(pages_.bytes(), protections) {}

  /// What is only to be read is a slot of its own: a write to it leaves the guest. Neighbours share one,
  /// because KVM waits for each slot.
  static result<> map(kvm_machine& machine, bytes_span ram,
                      std::span<const hypercall::protection> protections) {
    std::uint64_t at = 0;
    const auto add = [&](std::uint64_t end, bool writable) -> result<> {
      if (end == at) return {};
      const bytes_span part = ram.subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(end - at));
      const result<kvm_slot> added = machine.add_memory(hal::guest_address{at}, part, {.writable = writable});
      at = end;
      return added ? result<>{} : added.error();
    };
    std::uint64_t end = 0;  // of what is only to be read and has no slot yet
    for (const hypercall::protection& p : protections) {
      if (p.writable) continue;
      if (p.first != end) {
        if (const result<> before = add(end, false); !before) return before;
        if (const result<> between = add(p.first, true); !between) return between;
      }
      end = p.end;
    }
    if (const result<> last = add(end, false); !last) return last;
    return add(ram.size(), true);
  }

#ifdef __x86_64__
  static result<> start(const kvm_host& host, const kvm_machine&, const kvm_vcpu& cpu,
                        const hypercall::program& guest) {
    return start_processor(host, cpu, hypercall::x86_64_entry_state(guest.entry(), guest.memory_size()));
  }
  static status write_tables(hal::guest_regions<1>& memory, std::uint64_t size, bool registers) noexcept {
    return hypercall::write_x86_64_tables(memory, size, registers);
  }
#else
  static result<> start(const kvm_host&, const kvm_machine& machine, const kvm_vcpu& cpu,
                        const hypercall::program& guest) {
    return start_processor(machine, cpu, hypercall::aarch64_entry_state(guest.entry(), guest.memory_size()));
  }
  static status write_tables(hal::guest_regions<1>& memory, std::uint64_t size, bool) noexcept {
    return hypercall::write_aarch64_tables(memory, size);
  }
#endif

  static status fill(bytes_span ram, const hypercall::program& guest, const hypercall::manifest& devices,
                     const hypercall::boot_options& options) noexcept {
    hal::guest_regions<1> all;
    if (const status s = all.add(hal::guest_address{0}, ram); s != status::ok) return s;
    const bool registers = std::ranges::any_of(devices.devices(), [](const hypercall::manifest_entry& each) {
      return hypercall::has_registers(each.kind());
    });
    if (const status s = write_tables(all, ram.size(), registers); s != status::ok) return s;
    if (const status s = guest.load(all); s != status::ok) return s;
    return hypercall::write_boot_info(all, guest, devices, options);
  }

  guest_pages pages_;  // goes when no machine has it any more
  kvm_machine machine_;
  kvm_vcpu cpu_;
  hypercall::guest_ram ram_;
};

}  // namespace shoal::linux_os

#endif
