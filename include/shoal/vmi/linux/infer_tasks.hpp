// SPDX-License-Identifier: BSL-1.0
//
// infer_tasks: where the fields of a task are in a Linux kernel that carries no types of its own (BTF), found
// by what each of them has to say of the kernel's first three tasks: the idle one, init, and kthreadd.
//
//     std::optional<inferred_tasks> found = infer_tasks(space, where_swapper_is_written);
//     if (found) const auto layout = task_layout::resolve(found->types);
//
// Every field is checked, most by all tasks, and one that is not found is the end of it: there is no guess.
// Leaves out kernels whose structures were shuffled (RANDSTRUCT), and when a task began.
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
#include <shoal/base/status.hpp>
#include <shoal/vmi/address_space.hpp>
#include <shoal/vmi/field_layout.hpp>
#include <shoal/vmi/kernel_list.hpp>

namespace shoal::vmi {

struct inferred_tasks {
  virtual_address init_task{};
  /// Of task_struct and cred. What task_layout asks for and nobody can tell has no size, and reads as zero.
  given_types types;
};

namespace detail {

template <virtual_memory Space>
class task_inference {
 public:
  /// @param comm  where the first task's name is
  task_inference(Space& space, virtual_address comm) noexcept
      : space_(space), width_(static_cast<std::uint64_t>(space.width())), names_{comm} {}

  std::optional<inferred_tasks> run() {
    if (!find_list() || !find_numbers() || !find_family() || !find_memory() || !find_flags() || !find_rights())
      return std::nullopt;
    for (const std::string_view field : {"pid_links", "start_time", "self_exec_id"}) {
      out_.types.add("task_struct", std::string{field}, {});
    }
    return std::move(out_);
  }

 private:
  /// Farther than this from its name no field of a task is: a task has 10,000 bytes at most.
  static constexpr std::uint64_t farthest = 8192;
  static constexpr std::size_t checked_tasks = 64;

  // Fields are told by how far they are before the name, until it is known where a task begins.

  [[nodiscard]] std::optional<std::uint64_t> pointer(std::size_t task, std::uint64_t before) noexcept {
    const status_or<virtual_address> read = read_pointer(space_, names_[task] - before);
    return read ? std::optional{value(*read)} : std::nullopt;
  }
  [[nodiscard]] std::optional<std::uint32_t> number(std::size_t task, std::uint64_t before) noexcept {
    const status_or<std::uint32_t> read = read_number<std::uint32_t>(space_, names_[task] - before);
    return read ? std::optional{*read} : std::nullopt;
  }
  [[nodiscard]] bool is_named(virtual_address name, std::string_view wanted) noexcept {
    std::array<std::byte, 16> text{};
    return space_.read(name, text) == status::ok &&
           as_text(text).substr(0, wanted.size() + 1) == std::string{wanted} + '\0';
  }
  template <class F>
  [[nodiscard]] bool all_tasks(F&& f) {
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (!f(i)) return false;
    }
    return true;
  }
  void add(std::string_view field, std::uint64_t before, std::uint64_t size) {
    out_.types.add("task_struct", std::string{field},
                   {static_cast<std::uint32_t>(comm_ - before), static_cast<std::uint32_t>(size), 0, 0});
  }

  /// The list of tasks: a ring whose third is kthreadd.
  [[nodiscard]] bool find_list() {
    for (list_ = width_; list_ <= farthest; list_ += width_) {
      const virtual_address first = names_[0] - list_;
      const status_or<virtual_address> init = read_pointer(space_, first);
      if (!init || *init == first) continue;
      const status_or<virtual_address> third = read_pointer(space_, *init);
      if (!third || !is_named(*third + list_, "kthreadd")) continue;
      std::vector<virtual_address> names{names_[0]};
      list_walk walk{space_, first, steps_};
      while (const status_or<virtual_address> node = walk.next()) {
        --steps_;
        if (names.size() < checked_tasks) names.push_back(*node + list_);
      }
      if (walk.end() != walk_end::complete || names.size() < 3) continue;
      names_ = std::move(names);
      return true;
    }
    return false;
  }

  /// pid and tgid: 0, 1, 2 for the first three, and the same for whoever is in this list.
  [[nodiscard]] bool find_numbers() {
    for (pid_ = list_ - 2 * width_; pid_ > 4; pid_ -= 4) {
      const bool fits = all_tasks([&](std::size_t i) {
        const auto pid = number(i, pid_);
        const auto group = number(i, pid_ - 4);
        return pid && group && *pid == *group && (i < 3 ? *pid == i : *pid > 2);
      });
      if (fits) return true;
    }
    return false;
  }

  /// real_parent, parent, children, sibling, group_leader, one behind the other. The first task is its own
  /// parent and leader: that tells where it begins.
  [[nodiscard]] bool find_family() {
    for (std::uint64_t behind = 8; behind <= 64; behind += width_) {
      if (pid_ < behind + 8 * width_) return false;
      const std::uint64_t parent = (pid_ - behind) / width_ * width_;
      const auto self = pointer(0, parent);
      if (!self || value(names_[0]) - *self > farthest || value(names_[0]) - *self <= list_) continue;
      if (pointer(0, parent - width_) != self || pointer(0, parent - 6 * width_) != self) continue;
      comm_ = value(names_[0]) - *self;
      const bool led =
          all_tasks([&](std::size_t i) { return pointer(i, parent - 6 * width_) == value(names_[i]) - comm_; });
      const auto child = pointer(0, parent - 2 * width_);
      if (!led || pointer(1, parent) != self || pointer(2, parent) != self ||
          child != value(names_[1]) - (parent - 4 * width_)) {
        continue;
      }
      out_.init_task = virtual_address{*self};
      parent_ = parent;
      add("tasks", list_, 2 * width_);
      add("pid", pid_, 4);
      add("tgid", pid_ - 4, 4);
      add("real_parent", parent, width_);
      add("children", parent - 2 * width_, 2 * width_);
      add("sibling", parent - 4 * width_, 2 * width_);
      add("group_leader", parent - 6 * width_, width_);
      add("comm", 0, 16);
      return true;
    }
    return false;
  }

  /// mm and active_mm: both the same for programs, the first zero for threads of the kernel.
  [[nodiscard]] bool find_memory() {
    for (std::uint64_t memory = list_ - 2 * width_; memory > pid_; memory -= width_) {
      const auto first = pointer(0, memory);
      const auto init = pointer(1, memory);
      const auto kthreadd = pointer(2, memory);
      if (first != 0 || kthreadd != 0 || !init || *init == 0) continue;
      const bool fits = all_tasks([&](std::size_t i) {
        const auto own = pointer(i, memory);
        return own && (*own == 0 || own == pointer(i, memory - width_));
      });
      if (!fits) continue;
      add("mm", memory, width_);
      return true;
    }
    return false;
  }

  /// flags, before the list: PF_KTHREAD for the idle task, kthreadd and its children, and no other.
  [[nodiscard]] bool find_flags() {
    constexpr std::uint32_t is_kernel_thread = 0x20'0000;
    for (std::uint64_t before = comm_; before > list_; before -= 4) {
      const bool fits = all_tasks([&](std::size_t i) {
        const auto flags = number(i, before);
        const bool kernel = i == 0 || i == 2 || pointer(i, parent_) == value(names_[2]) - comm_;
        return flags && ((*flags & is_kernel_thread) != 0) == kernel;
      });
      if (!fits) continue;
      add("flags", before, 4);
      return true;
    }
    return false;
  }

  /// real_cred and cred, right before the name but for a key perhaps.
  [[nodiscard]] bool find_rights() {
    for (std::uint64_t before = width_; before <= 4 * width_; before += width_) {
      const bool fits = all_tasks([&](std::size_t i) {
        const auto used = pointer(i, before);
        return used && *used != 0 && (i > 2 || used == pointer(i, before + width_));
      });
      if (!fits || !find_cred(*pointer(0, before))) continue;
      add("cred", before, width_);
      return true;
    }
    return false;
  }

  /// The first task's credentials: nobody's and root's numbers are zero, and it may do everything, thrice.
  [[nodiscard]] bool find_cred(std::uint64_t at) {
    std::array<std::byte, 80> bytes{};
    if (space_.read(virtual_address{at}, bytes) != status::ok) return false;
    struct form {
      std::uint32_t uid, permitted;
    };
    // The counter before them has four bytes or eight; sets of rights are pairs of words up to Linux 6.2.
    for (const auto [uid, permitted] : {form{4, 48}, form{8, 52}, form{8, 56}}) {
      const auto ids = bytes_view{bytes}.subspan(uid, permitted - uid);
      const auto right = [&, at = permitted](std::uint32_t i) {
        return load_le<std::uint64_t>(bytes.data() + at + 8 * i);
      };
      const bool all_zero = std::ranges::all_of(ids, [](std::byte b) { return b == std::byte{0}; });
      if (!all_zero || (right(0) & 0xffff'ffff) != 0xffff'ffff || right(1) != right(0) || right(2) != right(0))
        continue;
      constexpr std::array<std::string_view, 7> names{"uid", "gid", "suid", "sgid", "euid", "egid", "fsuid"};
      for (std::uint32_t i = 0; i < names.size(); ++i) {
        out_.types.add("cred", std::string{names[i]}, {uid + 4 * i, 4, 0, 0});
      }
      out_.types.add("cred", "cap_permitted", {permitted, 8, 0, 0});
      out_.types.add("cred", "cap_effective", {permitted + 8, 8, 0, 0});
      return true;
    }
    return false;
  }

  Space& space_;
  std::uint64_t width_;
  std::vector<virtual_address> names_;  ///< of the first tasks
  std::size_t steps_ = 100'000;         ///< that are left, through all lists that are tried
  std::uint64_t list_ = 0;
  std::uint64_t pid_ = 0;
  std::uint64_t parent_ = 0;
  std::uint64_t comm_ = 0;  ///< how far behind a task's beginning its name is
  inferred_tasks out_;
};

}  // namespace detail

/// Nothing when a field is not found.
/// @param comm  where the name of the first task, "swapper/0" or "swapper", may be
template <virtual_memory Space>
[[nodiscard]] std::optional<inferred_tasks> infer_tasks(Space& space, virtual_address comm) {
  return detail::task_inference<Space>{space, comm}.run();
}

}  // namespace shoal::vmi
