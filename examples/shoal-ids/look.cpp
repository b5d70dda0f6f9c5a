// SPDX-License-Identifier: BSL-1.0
//
// banner, syscall, plist, modules: what a guest's kernel says of itself.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <shoal/vmi/linux/code_names.hpp>
#include <shoal/vmi/linux/kernel_views.hpp>
#include <shoal/vmi/linux/system_calls.hpp>

#include "commands.hpp"
#include "reading.hpp"

namespace {

using namespace shoal::vmi;

int print_banner(guest& guest, const output& out) {
  const std::string& banner = guest.kernel().banner();
  out.put(printable(banner), {{"banner", banner}});
  return 0;
}

int print_system_calls(guest& guest, const output& out) {
  guest_kernel& kernel = guest.kernel();
  const system_call_table table =
      required(read_system_calls(kernel.space(), kernel.symbols()), "the table of system calls", guest);
  const shoal::result<module_list> modules = modules_of(kernel);
  const code_names names{kernel.symbols(), modules ? &*modules : nullptr};
  std::set<std::string> wrong;
  for (const finding& each : check_system_calls(table, names, kernel.symbols())) wrong.insert(each.subject);
  for (std::size_t i = 0; i < table.entries.size(); ++i) {
    const std::string function = names.describe(table.entries[i]);
    const bool well = !wrong.contains("system call " + std::to_string(i));
    out.put(
        padded(std::to_string(i), 4) + "  " + hexadecimal(value(table.entries[i])) + "  " + function +
            (well ? "" : "  <- is no system call of this kernel"),
        {{"number", std::uint64_t{i}}, {"address", table.entries[i]}, {"function", function}, {"well", well}});
  }
  return wrong.empty() ? 0 : exit_alerts;
}

class process_tree {
 public:
  process_tree(task_list list, const output& out) : list_(std::move(list)), out_(out) {
    for (const kernel_task& each : list_.tasks) {
      const bool root = each.parent == each.address || each.pid == 0;
      if (!root) children_[each.parent_pid].push_back(&each);
    }
  }

  void print() {
    out_.heading("   PID   PPID    UID  COMMAND");
    print_children(0, 0);
    // those whose parent is not in the list
    for (const kernel_task& each : list_.tasks) print_one(each, 0);
  }

 private:
  void print_children(std::uint32_t parent, std::size_t depth) {
    const auto found = children_.find(parent);
    if (found == children_.end()) return;
    for (const kernel_task* const each : found->second) print_one(*each, depth);
  }

  void print_one(const kernel_task& task, std::size_t depth) {
    if (task.pid == 0 || !printed_.insert(&task).second) return;
    const std::uint32_t uid = task.cred ? task.cred->uid : 0;
    const std::string name = printable(task.comm);
    out_.put(padded(std::to_string(task.pid), 6) + " " + padded(std::to_string(task.parent_pid), 6) + " " +
                 padded(task.cred ? std::to_string(uid) : "?", 6) + "  " +
                 std::string(2 * std::min<std::size_t>(depth, 20), ' ') +
                 (task.kernel_thread ? "[" + name + "]" : name),
             {{"pid", std::uint64_t{task.pid}},
              {"ppid", std::uint64_t{task.parent_pid}},
              {"uid", std::uint64_t{uid}},
              {"comm", task.comm},
              {"kernel_thread", task.kernel_thread}});
    // a guest may nest as it likes
    if (depth < 1000) print_children(task.pid, depth + 1);
  }

  task_list list_;
  const output& out_;
  std::map<std::uint32_t, std::vector<const kernel_task*>> children_;
  std::set<const kernel_task*> printed_;
};

int print_processes(guest& guest, const output& out) {
  task_list tasks = required(tasks_of(guest.kernel()), "the list of tasks", guest);
  const walk_end end = tasks.end;
  process_tree{std::move(tasks), out}.print();
  require_complete(end, "the list of tasks", guest);
  return 0;
}

int print_modules(guest& guest, const output& out) {
  const module_list modules = required(modules_of(guest.kernel()), "the list of modules", guest);
  for (const kernel_module& each : modules.modules) {
    out.put(hexadecimal(value(each.base)) + " " + padded(std::to_string(each.size), 8) + "  " +
                printable(each.name),
            {{"name", each.name}, {"base", each.base}, {"size", each.size}});
  }
  require_complete(modules.end, "the list of modules", guest);
  return 0;
}

}  // namespace

void add_banner(CLI::App& app, action& chosen) {
  add_command(app, chosen, "banner", "which kernel it is, and who built it when", "4321", print_banner);
}
void add_syscall(CLI::App& app, action& chosen) {
  add_command(app, chosen, "syscall", "where each system call leads", "guest.ram", print_system_calls);
}
void add_plist(CLI::App& app, action& chosen) {
  add_command(app, chosen, "plist", "its processes as a tree, [kernel threads] in brackets",
              "qmp:guest.qmp --json", print_processes);
}
void add_modules(CLI::App& app, action& chosen) {
  add_command(app, chosen, "modules", "its modules, and where their code is", "4321", print_modules);
}
