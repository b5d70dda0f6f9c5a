// SPDX-License-Identifier: BSL-1.0
//
// find_hidden_tasks: processes and threads that are missing from some of a Linux kernel's records of them, but
// not from all. `ps` is made of the pid table, `ps -T` of each process's list of threads as well; what goes
// over all processes, as to kill them, of the list of tasks; and what runs is in the queues of the processors,
// and in its parent's list of children.
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

/// Where the fields are that checks of hidden tasks need (Linux 3.14 and later).
struct hidden_task_layout {
  task_layout tasks;
  record<"task_struct", "se.group_node"> entity;
  record<"task_struct", "signal", "thread_node"> thread;
  record<"signal_struct", "thread_head"> process;
  pid_table_layout pids;
  record<"rq", "curr", "idle", "cfs_tasks"> queue;

  template <type_source Types>
  [[nodiscard]] static result<hidden_task_layout> resolve(const Types& types) {
    const auto tasks = task_layout::resolve(types);
    const auto entity = decltype(hidden_task_layout::entity)::resolve(types);
    const auto thread = decltype(hidden_task_layout::thread)::resolve(types);
    const auto process = decltype(hidden_task_layout::process)::resolve(types);
    const auto pids = pid_table_layout::resolve(types);
    const auto queue = decltype(hidden_task_layout::queue)::resolve(types);
    if (!tasks || !entity || !thread || !process || !pids || !queue) return errc::not_found;
    return hidden_task_layout{*tasks, *entity, *thread, *process, *pids, *queue};
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
    add_unreadable(findings_, "the list of tasks", places_.init_task, list_.end);
    for (const kernel_task& each : list_.tasks) listed_.insert(each.address);
    known_ = listed_;
    for (const kernel_task& each : list_.tasks) {
      bool itself = false;
      const bool whole = each_thread(each.address, [&](virtual_address thread) {
        itself = itself || thread == each.address;
        // not one that was moved here out of another list
        const auto leader = object{space_, layout_.tasks.task, thread}.template pointer<"group_leader">();
        if (leader && *leader == each.address && known_.size() <= max_tasks) known_.insert(thread);
      });
      if (!whole) torn_.insert(each.address);
      if (whole && !itself) tell(each.address, in_tasks, in_threads);
    }
    const std::set<virtual_address> in_lists = known_;
    look_into_queues();
    look_into_pids(in_lists);
    // Those found on the way may have children and threads as well.
    std::vector<virtual_address> parents(known_.begin(), known_.end());
    while (!parents.empty()) {
      const virtual_address parent = parents.back();
      parents.pop_back();
      each_child(parent, [&](virtual_address child) {
        if (found(child, "a child of its parent")) parents.push_back(child);
      });
      if (in_lists.contains(parent)) continue;
      each_thread(parent, [&](virtual_address thread) {
        if (found(thread, "a thread of a hidden process")) parents.push_back(thread);
      });
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
      each_node(each.template address_of<"cfs_tasks">(), "a queue of tasks", queue, [&](virtual_address node) {
        found(layout_.entity.template owner<"se.group_node">(node), "waits for a processor");
      });
    }
  }

  void look_into_pids(const std::set<virtual_address>& in_lists) {
    std::set<virtual_address> unnumbered = in_lists;
    unnumbered.erase(places_.init_task);  // the one that has no number
    bool whole = true;
    pid_walk pids{space_, layout_.pids, places_.pids, 4 * max_tasks};
    while (const status_or<pid_entry> each = pids.next()) {
      const status_or<virtual_address> link = pids.task_link(*each);
      if (!link) {
        add_unreadable(findings_, "the pid table", each->pid, walk_end::unreadable);
        whole = false;
      } else if (value(*link) != 0) {
        const virtual_address task = layout_.tasks.task.template owner<"pid_links">(*link);
        found(task, "in the pid table");
        unnumbered.erase(task);
      }
    }
    add_unreadable(findings_, "the pid table", places_.pids.init_pid_ns, pids.end());
    if (!whole || pids.end() != walk_end::complete) return;
    for (const virtual_address each : unnumbered) {
      tell(each, listed_.contains(each) ? in_tasks : in_threads, in_pids);
    }
  }

  template <class F>
  void each_child(virtual_address parent, F&& f) {
    const object task{space_, layout_.tasks.task, parent};
    each_node(task.template address_of<"children">(), "a list of children", parent,
              [&](virtual_address node) { f(layout_.tasks.task.template owner<"sibling">(node)); });
  }

  /// As each_node.
  template <class F>
  bool each_thread(virtual_address process, F&& f) {
    const auto shared = object{space_, layout_.thread, process}.template follow<"signal">(layout_.process);
    if (!shared) {
      add_unreadable(findings_, "a list of threads", process, walk_end::unreadable);
      return false;
    }
    return each_node(shared->template address_of<"thread_head">(), "a list of threads", process,
                     [&](virtual_address node) { f(layout_.thread.template owner<"thread_node">(node)); });
  }

  /// A list of the kernel's. False, and told, when it could not be read to its end.
  template <class F>
  bool each_node(virtual_address head, std::string_view what, virtual_address whose, F&& f) {
    list_walk walk{space_, head, max_tasks};
    while (const status_or<virtual_address> node = walk.next()) {
      // a task is in three such lists, and may be moved meanwhile: more are heads that share one
      if (++nodes_ > 4 * known_.size() + 1000) {
        add_unreadable(findings_, what, whose, walk_end::too_long);
        return false;
      }
      f(*node);
    }
    add_unreadable(findings_, what, whose, walk.end());
    return walk.end() == walk_end::complete;
  }

  /// True when it is new.
  bool found(virtual_address at, std::string_view where) {
    if (known_.size() > max_tasks || !known_.insert(at).second) return false;
    return tell(at, where, in_tasks);
  }

  /// A task that is somewhere and not where it has to be too. False when it cannot be read.
  bool tell(virtual_address at, std::string_view where, std::string_view missing) {
    const std::optional<kernel_task> task = read_task(space_, layout_.tasks, at);
    if (!task) {
      add_unreadable(findings_, "a task", at, walk_end::unreadable);
      return false;
    }
    const kernel_task* const leader = listed_.contains(task->leader) ? list_.at(task->leader) : nullptr;
    const bool is_thread = task->pid != task->tgid && leader != nullptr && leader->pid == task->tgid;
    if (is_thread && missing == in_tasks) missing = in_threads;
    if (is_thread && missing == in_threads && torn_.contains(task->leader))
      return true;  // it may be behind the tear
    if (findings_.size() < max_findings) {
      findings_.push_back({finding_kind::hidden_task, at, task->subject(),
                           std::string{where} + ", but not " + std::string{missing}});
    }
    return true;
  }

  static constexpr std::string_view in_tasks = "in the list of tasks";
  static constexpr std::string_view in_threads = "in the list of its process's threads";
  static constexpr std::string_view in_pids = "in the pid table";

  Space& space_;
  const hidden_task_layout& layout_;
  const task_places& places_;
  const task_list& list_;
  std::set<virtual_address> listed_;
  std::set<virtual_address> known_;
  std::set<virtual_address> torn_;  // listed processes whose list of threads was not read to its end
  std::size_t nodes_ = 0;           // of all lists
  std::vector<finding> findings_;
};

}  // namespace detail

/// Each task that is in one of the kernel's records and missing from `list`, or for a thread from its process's
/// list; each that is in a list and has no number in the pid table; and what could not be read.
template <virtual_memory Space>
[[nodiscard]] std::vector<finding> find_hidden_tasks(Space& space, const hidden_task_layout& layout,
                                                     const task_places& places, const task_list& list) {
  return detail::hidden_task_search<Space>{space, layout, places, list}.run();
}

}  // namespace shoal::vmi
