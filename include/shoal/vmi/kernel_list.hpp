// SPDX-License-Identifier: BSL-1.0
//
// list_walk, tree_walk: Linux's linked lists (struct list_head) and red-black trees (struct rb_root) node by
// node, with an end whatever they contain. Freestanding.
//
//     list_walk tasks{kernel, head, 100'000};
//     while (const status_or<virtual_address> node = tasks.next()) use(task->owner<"tasks">(*node));
//     if (tasks.end() != walk_end::complete) warn(tasks.end());
//
// Each link is checked against the link back: a list that somebody tore, or that the guest changes right now,
// ends the walk and says so. Who watches a live guest looks again before it believes that.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <shoal/base/status.hpp>
#include <shoal/vmi/address.hpp>
#include <shoal/vmi/address_space.hpp>

namespace shoal::vmi {

/// How a walk ended.
enum class walk_end : std::uint8_t {
  walking,     ///< not yet
  complete,    ///< all was seen
  unreadable,  ///< a link leads where nothing can be read
  torn,        ///< a link and the link back do not fit
  too_long,    ///< more nodes than were allowed
};

/// "torn" and so on.
[[nodiscard]] constexpr std::string_view name_of(walk_end end) noexcept {
  constexpr std::array<std::string_view, 5> names{"walking", "complete", "unreadable", "torn", "too long"};
  return names[static_cast<std::size_t>(end)];
}

template <virtual_memory Space>
class list_walk {
 public:
  /// @param head   of the list: next() gives what stands behind it, up to it
  /// @param limit  nodes at most
  list_walk(Space& space, virtual_address head, std::size_t limit) noexcept
      : space_(&space), head_(head), here_(head), left_(limit) {}

  /// The next node. failed when there is none: end() says why.
  [[nodiscard]] status_or<virtual_address> next() noexcept {
    if (end_ != walk_end::walking) return status::failed;
    const status_or<virtual_address> following = read_pointer(*space_, here_);
    if (!following) return stop(walk_end::unreadable);
    const std::uint64_t width = static_cast<std::uint64_t>(space_->width());
    const status_or<virtual_address> back = read_pointer(*space_, *following + width);
    if (!back) return stop(walk_end::unreadable);
    // No list whose links back are right comes to a node twice but to its head.
    if (*back != here_) return stop(walk_end::torn);
    if (*following == head_) return stop(walk_end::complete);
    if (left_ == 0) return stop(walk_end::too_long);
    --left_;
    here_ = *following;
    return here_;
  }

  [[nodiscard]] walk_end end() const noexcept { return end_; }

 private:
  status stop(walk_end how) noexcept {
    end_ = how;
    return status::failed;
  }

  Space* space_;
  virtual_address head_;
  virtual_address here_;
  std::size_t left_;
  walk_end end_ = walk_end::walking;
};

template <virtual_memory Space>
class tree_walk {
 public:
  /// @param root   the address of struct rb_root
  /// @param limit  nodes at most; ways between them are bounded with it
  tree_walk(Space& space, virtual_address root, std::size_t limit) noexcept
      : space_(&space), root_(root), left_(limit) {}

  /// The next node, in the tree's order. failed when there is none: end() says why.
  [[nodiscard]] status_or<virtual_address> next() noexcept {
    if (end_ != walk_end::walking) return status::failed;
    if (!begun_) {
      begun_ = true;
      const status_or<virtual_address> top = read_pointer(*space_, root_);
      if (!top) return stop(walk_end::unreadable);
      if (value(*top) == 0) return stop(walk_end::complete);
      return take(leftmost(*top, virtual_address{}));
    }
    const status_or<virtual_address> right = child(here_, right_link);
    if (!right) return stop(walk_end::unreadable);
    if (value(*right) != 0) return take(leftmost(*right, here_));
    return take(climb());
  }

  [[nodiscard]] walk_end end() const noexcept { return end_; }

 private:
  // struct rb_node: parent and colour, right, left
  static constexpr std::uint64_t right_link = 1;
  static constexpr std::uint64_t left_link = 2;
  /// A balanced tree of 2^64 nodes is not deeper.
  static constexpr std::size_t max_depth = 128;

  [[nodiscard]] status_or<virtual_address> child(virtual_address node, std::uint64_t link) noexcept {
    return read_pointer(*space_, node + link * static_cast<std::uint64_t>(space_->width()));
  }
  [[nodiscard]] status_or<virtual_address> parent(virtual_address node) noexcept {
    const status_or<virtual_address> word = read_pointer(*space_, node);
    if (!word) return word.code;
    return virtual_address{value(*word) & ~std::uint64_t{3}};
  }

  /// Down to the left from `node`, whose parent has to be `above`.
  [[nodiscard]] walk_end leftmost(virtual_address node, virtual_address above) noexcept {
    for (std::size_t depth = 0; depth < max_depth; ++depth) {
      const status_or<virtual_address> up = parent(node);
      if (!up) return walk_end::unreadable;
      if (*up != above) return walk_end::torn;
      const status_or<virtual_address> down = child(node, left_link);
      if (!down) return walk_end::unreadable;
      if (value(*down) == 0) {
        here_ = node;
        return walk_end::walking;
      }
      above = node;
      node = *down;
    }
    return walk_end::torn;
  }

  /// Up to the first node that was come from by its left.
  [[nodiscard]] walk_end climb() noexcept {
    for (std::size_t depth = 0; depth < max_depth; ++depth) {
      const status_or<virtual_address> up = parent(here_);
      if (!up) return walk_end::unreadable;
      if (value(*up) == 0) return walk_end::complete;
      const status_or<virtual_address> left = child(*up, left_link);
      const status_or<virtual_address> right = child(*up, right_link);
      if (!left || !right) return walk_end::unreadable;
      const virtual_address from = here_;
      here_ = *up;
      if (*left == from) return walk_end::walking;
      if (*right != from) return walk_end::torn;
    }
    return walk_end::torn;
  }

  [[nodiscard]] status_or<virtual_address> take(walk_end how) noexcept {
    if (how != walk_end::walking) return stop(how);
    if (left_ == 0) return stop(walk_end::too_long);
    --left_;
    return here_;
  }

  status stop(walk_end how) noexcept {
    end_ = how;
    return status::failed;
  }

  Space* space_;
  virtual_address root_;
  virtual_address here_{};
  std::size_t left_;
  bool begun_ = false;
  walk_end end_ = walk_end::walking;
};

}  // namespace shoal::vmi
