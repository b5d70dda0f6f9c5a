// SPDX-License-Identifier: BSL-1.0
//
// What a whole kernel says of itself: its tasks and what they have open, modules and processors, with layouts
// and symbols found on the way.
//
//     result<task_list> tasks = tasks_of(*kernel);                         // *kernel: linux_kernel
//     result<module_list> modules = modules_of(*kernel);
//     if (tasks) for (const kernel_task& each : tasks->tasks) print(each.pid, each.comm);
//
// Errors are not_found, for a kernel that has no such symbol or field.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <shoal/base/endian.hpp>
#include <shoal/base/result.hpp>
#include <shoal/vmi/kernel_list.hpp>
#include <shoal/vmi/linux/hidden_modules.hpp>
#include <shoal/vmi/linux/hidden_tasks.hpp>
#include <shoal/vmi/linux/kernel_image.hpp>
#include <shoal/vmi/linux/kernel_range.hpp>
#include <shoal/vmi/linux/linux_kernel.hpp>
#include <shoal/vmi/linux/module_list.hpp>
#include <shoal/vmi/linux/open_files.hpp>
#include <shoal/vmi/linux/sockets.hpp>
#include <shoal/vmi/linux/task_list.hpp>
#include <shoal/vmi/object.hpp>

namespace shoal::vmi {

/// No more processors are looked at: Linux is built for 8,192 at most.
inline constexpr std::size_t max_processors = 8192;

template <physical_memory M>
[[nodiscard]] result<task_list> tasks_of(linux_kernel<M>& kernel) {
  const result<task_layout> layout = task_layout::resolve(kernel.types());
  const result<virtual_address> init = kernel.symbol("init_task");
  if (!layout || !init) return errc::not_found;
  return read_tasks(kernel.space(), *layout, *init);
}

template <physical_memory M>
[[nodiscard]] result<module_list> modules_of(linux_kernel<M>& kernel) {
  const result<module_layout> layout = module_layout::resolve(kernel.types());
  const result<virtual_address> head = kernel.symbol("modules");
  if (!layout || !head) return errc::not_found;
  return read_modules(kernel.space(), *layout, *head);
}

/// What is different for each processor: where `variable` is for those that are at work.
template <physical_memory M>
[[nodiscard]] std::vector<virtual_address> per_processor(linux_kernel<M>& kernel, virtual_address variable) {
  std::vector<virtual_address> out;
  const result<virtual_address> online = kernel.symbol("__cpu_online_mask");
  const result<virtual_address> offsets = kernel.symbol("__per_cpu_offset");
  const result<std::uint32_t> count = kernel.template number<std::uint32_t>("nr_cpu_ids");
  if (!online || !offsets || !count) return out;
  for (std::size_t i = 0; i < std::min<std::size_t>(*count, max_processors); ++i) {
    const status_or<std::uint8_t> byte = read_number<std::uint8_t>(kernel.space(), *online + i / 8);
    if (!byte || (*byte >> i % 8 & 1) == 0) continue;
    const auto width = static_cast<std::uint64_t>(kernel.space().width());
    const status_or<virtual_address> offset = read_pointer(kernel.space(), *offsets + width * i);
    if (offset) out.push_back(variable + value(*offset));
  }
  return out;
}

/// Where numbers of processes are given: by its symbol, or as the first task has it.
template <physical_memory M>
[[nodiscard]] result<virtual_address> first_pid_space(linux_kernel<M>& kernel) {
  result<virtual_address> named = kernel.symbol("init_pid_ns");
  if (named) return named;
  const result<virtual_address> init = kernel.symbol("init_task");
  const auto task = record<"task_struct", "thread_pid">::resolve(kernel.types());
  const auto pid = record<"pid", "numbers">::resolve(kernel.types());
  const auto number = record<"upid", "ns">::resolve(kernel.types());
  if (!init || !task || !pid || !number) return errc::not_found;
  const auto own = object{kernel.space(), *task, *init}.template pointer<"thread_pid">();
  if (!own) return make_error_code(own.code);
  const virtual_address first = object{kernel.space(), *pid, *own}.template address_of<"numbers">();
  const auto space = object{kernel.space(), *number, first}.template pointer<"ns">();
  if (!space) return make_error_code(space.code);
  return *space;
}

/// Without queues where the kernel has no symbol for them.
template <physical_memory M>
[[nodiscard]] result<task_places> task_places_of(linux_kernel<M>& kernel) {
  const result<virtual_address> init = kernel.symbol("init_task");
  const result<virtual_address> numbers = first_pid_space(kernel);
  const result<virtual_address> queue = kernel.symbol("runqueues");
  if (!init || !numbers) return errc::not_found;
  pid_table_place pids{*numbers, {}, 0};
  const result<virtual_address> hash = kernel.pointer("pid_hash");  // before Linux 4.15
  const result<std::uint32_t> shift = kernel.template number<std::uint32_t>("pidhash_shift");
  if (hash && shift) pids = {*numbers, *hash, *shift};
  return task_places{*init, pids, queue ? per_processor(kernel, *queue) : std::vector<virtual_address>{}};
}

/// The process or thread with a number, by the pid table: whether it is in the list of tasks or not.
template <physical_memory M>
[[nodiscard]] result<kernel_task> find_task(linux_kernel<M>& kernel, std::uint32_t pid) {
  const result<hidden_task_layout> layout = hidden_task_layout::resolve(kernel.types());
  const result<task_places> places = task_places_of(kernel);
  if (!layout || !places) return errc::not_found;
  pid_walk pids{kernel.space(), layout->pids, places->pids, 4 * max_tasks};
  while (const status_or<pid_entry> each = pids.next()) {
    if (each->number != pid) continue;
    const status_or<virtual_address> link = pids.task_link(*each);
    if (!link || value(*link) == 0) break;
    const virtual_address at = layout->tasks.task.template owner<"pid_links">(*link);
    if (std::optional<kernel_task> task = read_task(kernel.space(), layout->tasks, at)) return std::move(*task);
    break;
  }
  return errc::not_found;
}

template <physical_memory M>
[[nodiscard]] result<open_file_list> open_files_of(linux_kernel<M>& kernel, const kernel_task& task) {
  const result<open_file_layout> layout = open_file_layout::resolve(kernel.types());
  if (!layout) return layout.error();
  path_places places;
  if (const result<virtual_address> lock = kernel.symbol("rename_lock")) places.rename_lock = *lock;
  if (const result<virtual_address> lock = kernel.symbol("mount_lock")) places.mount_lock = *lock;
  return read_open_files(kernel.space(), *layout, places, task.address);
}

struct open_socket {
  std::uint32_t number = 0;  ///< the descriptor
  kernel_socket socket;
};

struct socket_list {
  std::vector<open_socket> sockets;  ///< by their numbers
  walk_end end = walk_end::walking;
};

/// The sockets among what a task has open. One that is closed while it is read is not unreadable: they are all
/// read again then.
template <physical_memory M>
[[nodiscard]] result<socket_list> sockets_of(linux_kernel<M>& kernel, const kernel_task& task) {
  const result<socket_layout> layout = socket_layout::resolve(kernel.types());
  const result<virtual_address> operations = kernel.symbol("socket_file_ops");
  if (!layout || !operations) return errc::not_found;
  socket_list out;
  for (int tries = 0; tries < 4 && out.end != walk_end::complete; ++tries) {
    const result<open_file_list> files = open_files_of(kernel, task);
    if (!files) return files.error();
    out = {{}, files->end};
    for (const open_file& each : files->files) {
      if (each.operations != *operations) continue;
      std::optional<kernel_socket> socket = read_socket(kernel.space(), *layout, each);
      if (socket) out.sockets.push_back({each.number, std::move(*socket)});
      if (!socket) out.end = walk_end::unreadable;
    }
  }
  return out;
}

/// The set of modules in sysfs, as the first module has it. not_found when there is none.
template <physical_memory M>
[[nodiscard]] result<virtual_address> kset_of_modules(linux_kernel<M>& kernel) {
  const result<virtual_address> head = kernel.symbol("modules");
  const auto layout = record<"module", "list", "mkobj.kobj.kset">::resolve(kernel.types());
  if (!head || !layout) return errc::not_found;
  const status_or<virtual_address> first = list_walk{kernel.space(), *head, 1}.next();
  if (!first) return errc::not_found;
  const virtual_address at = layout->template owner<"list">(*first);
  const auto kset = object{kernel.space(), *layout, at}.template pointer<"mkobj.kobj.kset">();
  if (!kset) return make_error_code(kset.code);
  return *kset;
}

/// Where a kernel may map its modules. On x86-64: what is left of the last 2 GiB behind its image
/// (Documentation/arch/x86/x86_64/mm.rst of Linux). On 64-bit ARM: on both sides of its image, as far as a
/// module can reach it (arch/arm64/mm/init.c). On 32-bit ARM: below its code, where it has ever had one by its
/// own account; no area when that is not told.
template <physical_memory M>
[[nodiscard]] std::vector<kernel_range> module_areas_of(linux_kernel<M>& kernel) {
  const virtual_address text{value(kernel.place().text) / 4096 * 4096};
  const virtual_address end = text + (kernel_image{kernel.space(), kernel.place()}.size() + 4095) / 4096 * 4096;
  if (is_x86(kernel.place().format)) {
    constexpr virtual_address first{0xffff'ffff'a000'0000};
    constexpr virtual_address last{0xffff'ffff'ff00'0000};
    return {{std::max(first, end), last}};
  }
  if (kernel.space().width() == pointer_width::eight) {
    return {{text - max_module_area, text}, {end, end + max_module_area}};
  }
  const result<module_layout> layout = module_layout::resolve(kernel.types());
  const result<virtual_address> tree = kernel.symbol("mod_tree");
  if (!layout || !tree) return {};
  const object root{kernel.space(), layout->tree, *tree};
  const auto lowest = root.template pointer<"addr_min">();
  const auto highest = root.template pointer<"addr_max">();
  if (!lowest || !highest) return {};
  const virtual_address upto = std::min(*highest, text);
  return {{std::min(*lowest, upto), upto}};  // an empty one when none was ever loaded
}

/// Zero for what a kernel does not have.
template <physical_memory M>
[[nodiscard]] module_places module_places_of(linux_kernel<M>& kernel) {
  module_places out;
  result<virtual_address> kset = kernel.pointer("module_kset");
  if (!kset) kset = kset_of_modules(kernel);
  const result<virtual_address> tree = kernel.symbol("mod_tree");
  if (kset) out.kset = *kset;
  if (tree) out.tree = *tree;
  out.areas = module_areas_of(kernel);
  return out;
}

}  // namespace shoal::vmi
