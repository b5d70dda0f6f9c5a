// SPDX-License-Identifier: BSL-1.0
//
// scan_for_modules: the modules of a Linux kernel by what they look like in memory, whatever its records of
// them say.
//
//     const module_list there = scan_for_modules(kernel, *layout, area);
//     if (there.end != walk_end::complete) warn(there.end);
//
// A module's own struct module lies in its data, and says where that begins, how large it is, what the module
// is called, and that it is at work. One that is being loaded or unloaded is in memory before and after it is
// in any record, and what is left of one may stay there: such say another state, and are passed over.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include <shoal/base/endian.hpp>
#include <shoal/base/status.hpp>
#include <shoal/vmi/address.hpp>
#include <shoal/vmi/address_space.hpp>
#include <shoal/vmi/finding.hpp>
#include <shoal/vmi/kernel_list.hpp>
#include <shoal/vmi/linux/kernel_range.hpp>
#include <shoal/vmi/linux/module_list.hpp>
#include <shoal/vmi/object.hpp>
#include <shoal/vmi/page_walk.hpp>

namespace shoal::vmi {

/// No larger area is searched: Linux keeps its modules within 2 GiB of its code.
inline constexpr std::uint64_t max_module_area = std::uint64_t{2} << 30;

namespace detail {

template <virtual_memory Space>
class module_scan {
 public:
  module_scan(Space& space, const module_layout& layout, const kernel_range& area)
      : space_(space), layout_(layout), area_(area) {}

  module_list run() {
    if (area_.size() > max_module_area) return {{}, walk_end::too_long};
    for (std::uint64_t at = 0; at < area_.size() && out_.end == walk_end::walking;) {
      const std::uint64_t hole = hole_at(area_.begin + at);
      if (hole == 0) look_at_page(area_.begin + at);
      at += std::max(hole, page_size);
    }
    if (out_.end == walk_end::walking) out_.end = unread_ ? walk_end::unreadable : walk_end::complete;
    return std::move(out_);
  }

 private:
  static constexpr std::uint64_t page_size = 4096;
  static constexpr bool has_tables = requires(Space& space, virtual_address at) { space.translate(at); };
  /// Of words that look like the beginning of a module's data no more are looked at.
  static constexpr std::size_t max_candidates = 1'000'000;

  /// How much is not mapped from here on, as far as one entry of the tables says it.
  [[nodiscard]] std::uint64_t hole_at(virtual_address at) {
    if constexpr (has_tables) {
      const translation found = space_.translate(at);
      if (found.code == status::ok) return 0;
      unread_ = unread_ || found.code != status::out_of_range;  // a table is not in memory
      const std::uint64_t size = std::uint64_t{1} << std::max<unsigned>(found.shift, 12);
      return size - (value(at) & (size - 1));
    }
    return 0;
  }

  void look_at_page(virtual_address at) {
    if (space_.read(at, page_) != status::ok) {
      // what is mapped and no RAM is a device
      unread_ = unread_ || !has_tables;
      return;
    }
    const auto width = static_cast<std::size_t>(space_.width());
    for (std::size_t i = 0; i < page_.size(); i += width) {
      const std::uint64_t word =
          width == 8 ? load_le<std::uint64_t>(page_.data() + i) : load_le<std::uint32_t>(page_.data() + i);
      const virtual_address data{word};
      if (word % page_size != 0 || !area_.contains(data)) continue;
      if (++candidates_ > max_candidates || out_.modules.size() >= max_modules) {
        out_.end = walk_end::too_long;
        return;
      }
      look_at_module(at + i - layout_.data_base.offset, data);
    }
  }

  void look_at_module(virtual_address at, virtual_address data) {
    const auto size = read_number<std::uint32_t>(space_, at + layout_.data_size.offset);
    if (!size || value(at) - value(data) >= *size || *size > value(area_.end) - value(data)) return;
    constexpr std::uint64_t coming = 1;  // enum module_state of include/linux/module.h, behind live
    const auto state = object{space_, layout_.module, at}.template number<"state">();
    if (!state || *state > coming) return;
    std::optional<kernel_module> module = read_module(space_, layout_, at);
    if (!module || !area_.contains(module->base) || value(module->base) % page_size != 0) return;
    if (module->name.empty() || printable(module->name) != module->name) return;
    out_.modules.push_back(std::move(*module));
  }

  Space& space_;
  const module_layout& layout_;
  kernel_range area_;
  std::array<std::byte, page_size> page_{};
  std::size_t candidates_ = 0;
  bool unread_ = false;
  module_list out_;
};

}  // namespace detail

/// @param area  at most max_module_area from the beginning of a page on, and nothing of the kernel's image. A
///              module lies in it as a whole
template <virtual_memory Space>
[[nodiscard]] module_list scan_for_modules(Space& space, const module_layout& layout,
                                           const kernel_range& area) {
  return detail::module_scan<Space>{space, layout, area}.run();
}

}  // namespace shoal::vmi
