// SPDX-License-Identifier: BSL-1.0
//
// task_list: the processes of a Linux kernel by its list of tasks, as `ps` inside would print them.
//
//     const auto layout = task_layout::resolve(types);
//     const task_list all = read_tasks(kernel, *layout, init_task);
//     for (const kernel_task& each : all.tasks) print(each.pid, each.uid, each.comm);
//     if (all.end != walk_end::complete) warn(all.end);
//
// Threads are not in this list: hidden_tasks.hpp looks at them too.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <shoal/base/result.hpp>
#include <shoal/base/status.hpp>
#include <shoal/vmi/address_space.hpp>
#include <shoal/vmi/finding.hpp>
#include <shoal/vmi/kernel_list.hpp>
#include <shoal/vmi/object.hpp>

namespace shoal::vmi {

/// No more tasks are read: Linux gives no larger process ids on 64 bits.
inline constexpr std::size_t max_tasks = std::size_t{4} << 20;

namespace detail {

/// Fields under the names that older kernels have for them.
template <type_source Types>
struct with_older_names {
  const Types& types;

  [[nodiscard]] std::optional<field_layout> layout(std::string_view type, std::string_view path) const {
    const std::optional<field_layout> found = types.layout(type, path);
    if (found || type != "task_struct" || path != "pid_links") return found;
    return types.layout(type, "pids");  // before Linux 4.19: with a pointer behind each link
  }
};

}  // namespace detail

/// Where the fields are that checks of tasks need.
struct task_layout {
  using task_record =
      record<"task_struct", "tasks", "pid", "tgid", "comm", "mm", "flags", "real_parent", "group_leader",
             "cred", "children", "sibling", "pid_links", "start_time", "self_exec_id">;
  using cred_record =
      record<"cred", "uid", "gid", "euid", "egid", "suid", "fsuid", "cap_permitted", "cap_effective">;
  task_record task;
  cred_record cred;

  /// not_found when the types lack a field.
  template <type_source Types>
  [[nodiscard]] static result<task_layout> resolve(const Types& types) {
    const result<task_record> tasks = task_record::resolve(detail::with_older_names<Types>{types});
    if (!tasks) return tasks.error();
    const result<cred_record> creds = cred_record::resolve(types);
    if (!creds) return creds.error();
    return task_layout{*tasks, *creds};
  }
};

/// A set of credentials.
struct kernel_cred {
  virtual_address address{};
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t euid = 0;
  std::uint32_t egid = 0;
  std::uint32_t suid = 0;
  std::uint32_t fsuid = 0;
  std::uint64_t permitted = 0;  ///< capabilities, bit by bit
  std::uint64_t effective = 0;
  friend bool operator==(const kernel_cred&, const kernel_cred&) = default;
};

struct kernel_task {
  virtual_address address{};
  virtual_address parent{};  ///< a task, maybe a thread of the process that made it
  virtual_address leader{};  ///< of its threads; itself for a process
  std::uint32_t pid = 0;
  std::uint32_t tgid = 0;
  std::uint32_t parent_pid = 0;  ///< of the process that made it
  bool kernel_thread = false;
  bool runs_program = false;        ///< it has memory of its own
  std::string comm;                 ///< at most 15 bytes, the guest's
  std::uint64_t start_time = 0;     ///< in nanoseconds of the guest's monotonic clock
  std::uint64_t executions = 0;     ///< how many programs it and its ancestors executed
  std::optional<kernel_cred> cred;  ///< nothing when it could not be read

  /// "pid 123 (sh)"
  [[nodiscard]] std::string subject() const {
    return "pid " + std::to_string(pid) + " (" + printable(comm) + ")";
  }
};

struct task_list {
  std::vector<kernel_task>
      tasks;  ///< in the order of the list; init_task, which is every idle task's model, first
  walk_end end = walk_end::walking;

  [[nodiscard]] const kernel_task* at(virtual_address address) const noexcept {
    const auto found = std::ranges::find(tasks, address, &kernel_task::address);
    return found == tasks.end() ? nullptr : &*found;
  }
  /// The first program runs. Before that the kernel fits its code to the processor, and it is not yet
  /// read-only.
  [[nodiscard]] bool is_started() const noexcept {
    const auto first = std::ranges::find(tasks, 1U, &kernel_task::pid);
    return first != tasks.end() && first->runs_program;
  }
};

/// Nothing when a field cannot be read.
template <virtual_memory Space>
[[nodiscard]] std::optional<kernel_cred> read_cred(Space& space, const task_layout& layout,
                                                   virtual_address at) {
  const object cred{space, layout.cred, at};
  bool whole = true;
  const auto take = [&](const status_or<std::uint64_t>& number) {
    whole = whole && number;
    return number.value;
  };
  const auto id = [&](const status_or<std::uint64_t>& number) {
    return static_cast<std::uint32_t>(take(number));
  };
  kernel_cred out;
  out.address = at;
  out.uid = id(cred.template number<"uid">());
  out.gid = id(cred.template number<"gid">());
  out.euid = id(cred.template number<"euid">());
  out.egid = id(cred.template number<"egid">());
  out.suid = id(cred.template number<"suid">());
  out.fsuid = id(cred.template number<"fsuid">());
  out.permitted = take(cred.template number<"cap_permitted">());
  out.effective = take(cred.template number<"cap_effective">());
  if (!whole) return std::nullopt;
  return out;
}

/// The task at an address. Nothing when it cannot be read, but for its credentials.
template <virtual_memory Space>
[[nodiscard]] std::optional<kernel_task> read_task(Space& space, const task_layout& layout,
                                                   virtual_address at) {
  constexpr std::uint64_t is_kernel_thread = 0x20'0000;  // PF_KTHREAD
  const object task{space, layout.task, at};
  std::array<char, 16> text{};
  const status_or<std::uint64_t> pid = task.template number<"pid">();
  const status_or<std::uint64_t> tgid = task.template number<"tgid">();
  const status_or<std::uint64_t> flags = task.template number<"flags">();
  const status_or<virtual_address> memory = task.template pointer<"mm">();
  const status_or<std::uint64_t> start = task.template number<"start_time">();
  const status_or<std::uint64_t> executions = task.template number<"self_exec_id">();
  const status_or<virtual_address> parent = task.template pointer<"real_parent">();
  const status_or<virtual_address> leader = task.template pointer<"group_leader">();
  const status_or<virtual_address> cred = task.template pointer<"cred">();
  const status_or<std::string_view> comm = task.template text<"comm">(text);
  if (!pid || !tgid || !flags || !memory || !start || !executions || !parent || !leader || !cred || !comm)
    return std::nullopt;
  kernel_task out;
  out.address = at;
  out.parent = *parent;
  out.leader = *leader;
  out.pid = static_cast<std::uint32_t>(*pid);
  out.tgid = static_cast<std::uint32_t>(*tgid);
  const object maker{space, layout.task, *parent};
  out.parent_pid = static_cast<std::uint32_t>(maker.template number<"tgid">().value);
  out.kernel_thread = (*flags & is_kernel_thread) != 0;
  out.runs_program = value(*memory) != 0;
  out.comm = *comm;
  out.start_time = *start;
  out.executions = *executions;
  out.cred = read_cred(space, layout, *cred);
  return out;
}

/// All tasks from init_task on. `end` says whether these are all.
template <virtual_memory Space>
[[nodiscard]] task_list read_tasks(Space& space, const task_layout& layout, virtual_address init_task) {
  task_list out;
  const auto take = [&](virtual_address at) {
    std::optional<kernel_task> task = read_task(space, layout, at);
    if (task) out.tasks.push_back(std::move(*task));
    return task.has_value();
  };
  if (!take(init_task)) {
    out.end = walk_end::unreadable;
    return out;
  }
  list_walk walk{space, init_task + layout.task.template field<"tasks">().offset, max_tasks};
  while (const status_or<virtual_address> node = walk.next()) {
    if (!take(layout.task.template owner<"tasks">(*node))) {
      out.end = walk_end::unreadable;
      return out;
    }
  }
  out.end = walk.end();
  return out;
}

}  // namespace shoal::vmi
