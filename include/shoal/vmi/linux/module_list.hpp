// SPDX-License-Identifier: BSL-1.0
//
// module_list: the modules of a Linux kernel by its list, as `lsmod` inside would print them, and those that
// are missing from it and still there: in sysfs's set of modules, and in the tree by which the kernel finds
// whose code an address is.
//
//     const auto layout = module_layout::resolve(types);
//     const module_list all = read_modules(kernel, *layout, symbols.find("modules")->address);
//     for (const finding& each : find_hidden_modules(kernel, *layout, places, all)) alert(each);
//
// Leaves out code that belongs to no module: what eBPF compiles, trampolines of tracers.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <shoal/base/result.hpp>
#include <shoal/vmi/address_space.hpp>
#include <shoal/vmi/finding.hpp>
#include <shoal/vmi/kernel_list.hpp>
#include <shoal/vmi/object.hpp>

namespace shoal::vmi {

/// No more modules are read: a kernel has a few hundred, and a distribution a few thousand.
inline constexpr std::size_t max_modules = 100'000;

/// Where the fields are that checks of modules need (Linux 4.5 and later).
struct module_layout {
  record<"module", "list", "name"> module;
  field_layout base;  ///< of its code, in struct module
  field_layout size;
  record<"kset", "list"> kset;
  record<"kobject", "entry"> kobject;
  record<"module_kobject", "kobj", "mod"> attribute;
  record<"mod_tree_root", "root.tree"> tree;
  record<"mod_tree_node", "mod", "node"> leaf;

  /// not_found when the types lack a field.
  template <type_source Types>
  [[nodiscard]] static result<module_layout> resolve(const Types& types) {
    const auto module = decltype(module_layout::module)::resolve(types);
    const auto kset = decltype(module_layout::kset)::resolve(types);
    const auto kobject = decltype(module_layout::kobject)::resolve(types);
    const auto attribute = decltype(module_layout::attribute)::resolve(types);
    const auto tree = decltype(module_layout::tree)::resolve(types);
    const auto leaf = decltype(module_layout::leaf)::resolve(types);
    if (!module || !kset || !kobject || !attribute || !tree || !leaf) return errc::not_found;
    std::optional<field_layout> base = types.layout("module", "core_layout.base");
    std::optional<field_layout> size = types.layout("module", "core_layout.size");
    if (!base || !size) {
      // from 6.4 on: an array of pieces, code first
      const std::optional<field_layout> pieces = types.layout("module", "mem");
      base = types.layout("module_memory", "base");
      size = types.layout("module_memory", "size");
      if (!pieces || !base || !size) return errc::not_found;
      base->offset += pieces->offset;
      size->offset += pieces->offset;
    }
    return module_layout{*module, *base, *size, *kset, *kobject, *attribute, *tree, *leaf};
  }
};

struct kernel_module {
  virtual_address address{};  ///< of struct module
  virtual_address base{};     ///< of its code
  std::uint64_t size = 0;     ///< of its code and, before Linux 6.4, its data
  std::string name;           ///< the guest's
};

struct module_list {
  std::vector<kernel_module> modules;  ///< the last loaded first
  walk_end end = walk_end::walking;

  /// Whose code an address is.
  [[nodiscard]] const kernel_module* owner(virtual_address address) const noexcept {
    const auto found = std::ranges::find_if(
        modules, [&](const kernel_module& each) { return value(address) - value(each.base) < each.size; });
    return found == modules.end() ? nullptr : &*found;
  }
};

/// Where the kernel's own records of its modules are. Zero: not known, and not looked at.
struct module_places {
  virtual_address kset{};  ///< what module_kset points to
  virtual_address tree{};  ///< mod_tree
};

template <virtual_memory Space>
[[nodiscard]] std::optional<kernel_module> read_module(Space& space, const module_layout& layout,
                                                       virtual_address at) {
  const object module{space, layout.module, at};
  std::array<char, 64> text{};
  const status_or<std::string_view> name = module.template text<"name">(text);
  const status_or<virtual_address> base = read_pointer(space, at + layout.base.offset);
  const status_or<std::uint32_t> size = read_number<std::uint32_t>(space, at + layout.size.offset);
  if (!name || !base || !size) return std::nullopt;
  return kernel_module{at, *base, *size, std::string{*name}};
}

/// @param head  where the symbol `modules` is
template <virtual_memory Space>
[[nodiscard]] module_list read_modules(Space& space, const module_layout& layout, virtual_address head) {
  module_list out;
  list_walk walk{space, head, max_modules};
  while (const status_or<virtual_address> node = walk.next()) {
    std::optional<kernel_module> module = read_module(space, layout, layout.module.owner<"list">(*node));
    if (!module) {
      out.end = walk_end::unreadable;
      return out;
    }
    out.modules.push_back(std::move(*module));
  }
  out.end = walk.end();
  return out;
}

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
  std::vector<finding> out = search.take();
  add_unreadable(out, "the list of modules", {}, list.end);
  return out;
}

}  // namespace shoal::vmi
