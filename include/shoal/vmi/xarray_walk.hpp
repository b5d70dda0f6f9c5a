// SPDX-License-Identifier: BSL-1.0
//
// xarray_walk: the pointers in one of Linux's XArrays (struct xarray, and the idr and radix trees made of it),
// by their index, with an end whatever it contains.
//
//     xarray_walk pids{kernel, *layout, head, 100'000};                 // head: the value of xa_head
//     while (const auto each = pids.next()) use(each->index, each->pointer);
//     if (pids.end() != walk_end::complete) warn(pids.end());
//
// Each node is checked against the one above it: its parent, its place there, its step. So none is come to
// twice, and what is no such tree, as where the guest wrote other things over it, ends at once. Leaves out
// values that are no pointers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <shoal/base/result.hpp>
#include <shoal/base/status.hpp>
#include <shoal/vmi/address_space.hpp>
#include <shoal/vmi/kernel_list.hpp>
#include <shoal/vmi/object.hpp>

namespace shoal::vmi {

struct xarray_layout {
  record<"xa_node", "shift", "offset", "parent", "slots"> node;

  template <type_source Types>
  [[nodiscard]] static result<xarray_layout> resolve(const Types& types) {
    const auto node = decltype(xarray_layout::node)::resolve(types);
    if (!node) return node.error();
    return xarray_layout{*node};
  }
};

struct xarray_entry {
  std::uint64_t index = 0;
  virtual_address pointer{};
};

template <virtual_memory Space>
class xarray_walk {
 public:
  /// @param layout  outlives the walk
  /// @param limit   slots that are looked at, at most
  xarray_walk(Space& space, const xarray_layout& layout, virtual_address head, std::size_t limit) noexcept
      : space_(&space), layout_(&layout), left_(limit) {
    const std::uint64_t entry = value(head);
    if (is_node(entry)) {
      enter(entry, 0, 0);
    } else if (is_pointer(entry)) {
      only_ = entry;
    } else {
      end_ = walk_end::complete;
    }
  }

  /// The next pointer. failed when there is none: end() says why.
  [[nodiscard]] status_or<xarray_entry> next() noexcept {
    if (only_ != 0) {
      const virtual_address pointer{only_};
      only_ = 0;
      if (end_ == walk_end::walking) end_ = walk_end::complete;
      return xarray_entry{0, pointer};
    }
    const std::uint64_t width = static_cast<std::uint64_t>(space_->width());
    const std::uint64_t slots = layout_->node.template field<"slots">().size / width;
    while (end_ == walk_end::walking) {
      if (depth_ == 0) return stop(walk_end::complete);
      level& here = levels_[depth_ - 1];
      if (here.slot == slots) {
        --depth_;
        continue;
      }
      if (left_ == 0) return stop(walk_end::too_long);
      --left_;
      const std::uint64_t slot = here.slot++;
      const std::uint64_t index = here.index + (slot << here.shift);
      const status_or<virtual_address> entry =
          read_pointer(*space_, here.node + layout_->node.template field<"slots">().offset + slot * width);
      if (!entry) return stop(walk_end::unreadable);
      if (is_node(value(*entry))) {
        enter(value(*entry), index, slot);
      } else if (is_pointer(value(*entry))) {
        return xarray_entry{index, *entry};
      }
    }
    return status::failed;
  }

  [[nodiscard]] walk_end end() const noexcept { return end_; }

 private:
  struct level {
    virtual_address node{};
    std::uint64_t index = 0;
    std::uint64_t slot = 0;
    std::uint8_t shift = 0;
  };
  /// 64 bits of an index, of which a level takes four at least.
  static constexpr std::size_t max_depth = 16;

  // include/linux/xarray.h: the lowest bits say what an entry is; small "nodes" are marks for its own use
  [[nodiscard]] static constexpr bool is_node(std::uint64_t entry) noexcept {
    return (entry & 3) == 2 && entry > 4096;
  }
  [[nodiscard]] static constexpr bool is_pointer(std::uint64_t entry) noexcept {
    return entry != 0 && (entry & 3) == 0;
  }

  void enter(std::uint64_t entry, std::uint64_t index, std::uint64_t slot) noexcept {
    const object node{*space_, layout_->node, virtual_address{entry & ~std::uint64_t{3}}};
    const level above = depth_ == 0 ? level{} : levels_[depth_ - 1];
    const status_or<std::uint64_t> shift = node.template number<"shift">();
    const status_or<std::uint64_t> offset = node.template number<"offset">();
    const status_or<virtual_address> parent = node.template pointer<"parent">();
    const auto lower = [&] { return *shift < (depth_ == 0 ? 64 : above.shift); };
    if (!shift || !offset || !parent) {
      end_ = walk_end::unreadable;
    } else if (!lower() || *offset != slot || *parent != above.node || depth_ == max_depth) {
      end_ = walk_end::torn;
    } else {
      levels_[depth_++] = {node.address(), index, 0, static_cast<std::uint8_t>(*shift)};
    }
  }

  status stop(walk_end how) noexcept {
    end_ = how;
    return status::failed;
  }

  Space* space_;
  const xarray_layout* layout_;
  std::size_t left_;
  std::uint64_t only_ = 0;
  std::size_t depth_ = 0;
  std::array<level, max_depth> levels_{};
  walk_end end_ = walk_end::walking;
};

}  // namespace shoal::vmi
