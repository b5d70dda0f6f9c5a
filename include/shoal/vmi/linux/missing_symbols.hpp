// SPDX-License-Identifier: BSL-1.0
//
// add_missing_symbols: what a Linux kernel without symbols for its data (CONFIG_KALLSYMS_ALL off) does not
// tell, found in its image by what it looks like, and by what it has to agree with.
//
//     add_missing_symbols(space, place, symbols, types);
//     const auto init = symbols.find("init_task");
//
// Nothing is taken that fits once and by chance: each has a second thing to agree with.
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

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/base/result.hpp>
#include <shoal/base/status.hpp>
#include <shoal/vmi/address_space.hpp>
#include <shoal/vmi/btf.hpp>
#include <shoal/vmi/field_layout.hpp>
#include <shoal/vmi/find_root.hpp>
#include <shoal/vmi/kernel_list.hpp>
#include <shoal/vmi/linux/code_names.hpp>
#include <shoal/vmi/linux/infer_tasks.hpp>
#include <shoal/vmi/linux/kernel_image.hpp>
#include <shoal/vmi/linux/kernel_profile.hpp>
#include <shoal/vmi/linux/kernel_types.hpp>
#include <shoal/vmi/linux/module_list.hpp>
#include <shoal/vmi/linux/system_calls.hpp>
#include <shoal/vmi/linux/task_list.hpp>
#include <shoal/vmi/object.hpp>
#include <shoal/vmi/symbol_table.hpp>

namespace shoal::vmi {

/// The banner that bytes begin with, without the end of its line; empty when it is none, or has no end.
[[nodiscard]] inline std::string banner_line(std::string_view bytes) {
  const std::string_view text = bytes.substr(0, bytes.find('\0'));
  const std::string_view line = text.substr(0, text.find('\n'));
  constexpr std::string_view begins = "Linux version ";
  return std::string{line.starts_with(begins) && line.size() != text.size() ? line : std::string_view{}};
}

/// The banner that begins at an address, as banner_line has it.
template <virtual_memory Space>
[[nodiscard]] std::string read_banner(Space& space, virtual_address at) {
  std::array<std::byte, max_banner> bytes{};
  return space.read(at, bytes) == status::ok ? banner_line(as_text(bytes)) : std::string{};
}

/// linux_banner: the first that is a whole line with a number of its build. Kernels carry a form without that
/// number as well, and copies in their log have no end of the line.
template <virtual_memory Space, class Image>
[[nodiscard]] std::optional<virtual_address> find_banner(Space& space, const Image& image) {
  std::optional<virtual_address> found;
  image.find("Linux version ", [&](virtual_address at) {
    const std::string line = read_banner(space, at);
    const std::size_t build = line.rfind(" #");
    const bool numbered = build != std::string::npos && build + 2 < line.size() && line[build + 2] >= '0' &&
                          line[build + 2] <= '9';
    const auto behind = read_number<std::uint16_t>(space, at + line.size());
    if (numbered && behind && *behind == '\n') found = at;
    return !found;
  });
  return found;
}

/// The kernel's types: by their first bytes, sizes that fit, and the name of a structure that every kernel has.
template <virtual_memory Space, class Image>
[[nodiscard]] std::optional<kernel_range> find_btf(Space& space, const Image& image) {
  // magic, version 1, no flags, a header of 24 bytes, types right behind it
  constexpr std::string_view begins{"\x9f\xeb\x01\0\x18\0\0\0\0\0\0\0", 12};
  std::optional<kernel_range> found;
  image.find(begins, [&](virtual_address at) {
    std::array<std::byte, 24> head{};
    if (space.read(at, head) != status::ok) return true;
    const std::uint64_t types = load_le<std::uint32_t>(head.data() + 12);
    const std::uint64_t names = load_le<std::uint32_t>(head.data() + 16);
    const std::uint64_t size = load_le<std::uint32_t>(head.data() + 20);
    if (types != names || types + size > max_btf_size || size == 0) return true;
    std::vector<std::byte> text(static_cast<std::size_t>(size));
    const virtual_address end = at + head.size() + types + size;
    if (space.read(end - size, text) != status::ok || text.front() != std::byte{0} ||
        text.back() != std::byte{0})
      return true;
    constexpr std::string_view task{"\0task_struct\0", 13};
    if (as_text(text).find(task) == std::string_view::npos) return true;
    found = kernel_range{at, end};
    return false;
  });
  return found;
}

/// init_task, by its name: the one that is its own parent and leader, has number 0, and stands in the list.
template <virtual_memory Space, class Image>
[[nodiscard]] std::optional<virtual_address> find_init_task(Space& space, const Image& image,
                                                            const task_layout& layout) {
  std::optional<virtual_address> found;
  image.find("swapper", [&](virtual_address name) {
    const virtual_address at = layout.task.owner<"comm">(name);
    const object task{space, layout.task, at};
    const auto leader = task.template pointer<"group_leader">();
    const auto parent = task.template pointer<"real_parent">();
    const auto pid = task.template number<"pid">();
    if (!leader || !parent || !pid || *leader != at || *parent != at || *pid != 0) return true;
    list_walk first{space, task.template address_of<"tasks">(), 1};
    if (first.next()) found = at;
    return !found;
  });
  return found;
}

/// `modules`: a list in the image of what are modules by the part of each that points back to it, by name, and
/// by where its code is. Nothing when no module is loaded.
template <virtual_memory Space, class Image, type_source Types>
[[nodiscard]] std::optional<virtual_address> find_module_list(Space& space, const Image& image,
                                                              const Types& types) {
  const auto layout = module_layout::resolve(types);
  const auto back = record<"module", "mkobj.mod">::resolve(types);
  if (!layout || !back) return std::nullopt;
  const auto is_module = [&](virtual_address at) {
    const auto self = object{space, *back, at}.template pointer<"mkobj.mod">();
    const auto module = read_module(space, *layout, at);
    return self && *self == at && module && !module->name.empty() && value(module->base) % 4096 == 0 &&
           module->size != 0;
  };
  const auto width = static_cast<std::size_t>(space.width());
  const auto word = [&](const std::byte* at) {
    return width == 8 ? load_le<std::uint64_t>(at) : load_le<std::uint32_t>(at);
  };
  std::optional<virtual_address> found;
  image.each_piece(width, [&](bytes_view bytes, virtual_address begin) {
    for (std::size_t at = 0; bytes.size() - at >= 2 * width && !found; at += width) {
      const virtual_address head = begin + at;
      const virtual_address next{word(bytes.data() + at)};
      const virtual_address last{word(bytes.data() + at + width)};
      // in the kernel's half, and no text: most words are neither
      if (value(next) >> (8 * width - 8) != 0xff && width == 8) continue;
      if (value(next) % width != 0 || value(last) % width != 0 || next == head || last == head) continue;
      const auto from = read_pointer(space, next + width);
      const auto to =
          from && *from == head ? read_pointer(space, last) : status_or<virtual_address>{status::failed};
      if (!to || *to != head) continue;
      if (is_module(layout->module.template owner<"list">(next)) &&
          is_module(layout->module.template owner<"list">(last)))
        found = head;
    }
    return !found;
  });
  return found;
}

/// sys_call_table and its end: where the functions of three system calls stand at their numbers.
template <virtual_memory Space, class Image>
[[nodiscard]] std::optional<kernel_range> find_system_calls(Space& space, const Image& image,
                                                            const symbol_table& symbols) {
  struct numbers {
    std::string_view prefix;
    std::uint64_t read, write, getpid;
  };
  constexpr std::array<numbers, 3> known{numbers{"__arm64_sys_", 63, 64, 172}, numbers{"__x64_sys_", 0, 1, 39},
                                         numbers{"sys_", 3, 4, 20}};
  const auto width = static_cast<std::uint64_t>(space.width());
  std::optional<kernel_range> found;
  for (const numbers& each : known) {
    const auto function = [&](std::string_view name) { return symbols.find(std::string{each.prefix} += name); };
    const auto read = function("read");
    const auto write = function("write");
    const auto getpid = function("getpid");
    if (!read || !write || !getpid) continue;
    std::array<std::byte, 8> bytes{};
    store_le(bytes.data(), value(getpid->address));
    const auto leads_to = [&](virtual_address at, const symbol& wanted) {
      const auto entry = read_pointer(space, at);
      return entry && *entry == wanted.address;
    };
    image.find(as_text(bytes).substr(0, static_cast<std::size_t>(width)), [&](virtual_address at) {
      const virtual_address table = at - each.getpid * width;
      if (value(table) % width != 0 || !leads_to(table + each.read * width, *read) ||
          !leads_to(table + each.write * width, *write))
        return true;
      // as far as there are functions of system calls, and a few that an intruder turned
      constexpr std::uint64_t turned = 16;
      std::uint64_t count = each.getpid + 1;
      for (std::uint64_t i = count; i < max_system_calls && i < count + turned; ++i) {
        const auto entry = read_pointer(space, table + i * width);
        if (!entry) break;
        if (!system_call_function(symbols, *entry).empty()) count = i + 1;
      }
      found = kernel_range{table, table + count * width};
      return false;
    });
    if (found) break;
  }
  return found;
}

/// Reads a kernel's types where its symbols say that they are; null when they do not.
template <class Space>
[[nodiscard]] kernel_types::btf_loader btf_loader(const Space& space, const symbol_table& symbols) {
  const std::optional<kernel_range> range = find_range(symbols, "__start_BTF", "__stop_BTF");
  if (!range || range->size() > max_btf_size) return nullptr;
  return [memory = &space.memory(), format = space.format(), root = space.root(),
          range = *range]() -> result<btf> {
    address_space reader{*memory, format, root};
    std::vector<std::byte> bytes(static_cast<std::size_t>(range.size()));
    const status read = reader.read(range.begin, bytes);
    if (read != status::ok) return make_error_code(read);
    return btf::parse(bytes);
  };
}

/// Adds what is found of all these to the symbols, and, of a kernel without BTF, what can be inferred to the
/// types.
template <class Space>
void add_missing_symbols(Space& space, const kernel_place& place, symbol_table& symbols, given_types& types) {
  const kernel_image image{space, place};
  const auto add = [&](std::string_view name, std::optional<virtual_address> at) {
    if (at && !symbols.find(name)) (void)symbols.add(*at, 'd', name);
    symbols.finish();
  };
  const auto add_range = [&](std::string_view begin, std::string_view end, std::optional<kernel_range> range) {
    if (!range || symbols.find(begin)) return;
    add(begin, range->begin);
    add(end, range->end);
  };
  add("linux_banner", find_banner(space, image));
  add_range("sys_call_table", "sys_call_table_end", find_system_calls(space, image, symbols));
  add_range("__start_BTF", "__stop_BTF", find_btf(space, image));
  kernel_types all{std::move(types), btf_loader(space, symbols), space.width()};
  if (const auto layout = task_layout::resolve(all)) {
    add("init_task", find_init_task(space, image, *layout));
    add("modules", find_module_list(space, image, all));
    types = all.known();
    return;
  }
  types = all.known();
  image.find("swapper", [&](virtual_address name) {
    std::optional<inferred_tasks> found = infer_tasks(space, name);
    if (!found) return true;
    add("init_task", found->init_task);
    for (const given_types::field& each : found->types.fields()) types.add(each.type, each.path, each.layout);
    return false;
  });
}

}  // namespace shoal::vmi
