// SPDX-License-Identifier: BSL-1.0
//
// synthetic_kernel: the structures of a Linux kernel that checks look at, written into memory for tests;
// offsets are made up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <shoal/vmi/field_layout.hpp>
#include <shoal/vmi/linux/hidden_modules.hpp>
#include <shoal/vmi/linux/hidden_tasks.hpp>
#include <shoal/vmi/symbol_table.hpp>

#include "../synthetic.hpp"

namespace shoal::vmi::tests {

inline given_types kernel_layouts() {
  given_types types;
  const auto add = [&](std::string_view type, std::string_view path, std::uint32_t offset, std::uint32_t size) {
    types.add(std::string{type}, std::string{path}, {offset, size, 0, 0});
  };
  add("task_struct", "tasks", 0x10, 16);
  add("task_struct", "pid", 0x20, 4);
  add("task_struct", "tgid", 0x24, 4);
  add("task_struct", "comm", 0x28, 16);
  add("task_struct", "mm", 0x38, 8);
  add("task_struct", "flags", 0x40, 4);
  add("task_struct", "real_parent", 0x48, 8);
  add("task_struct", "group_leader", 0x50, 8);
  add("task_struct", "cred", 0x58, 8);
  add("task_struct", "children", 0x60, 16);
  add("task_struct", "sibling", 0x70, 16);
  add("task_struct", "pid_links", 0x80, 64);
  add("task_struct", "start_time", 0xc0, 8);
  add("task_struct", "self_exec_id", 0xc8, 8);
  add("task_struct", "se.group_node", 0xd0, 16);
  add("task_struct", "signal", 0xe0, 8);
  add("task_struct", "thread_node", 0xe8, 16);
  add("signal_struct", "thread_head", 8, 16);
  add("cred", "uid", 4, 4);
  add("cred", "gid", 8, 4);
  add("cred", "suid", 12, 4);
  add("cred", "euid", 16, 4);
  add("cred", "egid", 20, 4);
  add("cred", "fsuid", 24, 4);
  add("cred", "cap_permitted", 32, 8);
  add("cred", "cap_effective", 40, 8);
  add("pid_namespace", "idr.idr_rt.xa_head", 8, 8);
  add("pid", "tasks", 0x10, 32);
  add("rq", "curr", 0x8, 8);
  add("rq", "idle", 0x10, 8);
  add("rq", "cfs_tasks", 0x20, 16);
  add("xa_node", "shift", 0, 1);
  add("xa_node", "offset", 1, 1);
  add("xa_node", "slots", 8, 64 * 8);
  add("xa_node", "parent", 8 + 64 * 8, 8);
  add("module", "state", 0, 4);
  add("module", "list", 8, 16);
  add("module", "name", 0x18, 56);
  add("module", "core_layout.base", 0x80, 8);
  add("module", "core_layout.size", 0x88, 4);
  add("kset", "list", 0, 16);
  add("kobject", "entry", 8, 16);
  add("module_kobject", "kobj", 0, 0x40);
  add("module_kobject", "mod", 0x40, 8);
  add("mod_tree_root", "root.tree", 8, 16);
  add("mod_tree_root", "addr_min", 24, 8);
  add("mod_tree_root", "addr_max", 32, 8);
  add("mod_tree_node", "mod", 0, 8);
  add("mod_tree_node", "node", 8, 48);
  return types;
}

/// Tasks 0, 1 and so on at task(i): task 0 is init_task, the others its children, each in the list, the pid
/// table, its own list of threads and with credentials of its own. Modules likewise, in the list, in sysfs, in
/// the tree and in memory.
class synthetic_kernel {
 public:
  synthetic_space space;
  task_places places{task(0), {virtual_address{pid_ns}, {}, 0}, {virtual_address{queue}}};
  module_places modules{virtual_address{kset}, virtual_address{tree}, {}};

  static constexpr std::uint64_t base = 0xffff'8880'0000'0000;
  static constexpr std::uint64_t pid_ns = base + 0x1000;
  static constexpr std::uint64_t queue = base + 0x2000;
  static constexpr std::uint64_t table = base + 0x3000;
  static constexpr std::uint64_t module_head = base + 0x4000;
  static constexpr std::uint64_t kset = base + 0x5000;
  static constexpr std::uint64_t tree = base + 0x6000;

  static constexpr virtual_address task(std::size_t i) { return virtual_address{base + 0x10'0000 + i * 0x200}; }
  static constexpr std::uint64_t at(std::size_t i) { return value(task(i)); }
  static constexpr std::uint64_t cred(std::size_t i) { return base + 0x20'0000 + i * 0x40; }
  static constexpr std::uint64_t pid(std::size_t i) { return base + 0x30'0000 + i * 0x40; }
  static constexpr std::uint64_t signal(std::size_t i) { return base + 0x80'0000 + i * 0x20; }
  static constexpr std::uint64_t module(std::size_t i) { return module_code(i) + 0x2f80; }
  static constexpr std::uint64_t module_kobject(std::size_t i) { return base + 0x50'0000 + i * 0x80; }
  static constexpr std::uint64_t module_node(std::size_t i) { return base + 0x60'0000 + i * 0x40; }
  static constexpr std::uint64_t module_code(std::size_t i) { return 0xffff'ffff'c000'0000 + i * 0x4000; }

  /// @param tasks, loaded  at most 60
  explicit synthetic_kernel(std::size_t tasks = 8, std::size_t loaded = 3) {
    for (std::size_t i = 0; i < tasks; ++i) add_task(i);
    ring(list(tasks, [](std::size_t i) { return at(i) + 0x10; }));
    std::vector<std::uint64_t> siblings{at(0) + 0x60};
    for (std::size_t i = 1; i < tasks; ++i) {
      siblings.push_back(at(i) + 0x70);
      ring({at(i) + 0x60});
    }
    ring(siblings);
    for (std::size_t i = 0; i < 64; ++i) space.bytes.put(table + 8 + 8 * i, std::uint64_t{0});
    put(table, 0);
    put(table + 8 + 64 * 8, 0);
    for (std::size_t i = 1; i < tasks; ++i) put(table + 8 + 8 * i, pid(i));
    put(pid_ns + 8, table | 2);
    put(queue + 8, at(0));
    put(queue + 16, at(0));
    ring({queue + 0x20});
    add_modules(loaded);
  }

  void put(std::uint64_t where, std::uint64_t number) { space.bytes.put(where, number); }

  /// Links list_heads one behind the other, and the last with the first.
  void ring(const std::vector<std::uint64_t>& nodes) {
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      const std::uint64_t next = nodes[(i + 1) % nodes.size()];
      put(nodes[i], next);
      put(next + 8, nodes[i]);
    }
  }
  /// list_del
  void unlink(std::uint64_t node) {
    const std::uint64_t next = load(node);
    const std::uint64_t previous = load(node + 8);
    put(previous, next);
    put(next + 8, previous);
  }
  std::uint64_t load(std::uint64_t where) {
    return read_number<std::uint64_t>(space, virtual_address{where}).value;
  }

 private:
  template <class F>
  static std::vector<std::uint64_t> list(std::size_t n, F node) {
    std::vector<std::uint64_t> out;
    for (std::size_t i = 0; i < n; ++i) out.push_back(node(i));
    return out;
  }

  void add_task(std::size_t i) {
    for (std::uint64_t word = 0; word < 0x200; word += 8) put(at(i) + word, 0);
    const auto number = static_cast<std::uint32_t>(i);
    space.bytes.put(at(i) + 0x20, number);
    space.bytes.put(at(i) + 0x24, number);
    space.bytes.text(at(i) + 0x28, i == 0 ? "swapper/0" : "task" + std::to_string(i));
    space.bytes.put(at(i) + 0x40, std::uint32_t{i == 2 ? 0x20'0000u : 0});
    put(at(i) + 0x48, at(0));
    put(at(i) + 0x50, at(i));
    put(at(i) + 0x58, cred(i));
    put(at(i) + 0xc0, 1000 * i);
    for (std::uint64_t word = 0; word < 0x40; word += 8) put(cred(i) + word, 0);
    const std::uint32_t uid = i < 3 ? 0 : 1000 + number;
    for (const std::uint64_t field : {4u, 8u, 12u, 16u, 20u, 24u}) space.bytes.put(cred(i) + field, uid);
    for (std::uint64_t word = 0; word < 0x40; word += 8) put(pid(i) + word, 0);
    put(pid(i) + 0x10, at(i) + 0x80);
    put(at(i) + 0xe0, signal(i));
    ring({signal(i) + 8, at(i) + 0xe8});
  }

  void add_modules(std::size_t loaded) {
    std::vector<std::uint64_t> list{module_head};
    std::vector<std::uint64_t> sysfs{kset};
    modules.areas = {{virtual_address{module_code(0)}, virtual_address{module_code(loaded)}}};
    for (std::size_t i = 0; i < loaded; ++i) {
      for (std::uint64_t page = 0; page < 0x4000; page += 0x1000) put(module_code(i) + page, 0);
      space.bytes.text(module(i) + 0x18, "module" + std::to_string(i));
      put(module(i) + 0x80, module_code(i));
      space.bytes.put(module(i) + 0x88, std::uint32_t{0x3000});
      list.push_back(module(i) + 8);
      put(module_kobject(i) + 0x40, module(i));
      sysfs.push_back(module_kobject(i) + 8);
    }
    // what is built in
    put(module_kobject(loaded) + 0x40, 0);
    sysfs.push_back(module_kobject(loaded) + 8);
    ring(list);
    ring(sysfs);
    // a tree that leans to the right, of whatever colour
    put(tree + 8, loaded == 0 ? 0 : module_node(0) + 8);
    for (std::size_t i = 0; i < loaded; ++i) {
      put(module_node(i), module(i));
      put(module_node(i) + 8, i == 0 ? 0 : module_node(i - 1) + 8);
      put(module_node(i) + 16, i + 1 == loaded ? 0 : module_node(i + 1) + 8);
      put(module_node(i) + 24, 0);
    }
  }
};

}  // namespace shoal::vmi::tests
