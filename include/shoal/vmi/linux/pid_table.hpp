// SPDX-License-Identifier: BSL-1.0
//
// pid_walk: the numbers that a Linux kernel knows its processes and threads by, with their struct pid, out of
// its own table: a tree (Linux 4.20 and later) or a hash (before 4.15).
//
//     pid_walk pids{kernel, layout, place};
//     while (const auto each = pids.next()) use(each->number, pids.task_link(*each));
//     if (pids.end() != walk_end::complete) warn(pids.end());
//
// The numbers are those of the machine: a container's are beside them in the same struct pid. Leaves out the
// tree that 4.15 to 4.19 have, whose nodes are marked otherwise.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include <shoal/base/result.hpp>
#include <shoal/base/status.hpp>
#include <shoal/vmi/address_space.hpp>
#include <shoal/vmi/kernel_list.hpp>
#include <shoal/vmi/object.hpp>
#include <shoal/vmi/xarray_walk.hpp>

namespace shoal::vmi {

struct pid_tree_layout {
  record<"pid_namespace", "idr.idr_rt.xa_head"> space;
  xarray_layout xarray;

  template <type_source Types>
  [[nodiscard]] static result<pid_tree_layout> resolve(const Types& types) {
    const auto space = decltype(pid_tree_layout::space)::resolve(types);
    const auto xarray = xarray_layout::resolve(types);
    if (!space || !xarray) return errc::not_found;
    return pid_tree_layout{*space, *xarray};
  }
};

struct pid_hash_layout {
  record<"upid", "nr", "ns", "pid_chain"> number;
  record<"pid", "numbers"> pid;

  template <type_source Types>
  [[nodiscard]] static result<pid_hash_layout> resolve(const Types& types) {
    const auto number = decltype(pid_hash_layout::number)::resolve(types);
    const auto pid = decltype(pid_hash_layout::pid)::resolve(types);
    if (!number || !pid) return errc::not_found;
    return pid_hash_layout{*number, *pid};
  }
};

/// One of the two is there.
struct pid_table_layout {
  record<"pid", "tasks"> pid;
  std::optional<pid_tree_layout> tree;
  std::optional<pid_hash_layout> hash;

  template <type_source Types>
  [[nodiscard]] static result<pid_table_layout> resolve(const Types& types) {
    const auto pid = decltype(pid_table_layout::pid)::resolve(types);
    if (!pid) return pid.error();
    if (const auto tree = pid_tree_layout::resolve(types)) return pid_table_layout{*pid, *tree, std::nullopt};
    const auto hash = pid_hash_layout::resolve(types);
    if (!hash) return hash.error();
    return pid_table_layout{*pid, std::nullopt, *hash};
  }
};

struct pid_table_place {
  virtual_address init_pid_ns{};
  virtual_address hash{};        ///< what pid_hash points to; 0 where the kernel has none
  std::uint64_t hash_shift = 0;  ///< pidhash_shift: the hash has 2^shift chains
};

struct pid_entry {
  std::uint64_t number = 0;
  virtual_address pid{};  ///< of struct pid
};

template <virtual_memory Space>
class pid_walk {
 public:
  /// @param layout  outlives the walk
  /// @param limit   places that are looked at, at most
  pid_walk(Space& space, const pid_table_layout& layout, const pid_table_place& place,
           std::size_t limit) noexcept
      : space_(&space), layout_(&layout), place_(place), left_(limit) {
    if (layout.tree) {
      const object numbers{space, layout.tree->space, place.init_pid_ns};
      const status_or<virtual_address> head = numbers.template pointer<"idr.idr_rt.xa_head">();
      if (head) tree_.emplace(space, layout.tree->xarray, *head, limit);
    } else if (value(place.hash) != 0 && place.hash_shift <= largest_shift) {
      chains_ = std::uint64_t{1} << place.hash_shift;
    }
    if (!tree_ && chains_ == 0) end_ = walk_end::unreadable;
  }

  /// The next number. failed when there is none: end() says why.
  [[nodiscard]] status_or<pid_entry> next() noexcept {
    if (!tree_) return next_in_hash();
    const status_or<xarray_entry> each = tree_->next();
    if (!each) return stop(tree_->end());
    return pid_entry{each->index, each->pointer};
  }

  /// The link to the thread with the number, its pid_links[PIDTYPE_PID]: 0 for a number that is a group's
  /// alone.
  [[nodiscard]] status_or<virtual_address> task_link(const pid_entry& entry) const noexcept {
    const object pid{*space_, layout_->pid, entry.pid};
    return read_pointer(*space_, pid.template address_of<"tasks">());
  }

  [[nodiscard]] walk_end end() const noexcept { return end_; }

 private:
  /// kernel/pid.c asks for 4,096 chains at most.
  static constexpr std::uint64_t largest_shift = 12;

  // struct upid in chains of struct hlist_node: the next one, and the address of the pointer to this one
  [[nodiscard]] status_or<pid_entry> next_in_hash() noexcept {
    const std::uint64_t width = static_cast<std::uint64_t>(space_->width());
    while (end_ == walk_end::walking) {
      if (value(link_) == 0) {
        if (chain_ == chains_) return stop(walk_end::complete);
        link_ = place_.hash + width * chain_++;
      }
      const status_or<virtual_address> node = read_pointer(*space_, link_);
      if (!node) return stop(walk_end::unreadable);
      if (value(*node) == 0) {
        link_ = {};
        continue;
      }
      if (left_ == 0) return stop(walk_end::too_long);
      --left_;
      const object each{*space_, layout_->hash->number,
                        layout_->hash->number.template owner<"pid_chain">(*node)};
      const status_or<virtual_address> back = read_pointer(*space_, *node + width);
      const status_or<std::uint64_t> number = each.template number<"nr">();
      const status_or<virtual_address> owner = each.template pointer<"ns">();
      if (!back || !number || !owner) return stop(walk_end::unreadable);
      // No chain whose links back are right comes to a node twice.
      if (*back != link_) return stop(walk_end::torn);
      link_ = *node;
      // Each struct pid begins with its number in the namespace of all; a container's are further ones.
      if (*owner == place_.init_pid_ns) {
        return pid_entry{*number, layout_->hash->pid.template owner<"numbers">(each.address())};
      }
    }
    return status::failed;
  }

  status stop(walk_end how) noexcept {
    end_ = how;
    return status::failed;
  }

  Space* space_;
  const pid_table_layout* layout_;
  pid_table_place place_;
  std::size_t left_;
  std::optional<xarray_walk<Space>> tree_;
  std::uint64_t chains_ = 0;
  std::uint64_t chain_ = 0;
  virtual_address link_{};  ///< the pointer that is followed next; 0: that of the next chain
  walk_end end_ = walk_end::walking;
};

}  // namespace shoal::vmi
