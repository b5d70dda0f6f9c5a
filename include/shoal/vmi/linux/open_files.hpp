// SPDX-License-Identifier: BSL-1.0
//
// open_files: what a process has open, by its table of file descriptors: what `ls -l /proc/PID/fd` inside would
// print, with flags and positions.
//
//     const auto layout = open_file_layout::resolve(types);
//     const open_file_list all = read_open_files(kernel, *layout, places, task);
//     for (const open_file& each : all.files) print(each.number, each.path.printed());
//     if (all.end != walk_end::complete) warn(all.end);
//
// A process opens and closes meanwhile: each entry of the table is read again after its file, as the kernel
// itself does without a lock, and the table's address after the table.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <shoal/base/result.hpp>
#include <shoal/base/status.hpp>
#include <shoal/vmi/address_space.hpp>
#include <shoal/vmi/kernel_list.hpp>
#include <shoal/vmi/linux/file_path.hpp>
#include <shoal/vmi/object.hpp>

namespace shoal::vmi {

/// No more descriptors are looked at: Linux gives a process as many, if not told otherwise.
inline constexpr std::uint64_t max_open_files = std::uint64_t{1} << 20;

struct open_file_layout {
  path_layout path;
  record<"task_struct", "files"> task;
  record<"files_struct", "fdt"> files;
  record<"fdtable", "max_fds", "fd", "open_fds", "close_on_exec"> table;
  record<"file", "f_path.mnt", "f_path.dentry", "f_inode", "f_op", "f_flags", "f_mode", "f_pos", "private_data">
      file;

  /// not_found when the types lack a field.
  template <type_source Types>
  [[nodiscard]] static result<open_file_layout> resolve(const Types& types) {
    const auto path = path_layout::resolve(types);
    const auto task = decltype(open_file_layout::task)::resolve(types);
    const auto files = decltype(open_file_layout::files)::resolve(types);
    const auto table = decltype(open_file_layout::table)::resolve(types);
    const auto file = decltype(open_file_layout::file)::resolve(types);
    if (!path || !task || !files || !table || !file) return errc::not_found;
    return open_file_layout{*path, *task, *files, *table, *file};
  }
};

struct open_file {
  std::uint32_t number = 0;      ///< the descriptor
  virtual_address address{};     ///< struct file
  virtual_address operations{};  ///< struct file_operations: what kind of file it is
  virtual_address content{};     ///< private_data, which is that kind's own
  bool readable = false;
  bool writable = false;
  std::uint32_t flags = 0;     ///< O_APPEND and so on, as /proc/PID/fdinfo prints them
  std::uint64_t position = 0;  ///< in bytes
  std::uint64_t inode = 0;
  file_path path;
};

struct open_file_list {
  std::vector<open_file> files;  ///< by their numbers
  walk_end end = walk_end::walking;
};

namespace detail {

template <virtual_memory Space>
class open_file_search {
 public:
  open_file_search(Space& space, const open_file_layout& layout, const path_places& places, std::size_t limit)
      : space_(space), layout_(layout), paths_(space, layout.path, places, limit) {}

  open_file_list run(virtual_address task) {
    const object owner{space_, layout_.task, task};
    const status_or<virtual_address> files = owner.template pointer<"files">();
    if (!files) return {{}, walk_end::unreadable};
    if (value(*files) == 0) return {{}, walk_end::complete};  // it is ending
    const object holder{space_, layout_.files, *files};
    open_file_list out;
    for (int i = 0; i < tries; ++i) {
      const status_or<virtual_address> table = holder.template pointer<"fdt">();
      if (!table) return {{}, walk_end::unreadable};
      out = read_table(*table);
      const status_or<virtual_address> now = holder.template pointer<"fdt">();
      if (now && *now == *table) return out;
    }
    out.end = walk_end::torn;
    return out;
  }

 private:
  static constexpr int tries = 4;

  open_file_list read_table(virtual_address at) {
    open_file_list out;
    const object table{space_, layout_.table, at};
    const status_or<std::uint64_t> most = table.template number<"max_fds">();
    const status_or<virtual_address> slots = table.template pointer<"fd">();
    const status_or<virtual_address> open = table.template pointer<"open_fds">();
    const status_or<virtual_address> closing = table.template pointer<"close_on_exec">();
    if (!most || !slots || !open || !closing) return {{}, walk_end::unreadable};
    out.end = *most > max_open_files ? walk_end::too_long : walk_end::complete;
    const std::uint64_t width = static_cast<std::uint64_t>(space_.width());
    // The bitmaps are of unsigned longs, which are as wide as pointers.
    const std::uint64_t step = 8 * width;
    for (std::uint64_t first = 0; first < std::min(*most, max_open_files); first += step) {
      const status_or<virtual_address> used = read_pointer(space_, *open + first / 8);
      const status_or<virtual_address> marked = read_pointer(space_, *closing + first / 8);
      if (!used || !marked) return {std::move(out.files), walk_end::unreadable};
      for (std::uint64_t left = value(*used); left != 0; left &= left - 1) {
        const auto bit = static_cast<std::uint64_t>(std::countr_zero(left));
        const std::uint32_t flags = (value(*marked) >> bit & 1) != 0 ? close_on_exec : 0;
        if (!read_slot(*slots + (first + bit) * width, static_cast<std::uint32_t>(first + bit), flags, out)) {
          return {std::move(out.files), walk_end::unreadable};
        }
      }
    }
    return out;
  }

  /// False when the table ends here. A file that cannot be read is noted, and others may follow.
  bool read_slot(virtual_address slot, std::uint32_t number, std::uint32_t flags, open_file_list& out) {
    for (int i = 0; i < tries; ++i) {
      const status_or<virtual_address> at = read_pointer(space_, slot);
      if (!at) return false;
      if (value(*at) == 0) return true;  // a number that is taken, and no file yet
      std::optional<open_file> file = read_file(*at);
      const status_or<virtual_address> now = read_pointer(space_, slot);
      if (!now) return false;
      if (*now != *at) continue;
      if (!file) {
        out.end = walk_end::unreadable;
        return true;
      }
      file->number = number;
      file->flags |= flags;
      out.files.push_back(std::move(*file));
      return true;
    }
    out.end = walk_end::torn;
    return true;
  }

  /// Nothing when it cannot be read, but for its path.
  std::optional<open_file> read_file(virtual_address at) {
    constexpr std::uint64_t may_read = 1;  // FMODE_READ
    constexpr std::uint64_t may_write = 2;
    const object file{space_, layout_.file, at};
    const status_or<virtual_address> operations = file.template pointer<"f_op">();
    const status_or<virtual_address> content = file.template pointer<"private_data">();
    const status_or<std::uint64_t> flags = file.template number<"f_flags">();
    const status_or<std::uint64_t> mode = file.template number<"f_mode">();
    const status_or<std::uint64_t> position = file.template number<"f_pos">();
    const auto inode = file.template follow<"f_inode">(layout_.path.inode);
    const status_or<std::uint64_t> inode_number =
        inode ? inode->template number<"i_ino">() : status_or<std::uint64_t>{status::out_of_range};
    const status_or<virtual_address> mnt = file.template pointer<"f_path.mnt">();
    const status_or<virtual_address> dentry = file.template pointer<"f_path.dentry">();
    if (!operations || !content || !flags || !mode || !position || !inode_number || !mnt || !dentry)
      return std::nullopt;
    open_file out;
    out.address = at;
    out.operations = *operations;
    out.content = *content;
    out.readable = (*mode & may_read) != 0;
    out.writable = (*mode & may_write) != 0;
    out.flags = static_cast<std::uint32_t>(*flags) & ~close_on_exec;  // which is the descriptor's
    out.position = *position;
    out.inode = *inode_number;
    out.path = paths_.read(*mnt, *dentry);
    return out;
  }

  static constexpr std::uint32_t close_on_exec = 02'000'000;  // O_CLOEXEC

  Space& space_;
  const open_file_layout& layout_;
  path_reader<Space> paths_;
};

}  // namespace detail

/// What a task has open. `end` says whether that is all, paths apart.
///
/// @param limit  directories and mounts that are followed for all paths together
template <virtual_memory Space>
[[nodiscard]] open_file_list read_open_files(Space& space, const open_file_layout& layout,
                                             const path_places& places, virtual_address task,
                                             std::size_t limit = max_steps_of_all_paths) {
  return detail::open_file_search<Space>{space, layout, places, limit}.run(task);
}

}  // namespace shoal::vmi
