// SPDX-License-Identifier: BSL-1.0
//
// check_kernel: all that this room knows to ask of a Linux kernel, at once. take_baseline: what to hold it
// against later.
//
//     const result<kernel_baseline> before = take_baseline(*kernel, digester);      // while all is well
//     ...
//     kernel->look_again();
//     for (const finding& each : check_kernel(*kernel, digester, &*before)) alert(each);
//
// Without a baseline it finds what is wrong in itself. The guest may be running, and lists change while they
// are read: look again at what was found before it is believed (found_in_both).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <shoal/base/result.hpp>
#include <shoal/crypto/hasher.hpp>
#include <shoal/vmi/finding.hpp>
#include <shoal/vmi/linux/code_names.hpp>
#include <shoal/vmi/linux/code_pages.hpp>
#include <shoal/vmi/linux/credentials.hpp>
#include <shoal/vmi/linux/hidden_modules.hpp>
#include <shoal/vmi/linux/hidden_tasks.hpp>
#include <shoal/vmi/linux/interrupt_table.hpp>
#include <shoal/vmi/linux/kernel_baseline.hpp>
#include <shoal/vmi/linux/kernel_views.hpp>
#include <shoal/vmi/linux/linux_kernel.hpp>
#include <shoal/vmi/linux/system_calls.hpp>

namespace shoal::vmi {

/// Detail of a finding: symbols and types of the kernel are not enough. A file of its build may have them.
inline constexpr std::string_view not_told = "this kernel does not tell where";

namespace detail {

/// The functions through which a program enters the kernel: where its code changed is told of them by name.
inline constexpr std::array<std::string_view, 16> entry_functions{
    "x64_sys_call", "do_syscall_64", "entry_SYSCALL_64", "entry_SYSCALL_64_after_hwframe", "ia32_sys_call",
    "do_int80_syscall_32", "asm_exc_page_fault", "exc_page_fault",
    // 64-bit ARM
    "vectors", "el0t_64_sync", "el0t_64_sync_handler", "el0_svc", "do_el0_svc", "invoke_syscall",
    // 32-bit ARM
    "vector_swi", "ret_fast_syscall"};

template <physical_memory M>
[[nodiscard]] jump_code jump_code_of(linux_kernel<M>& kernel) noexcept {
  if (is_x86(kernel.place().format)) return jump_code::x86_64;
  return kernel.space().width() == pointer_width::four ? jump_code::arm_32 : jump_code::arm_64;
}

struct kernel_area {
  std::string name;
  kernel_range range;
  bool constant = false;
};

/// What of a kernel is never written, but for its jumps.
[[nodiscard]] inline std::vector<kernel_area> constant_areas(const symbol_table& symbols) {
  std::vector<kernel_area> out;
  const auto add = [&](std::string_view name, const std::optional<kernel_range>& range, bool constant) {
    if (range && range->size() <= max_code_size) out.push_back({std::string{name}, *range, constant});
  };
  add("text", find_range(symbols, "_stext", "_etext"), false);
  add("constants", find_range(symbols, "__start_rodata", "__end_rodata"), true);
  for (const std::string_view name : entry_functions) {
    const std::optional<symbol> begin = symbols.find(name);
    if (!begin) continue;
    const std::size_t next = symbols.from(begin->address + 1);
    if (next != symbols.size()) add(name, kernel_range{begin->address, symbols[next].address}, false);
  }
  return out;
}

/// Of 32-bit ARM: the page that exceptions enter through, and the one behind it, where that of system calls
/// finds its function. Nothing where the vectors are low, or not there. ARMv7 never writes there; processors
/// without a register for it keep a thread's number in that page.
template <physical_memory M>
[[nodiscard]] std::optional<kernel_area> vectors_area(linux_kernel<M>& kernel) {
  if (kernel.space().width() != pointer_width::four) return std::nullopt;
  constexpr virtual_address vectors{0xffff'0000};
  constexpr std::uint64_t page = 4096;
  std::array<std::byte, 4> word{};
  for (const virtual_address at : {vectors, vectors + page}) {
    if (kernel.space().read(at, word) != status::ok) return std::nullopt;
  }
  return kernel_area{"page of vectors", {vectors, vectors + 2 * page}, false};
}

template <physical_memory M, digester Digester>
class kernel_check {
 public:
  kernel_check(linux_kernel<M>& kernel, const Digester& digester, const kernel_baseline* before)
      : kernel_(kernel), digester_(digester), before_(before) {}

  std::vector<finding> run() {
    const result<module_list> modules = modules_of(kernel_);
    check_modules(modules);
    const code_names names{kernel_.symbols(), modules ? &*modules : nullptr};
    check_tables(names);
    check_tasks();
    if (before_ != nullptr) check_areas(names);
    return std::move(findings_);
  }

 private:
  void check_modules(const result<module_list>& modules) {
    const result<module_layout> layout = module_layout::resolve(kernel_.types());
    if (!modules || !layout) return cannot("the list of modules", modules ? layout.error() : modules.error());
    const module_places places = module_places_of(kernel_);
    if (value(places.kset) == 0) cannot("modules in sysfs", errc::not_found);
    if (value(places.tree) == 0) cannot("the tree of modules", errc::not_found);
    if (places.areas.empty()) cannot("modules in memory", errc::not_found);
    add(find_hidden_modules(kernel_.space(), *layout, places, *modules));
  }

  void check_tables(const code_names& names) {
    const result<system_call_table> calls = read_system_calls(kernel_.space(), kernel_.symbols());
    if (calls) {
      add(check_system_calls(*calls, names, kernel_.symbols(),
                             before_ != nullptr ? before_->system_calls : std::vector<virtual_address>{}));
    } else {
      cannot("the table of system calls", calls.error());
    }
    // others enter the kernel by code alone
    if (!is_x86(kernel_.place().format)) return;
    const result<virtual_address> at = kernel_.symbol("idt_table");
    const result<interrupt_table> gates =
        at ? read_interrupt_table(kernel_.space(), *at) : result<interrupt_table>{errc::not_found};
    if (!gates) return cannot("the table of interrupts", gates.error());
    std::optional<interrupt_table> old;
    if (before_ != nullptr && before_->interrupts.size() == interrupt_vectors) {
      std::ranges::copy(before_->interrupts, old.emplace().begin());
    }
    add(check_interrupt_table(*gates, names, old ? &*old : nullptr));
  }

  void check_tasks() {
    const result<hidden_task_layout> layout = hidden_task_layout::resolve(kernel_.types());
    const result<task_places> places = task_places_of(kernel_);
    const result<task_list> tasks = tasks_of(kernel_);
    if (!tasks) return cannot("the list of tasks", tasks.error());
    add(find_shared_credentials(*tasks));
    if (before_ != nullptr) add(find_changed_credentials(before_->rights, *tasks));
    if (!layout || !places) return cannot("hidden tasks", layout ? places.error() : layout.error());
    if (!kernel_.symbol("runqueues")) cannot("the queues of processors", errc::not_found);
    add(find_hidden_tasks(kernel_.space(), *layout, *places, *tasks));
  }

  void check_areas(const code_names& names) {
    const jump_sites sites = read_jump_sites(kernel_.space(), kernel_.symbols(), jump_code_of(kernel_));
    for (const kernel_baseline::area& area : before_->areas) {
      const result<page_digests> now =
          digest_pages(kernel_.space(), area.digests.range, area.constant ? jump_sites{} : sites, digester_);
      if (!now || now->unreadable != area.digests.unreadable) {
        cannot("the kernel's " + area.name, errc::out_of_range);
        continue;
      }
      const auto kind = area.constant ? finding_kind::constant_changed : finding_kind::code_changed;
      for (const virtual_address page : changed_pages(area.digests, *now)) {
        if (findings_.size() >= max_findings) return;
        const bool whole = area.name == "text" || area.constant;
        findings_.push_back({kind, page, whole ? "page " + hexadecimal(value(page)) : printable(area.name),
                             "is not what it was; there is " +
                                 (area.constant ? names.describe_data(page) : names.describe(page))});
      }
    }
  }

  void add(std::vector<finding> more) {
    findings_.insert(findings_.end(), std::make_move_iterator(more.begin()),
                     std::make_move_iterator(more.end()));
  }
  void cannot(std::string what, std::error_code why) {
    const std::string_view detail = why == errc::not_found ? not_told : "some of it is not there";
    findings_.push_back({finding_kind::unreadable, {}, std::move(what), std::string{detail}});
  }

  linux_kernel<M>& kernel_;
  const Digester& digester_;
  const kernel_baseline* before_;
  std::vector<finding> findings_;
};

}  // namespace detail

/// One look at all.
///
/// @param before  of this boot (see belongs_to), or null
template <physical_memory M, digester Digester>
[[nodiscard]] std::vector<finding> check_kernel(linux_kernel<M>& kernel, const Digester& digester,
                                                const kernel_baseline* before = nullptr) {
  return detail::kernel_check<M, Digester>{kernel, digester, before}.run();
}

/// Whether a baseline may be of this boot: it is of the same kernel, at the same place.
template <physical_memory M>
[[nodiscard]] bool belongs_to(const kernel_baseline& baseline, const linux_kernel<M>& kernel) {
  return baseline.banner == kernel.banner() && baseline.text == kernel.place().text;
}

/// How a kernel is now. not_found when its symbols or types do not tell where to look; out_of_range when
/// something cannot be read.
template <physical_memory M, digester Digester>
[[nodiscard]] result<kernel_baseline> take_baseline(linux_kernel<M>& kernel, const Digester& digester) {
  kernel_baseline out;
  out.banner = kernel.banner();
  out.text = kernel.place().text;
  const jump_sites sites = read_jump_sites(kernel.space(), kernel.symbols(), detail::jump_code_of(kernel));
  std::vector<detail::kernel_area> areas = detail::constant_areas(kernel.symbols());
  if (auto vectors = detail::vectors_area(kernel)) areas.push_back(std::move(*vectors));
  for (detail::kernel_area& area : areas) {
    result<page_digests> digests =
        digest_pages(kernel.space(), area.range, area.constant ? jump_sites{} : sites, digester);
    if (!digests) return digests.error();
    if (digests->unreadable != 0) return errc::out_of_range;
    out.areas.push_back({std::move(area.name), area.constant, std::move(*digests)});
  }
  result<system_call_table> calls = read_system_calls(kernel.space(), kernel.symbols());
  if (!calls) return calls.error();
  out.system_calls = std::move(calls->entries);
  if (is_x86(kernel.place().format)) {
    const result<virtual_address> gates_at = kernel.symbol("idt_table");
    if (!gates_at) return gates_at.error();
    const result<interrupt_table> gates = read_interrupt_table(kernel.space(), *gates_at);
    if (!gates) return gates.error();
    out.interrupts.assign(gates->begin(), gates->end());
  }
  const result<task_list> tasks = tasks_of(kernel);
  if (!tasks) return tasks.error();
  out.rights = rights_of(*tasks);
  return out;
}

}  // namespace shoal::vmi
