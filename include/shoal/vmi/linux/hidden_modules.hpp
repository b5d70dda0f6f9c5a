// SPDX-License-Identifier: BSL-1.0
//
// find_hidden_modules: modules that are missing from a Linux kernel's list of them, which `lsmod` is made of,
// but are still there: in sysfs's set of modules, in the tree by which the kernel finds whose code an address
// is, or in memory alone.
//
//     const module_list all = read_modules(kernel, layout, symbols.find("modules")->address);
//     for (const finding& each : find_hidden_modules(kernel, layout, places, all)) alert(each);
//
// Leaves out code that belongs to no module: what eBPF compiles, trampolines of tracers, and a module that
// wrote over all that says it is one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <shoal/vmi/address.hpp>
#include <shoal/vmi/address_space.hpp>
#include <shoal/vmi/finding.hpp>
#include <shoal/vmi/kernel_list.hpp>
#include <shoal/vmi/linux/kernel_range.hpp>
#include <shoal/vmi/linux/module_list.hpp>
#include <shoal/vmi/linux/module_scan.hpp>
#include <shoal/vmi/object.hpp>

namespace shoal::vmi {

/// Where the kernel's own records of its modules are. Zero or none: not known, and not looked at.
struct module_places {
  virtual_address kset{};  ///< what module_kset points to
  virtual_address tree{};  ///< mod_tree
  /// Where the kernel maps modules, and little else: each as scan_for_modules takes it.
  std::vector<kernel_range> areas;
};

namespace detail {

template <virtual_memory Space>
class hidden_module_search {
 public:
  hidden_module_search(Space& space, const module_layout& layout, const module_list& list)
      : space_(space), layout_(layout) {
    for (const kernel_module& each : list.modules) known_.insert(each.address);
  }

  void look_into_sysfs(virtual_address kset) {
    const object set{space_, layout_.kset, kset};
    list_walk walk{space_, set.template address_of<"list">(), max_modules};
    while (const status_or<virtual_address> node = walk.next()) {
      const virtual_address kobject = layout_.kobject.owner<"entry">(*node);
      const object each{space_, layout_.attribute, layout_.attribute.owner<"kobj">(kobject)};
      found(each.template pointer<"mod">(), each.address(), "in sysfs");
    }
    add_unreadable(findings_, "the set of modules in sysfs", kset, walk.end());
  }

  void look_into_tree(virtual_address tree) {
    const object root{space_, layout_.tree, tree};
    tree_walk walk{space_, root.template address_of<"root.tree">(), max_modules};
    while (const status_or<virtual_address> node = walk.next()) {
      const object each{space_, layout_.leaf, layout_.leaf.owner<"node">(*node)};
      found(each.template pointer<"mod">(), each.address(), "in the tree of modules' code");
    }
    add_unreadable(findings_, "the tree of modules' code", tree, walk.end());
  }

  void look_into_memory(const kernel_range& area) {
    const module_list all = scan_for_modules(space_, layout_, area);
    for (const kernel_module& each : all.modules) found(each.address, each.address, "in memory");
    add_unreadable(findings_, "modules in memory", area.begin, all.end);
  }

  std::vector<finding> take() { return std::move(findings_); }

 private:
  void found(const status_or<virtual_address>& at, virtual_address by, std::string_view where) {
    if (!at) return add_unreadable(findings_, where, by, walk_end::unreadable);
    // what is built in has a folder in sysfs and no struct module
    if (value(*at) == 0 || !known_.insert(*at).second || findings_.size() >= max_findings) return;
    const std::optional<kernel_module> module = read_module(space_, layout_, *at);
    if (!module) return add_unreadable(findings_, "a module", *at, walk_end::unreadable);
    findings_.push_back({finding_kind::hidden_module, *at, "module " + printable(module->name),
                         std::string{where} + ", but not in the list of modules"});
  }

  Space& space_;
  const module_layout& layout_;
  std::set<virtual_address> known_;
  std::vector<finding> findings_;
};

}  // namespace detail

/// Each module that is somewhere and not in `list`, once, and what could not be read. A guest that runs loads
/// and unloads meanwhile: look twice (found_in_both).
template <virtual_memory Space>
[[nodiscard]] std::vector<finding> find_hidden_modules(Space& space, const module_layout& layout,
                                                       const module_places& places, const module_list& list) {
  detail::hidden_module_search<Space> search{space, layout, list};
  if (value(places.kset) != 0) search.look_into_sysfs(places.kset);
  if (value(places.tree) != 0) search.look_into_tree(places.tree);
  for (const kernel_range& area : places.areas) search.look_into_memory(area);
  std::vector<finding> out = search.take();
  add_unreadable(out, "the list of modules", {}, list.end);
  return out;
}

}  // namespace shoal::vmi
