// SPDX-License-Identifier: BSL-1.0
//
// path_reader: what Linux calls a file that is open: its path through directories and mounts, as the kernel's
// own d_path makes it, "/memfd:a (deleted)" and "socket:[123]" for what no directory leads to.
//
//     path_reader paths{kernel, layout, places};
//     const file_path path = paths.read(mnt, dentry);               // file->f_path
//     if (path.end == walk_end::complete) print(path.printed());
//
// Renames and mounts change directories while they are read. Linux counts them (rename_lock, mount_lock), and a
// path is read again until nothing was counted meanwhile. Paths begin at the top of the mount namespace: what
// chroot shows is shorter. A namespace is "nsfs:[123]", without its kind.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include <shoal/base/result.hpp>
#include <shoal/base/status.hpp>
#include <shoal/vmi/address_space.hpp>
#include <shoal/vmi/kernel_list.hpp>
#include <shoal/vmi/object.hpp>

namespace shoal::vmi {

/// No more directories and mounts are followed: for one path, and by one reader.
inline constexpr std::size_t max_path_steps = 4096;
inline constexpr std::size_t max_steps_of_all_paths = std::size_t{1} << 20;

struct path_layout {
  record<"dentry", "d_parent", "d_name.len", "d_name.name", "d_hash.pprev", "d_inode", "d_sb"> dentry;
  record<"mount", "mnt", "mnt.mnt_root", "mnt_parent", "mnt_mountpoint"> mount;
  record<"inode", "i_ino"> inode;
  record<"super_block", "s_type"> super_block;
  record<"file_system_type", "name"> file_system;

  /// not_found when the types lack a field.
  template <type_source Types>
  [[nodiscard]] static result<path_layout> resolve(const Types& types) {
    const auto dentry = decltype(path_layout::dentry)::resolve(types);
    const auto mount = decltype(path_layout::mount)::resolve(types);
    const auto inode = decltype(path_layout::inode)::resolve(types);
    const auto super_block = decltype(path_layout::super_block)::resolve(types);
    const auto file_system = decltype(path_layout::file_system)::resolve(types);
    if (!dentry || !mount || !inode || !super_block || !file_system) return errc::not_found;
    return path_layout{*dentry, *mount, *inode, *super_block, *file_system};
  }
};

/// Where the kernel counts its renames and mounts. Zero: not known.
struct path_places {
  virtual_address rename_lock{};
  virtual_address mount_lock{};
};

struct file_path {
  std::string text;      ///< the guest's; what was read of it when `end` is not complete
  bool deleted = false;  ///< no directory names it any more
  walk_end end = walk_end::walking;

  /// As the kernel prints it.
  [[nodiscard]] std::string printed() const { return deleted ? text + " (deleted)" : text; }
};

template <virtual_memory Space>
class path_reader {
 public:
  /// @param layout  outlives the reader  @param limit  steps of all paths
  path_reader(Space& space, const path_layout& layout, const path_places& places,
              std::size_t limit = max_steps_of_all_paths) noexcept
      : space_(&space), layout_(&layout), places_(places), left_(limit) {}

  /// @param mnt     struct vfsmount  @param dentry  struct dentry
  [[nodiscard]] file_path read(virtual_address mnt, virtual_address dentry) {
    constexpr int tries = 4;
    for (int i = 1;; ++i) {
      const changes before = count_changes();
      file_path out = walk(layout_->mount.template owner<"mnt">(mnt), dentry);
      if (before.settled() && before == count_changes()) return out;
      if (i == tries) {
        if (out.end == walk_end::complete) out.end = walk_end::torn;
        return out;
      }
    }
  }

 private:
  /// Of a seqlock: odd while somebody writes.
  struct changes {
    std::uint32_t renames = 0;
    std::uint32_t mounts = 0;
    [[nodiscard]] bool settled() const noexcept { return renames % 2 == 0 && mounts % 2 == 0; }
    friend bool operator==(const changes&, const changes&) = default;
  };
  [[nodiscard]] changes count_changes() {
    const auto count = [&](virtual_address lock) {
      return value(lock) == 0 ? 0 : read_number<std::uint32_t>(*space_, lock).value;
    };
    return {count(places_.rename_lock), count(places_.mount_lock)};
  }

  using dentry_object = object<Space, decltype(path_layout::dentry)>;

  [[nodiscard]] file_path walk(virtual_address mount, virtual_address dentry) {
    file_path out;
    for (std::size_t steps = 0;; ++steps) {
      if (left_ == 0 || steps == max_path_steps) return ended(std::move(out), walk_end::too_long);
      --left_;
      const object on{*space_, layout_->mount, mount};
      const dentry_object here{*space_, layout_->dentry, dentry};
      const status_or<virtual_address> top = on.template pointer<"mnt.mnt_root">();
      const status_or<virtual_address> above = here.template pointer<"d_parent">();
      const status_or<virtual_address> hashed = here.template pointer<"d_hash.pprev">();
      if (!top || !above || !hashed) return ended(std::move(out), walk_end::unreadable);
      if (steps == 0) out.deleted = value(*hashed) == 0 && *above != dentry;
      if (dentry == *top) {
        const status_or<virtual_address> below = on.template pointer<"mnt_parent">();
        const status_or<virtual_address> at = on.template pointer<"mnt_mountpoint">();
        if (!below || !at) return ended(std::move(out), walk_end::unreadable);
        if (*below == mount) break;
        mount = *below;
        dentry = *at;
        continue;
      }
      // Only what is open itself may lie in no directory.
      if (*above == dentry) return steps == 0 ? without_directory(here) : ended(std::move(out), walk_end::torn);
      std::string name;
      const walk_end read = read_name(here, name);
      out.text.insert(0, "/" + name);
      if (read != walk_end::complete) return ended(std::move(out), read);
      dentry = *above;
    }
    if (out.text.empty()) out.text = "/";
    return ended(std::move(out), walk_end::complete);
  }

  /// What the file systems behind sockets, pipes and the like call theirs.
  [[nodiscard]] file_path without_directory(const dentry_object& dentry) {
    file_path out;
    std::string name;
    const walk_end read = read_name(dentry, name);
    if (read != walk_end::complete) return ended(std::move(out), read);
    const auto block = dentry.template follow<"d_sb">(layout_->super_block);
    const auto kind = block ? block->template follow<"s_type">(layout_->file_system) : std::nullopt;
    const auto at = kind ? kind->template pointer<"name">() : status_or<virtual_address>{status::out_of_range};
    std::string type;
    const auto inode = dentry.template follow<"d_inode">(layout_->inode);
    const status_or<std::uint64_t> number = inode ? inode->template number<"i_ino">() : status::out_of_range;
    if (!at || !read_text(*at, max_type, type) || !number) return ended(std::move(out), walk_end::unreadable);
    if (type == "tmpfs" || type == "devtmpfs" || type == "hugetlbfs") {
      out.text = "/" + name;
      out.deleted = true;
    } else if (type == "anon_inodefs") {
      out.text = "anon_inode:" + name;
    } else {
      out.text = (type == "sockfs"   ? "socket"
                  : type == "pipefs" ? "pipe"
                                     : type) +
                 ":[" + std::to_string(*number) + "]";
    }
    return ended(std::move(out), walk_end::complete);
  }

  [[nodiscard]] walk_end read_name(const dentry_object& dentry, std::string& name) {
    const status_or<std::uint64_t> size = dentry.template number<"d_name.len">();
    const status_or<virtual_address> at = dentry.template pointer<"d_name.name">();
    if (!size || !at) return walk_end::unreadable;
    if (*size > max_name) return walk_end::torn;
    name.resize(static_cast<std::size_t>(*size));
    const status read = space_->read(*at, std::as_writable_bytes(std::span{name}));
    return read == status::ok ? walk_end::complete : walk_end::unreadable;
  }

  /// Up to its zero, and byte by byte: what follows it may not be readable.
  [[nodiscard]] bool read_text(virtual_address at, std::size_t most, std::string& text) {
    while (text.size() < most) {
      const status_or<std::uint8_t> next = read_number<std::uint8_t>(*space_, at + text.size());
      if (!next) return false;
      if (*next == 0) return true;
      text += static_cast<char>(*next);
    }
    return false;
  }

  [[nodiscard]] static file_path ended(file_path path, walk_end how) {
    path.end = how;
    return path;
  }

  static constexpr std::size_t max_name = 255;
  static constexpr std::size_t max_type = 64;  // the name of a file system

  Space* space_;
  const path_layout* layout_;
  path_places places_;
  std::size_t left_;
};

}  // namespace shoal::vmi
