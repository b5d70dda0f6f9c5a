// SPDX-License-Identifier: BSL-1.0
//
// find_hidden_tasks: processes that are missing from a Linux kernel's list of tasks, which `ps` is made of, but
// which the kernel still runs: it finds them by their number in the pid table, by their parent's list of
// children, and in the queues of its processors.
//
//     const task_list all = read_tasks(kernel, layout.tasks, places.init_task);
//     for (const finding& each : find_hidden_tasks(kernel, layout, places, all)) alert(each);
//
// A guest that runs makes and ends processes meanwhile: look twice (found_in_both).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <shoal/base/result.hpp>
#include <shoal/vmi/address_space.hpp>
#include <shoal/vmi/finding.hpp>
#include <shoal/vmi/kernel_list.hpp>
#include <shoal/vmi/linux/pid_table.hpp>
#include <shoal/vmi/linux/task_list.hpp>
#include <shoal/vmi/object.hpp>

namespace shoal::vmi {

struct hidden_task_layout {
  task_layout tasks;
  record<"task_struct", "se.group_node"> entity;
  pid_table_layout pids;
  record<"rq", "curr", "idle", "cfs_tasks"> queue;

  template <type_source Types>
  [[nodiscard]] static result<hidden_task_layout> resolve(const Types& types) {
    const auto tasks = task_layout::resolve(types);
    const auto entity = decltype(hidden_task_layout::entity)::resolve(types);
    const auto pids = pid_table_layout::resolve(types);
    const auto queue = decltype(hidden_task_layout::queue)::resolve(types);
    if (!tasks || !entity || !pids || !queue) return errc::not_found;
    return hidden_task_layout{*tasks, *entity, *pids, *queue};
  }
};

/// Where the kernel's own records of its tasks are.
struct task_places {
  virtual_address init_task{};
  pid_table_place pids;
  std::vector<virtual_address> queues;  ///< struct rq of each processor
};

namespace detail {

template <virtual_memory Space>
class hidden_task_search {
 public:
  hidden_task_search(Space& space, const hidden_task_layout& layout, const task_places& places,
                     const task_list& list)
      : space_(space), layout_(layout), places_(places), list_(list) {}

  std::vector<finding> run() {
    for (const kernel_task& each : list_.tasks) listed_.insert(each.address);
    known_ = listed_;
    add_unreadable(findings_, "the list of tasks", places_.init_task, list_.end);
    look_into_queues();
    look_into_pids();
    // Those found on the way may have children as well.
    std::vector<virtual_address> parents(known_.begin(), known_.end());
    while (!parents.empty()) {
      const virtual_address parent = parents.back();
      parents.pop_back();
      look_at_children(parent, parents);
    }
    return std::move(findings_);
  }

 private:
  void look_into_queues() {
    for (const virtual_address queue : places_.queues) {
      const object each{space_, layout_.queue, queue};
      const status_or<virtual_address> now = each.template pointer<"curr">();
      const status_or<virtual_address> idle = each.template pointer<"idle">();
      if (!now || !idle) {
        add_unreadable(findings_, "a queue of tasks", queue, walk_end::unreadable);
        continue;
      }
      if (*now != *idle && value(*now) != 0) found(*now, "runs");
      list_walk waiting{space_, each.template address_of<"cfs_tasks">(), max_tasks};
      while (const status_or<virtual_address> node = waiting.next()) {
        found(layout_.entity.owner<"se.group_node">(*node), "waits for a processor");
      }
      add_unreadable(findings_, "a queue of tasks", queue, waiting.end());
    }
  }

  void look_into_pids() {
    pid_walk pids{space_, layout_.pids, places_.pids, 4 * max_tasks};
    while (const status_or<pid_entry> each = pids.next()) {
      const status_or<virtual_address> link = pids.task_link(*each);
      if (!link) {
        add_unreadable(findings_, "the pid table", each->pid, walk_end::unreadable);
      } else if (value(*link) != 0) {
        found(layout_.tasks.task.owner<"pid_links">(*link), "in the pid table");
      }
    }
    add_unreadable(findings_, "the pid table", places_.pids.init_pid_ns, pids.end());
  }

  void look_at_children(virtual_address parent, std::vector<virtual_address>& parents) {
    const object task{space_, layout_.tasks.task, parent};
    list_walk children{space_, task.template address_of<"children">(), max_tasks};
    while (const status_or<virtual_address> node = children.next()) {
      const virtual_address child = layout_.tasks.task.owner<"sibling">(*node);
      if (found(child, "a child of its parent")) parents.push_back(child);
    }
    add_unreadable(findings_, "a list of children", parent, children.end());
  }

  /// True when it is new.
  bool found(virtual_address at, std::string_view where) {
    if (known_.size() > max_tasks || !known_.insert(at).second) return false;
    const std::optional<kernel_task> task = read_task(space_, layout_.tasks, at);
    if (!task) {
      add_unreadable(findings_, "a task", at, walk_end::unreadable);
      return false;
    }
    if (!is_thread(*task) && findings_.size() < max_findings) {
      findings_.push_back({finding_kind::hidden_task, at, task->subject(),
                           std::string{where} + ", but not in the list of tasks"});
    }
    return true;
  }

  /// Of a process that is listed: such threads are not in the list themselves.
  [[nodiscard]] bool is_thread(const kernel_task& task) const {
    if (task.pid == task.tgid) return false;
    const kernel_task* const leader = listed_.contains(task.leader) ? list_.at(task.leader) : nullptr;
    return leader != nullptr && leader->pid == task.tgid;
  }

  Space& space_;
  const hidden_task_layout& layout_;
  const task_places& places_;
  const task_list& list_;
  std::set<virtual_address> listed_;
  std::set<virtual_address> known_;
  std::vector<finding> findings_;
};

}  // namespace detail

/// Each task that is somewhere and not in `list`, once, and what could not be read.
template <virtual_memory Space>
[[nodiscard]] std::vector<finding> find_hidden_tasks(Space& space, const hidden_task_layout& layout,
                                                     const task_places& places, const task_list& list) {
  return detail::hidden_task_search<Space>{space, layout, places, list}.run();
}

}  // namespace shoal::vmi
