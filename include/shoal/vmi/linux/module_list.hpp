// SPDX-License-Identifier: BSL-1.0
//
// module_list: the modules of a Linux kernel by its list, as `lsmod` inside would print them.
//
//     const auto layout = module_layout::resolve(types);
//     const module_list all = read_modules(kernel, *layout, symbols.find("modules")->address);
//     for (const kernel_module& each : all.modules) print(each.name, each.size);
//
// Those that are missing from the list and still there: hidden_modules.hpp, module_scan.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <shoal/base/result.hpp>
#include <shoal/vmi/address.hpp>
#include <shoal/vmi/address_space.hpp>
#include <shoal/vmi/field_layout.hpp>
#include <shoal/vmi/kernel_list.hpp>
#include <shoal/vmi/object.hpp>

namespace shoal::vmi {

/// No more modules are read: a kernel has a few hundred, and a distribution a few thousand.
inline constexpr std::size_t max_modules = 100'000;

/// Where the fields are that checks of modules need (Linux 4.5 and later).
struct module_layout {
  record<"module", "state", "list", "name"> module;
  field_layout base;  ///< of its code, in struct module
  field_layout size;
  field_layout data_base;  ///< of its data, where struct module itself lies
  field_layout data_size;
  record<"kset", "list"> kset;
  record<"kobject", "entry"> kobject;
  record<"module_kobject", "kobj", "mod"> attribute;
  record<"mod_tree_root", "root.tree", "addr_min", "addr_max"> tree;
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
    std::uint32_t to_data = 0;
    if (!base || !size) {
      // from 6.4 on: an array of pieces, code first, then data
      const std::optional<field_layout> pieces = types.layout("module", "mem");
      const std::optional<field_layout> last = types.layout("module_memory", "mtn");
      base = types.layout("module_memory", "base");
      size = types.layout("module_memory", "size");
      if (!pieces || !base || !size || !last) return errc::not_found;
      base->offset += pieces->offset;
      size->offset += pieces->offset;
      to_data = last->offset + last->size;
    }
    field_layout data_base = *base;
    field_layout data_size = *size;
    data_base.offset += to_data;
    data_size.offset += to_data;
    return module_layout{*module, *base,    *size,      data_base, data_size,
                         *kset,   *kobject, *attribute, *tree,     *leaf};
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

}  // namespace shoal::vmi
