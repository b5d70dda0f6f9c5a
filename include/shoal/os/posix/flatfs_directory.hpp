// SPDX-License-Identifier: BSL-1.0
//
// flatfs_directory: the files of a Kubo `blocks/` folder: found, read, and written so that a block is there
// whole or not at all. What flatfs_store and flatfs_sink share; blocking, and it does not verify.
//
//     auto folder = posix::flatfs_directory::open("/home/me/.ipfs/blocks");
//     result<lease> bytes = folder->read(id);
//
// It keeps no lock and none of Kubo's counters: stop Kubo before writing to its folder.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/cid.hpp>
#include <shoal/content/verify.hpp>
#include <shoal/os/posix/atomic_file.hpp>
#include <shoal/os/posix/file_io.hpp>
#include <shoal/os/posix/flatfs_layout.hpp>
#include <shoal/os/posix/unique_fd.hpp>
#include <shoal/task/lease.hpp>

namespace shoal::posix {

/// A file that is being written under a name that Kubo ignores. Destroyed before publish(), it removes it.
class flatfs_pending {
 public:
  flatfs_pending(unique_fd fd, std::filesystem::path temporary, std::filesystem::path target)
      : fd_(std::move(fd)), temporary_(std::move(temporary)), target_(std::move(target)) {}
  flatfs_pending(flatfs_pending&&) noexcept = default;
  flatfs_pending& operator=(flatfs_pending&&) = delete;
  ~flatfs_pending() {
    if (fd_) ::unlink(temporary_.c_str());
  }

  [[nodiscard]] const std::filesystem::path& target() const noexcept { return target_; }

  /// Puts the content on stable storage and gives it its name. The name itself is durable after
  /// sync_directory(target().parent_path()).
  result<> publish() {
    if (const result<> r = sync(fd_.get()); !r) return r;
    if (::rename(temporary_.c_str(), target_.c_str()) != 0) return last_error();
    fd_.reset();
    return {};
  }

 private:
  unique_fd fd_;
  std::filesystem::path temporary_;
  std::filesystem::path target_;
};

/// Thread-safe: it only holds names.
class flatfs_directory {
 public:
  /// A folder that exists. What open(2) says (no_such_file_or_directory for a folder without a SHARDING file
  /// too), and flatfs_layout::parse.
  [[nodiscard]] static result<flatfs_directory> open(std::filesystem::path folder) {
    const unique_fd fd{::open((folder / flatfs_layout::file_name).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (!fd) return last_error();
    char text[256];
    const ssize_t n = ::read(fd.get(), text, sizeof text);
    if (n < 0) return last_error();
    const result<flatfs_layout> layout = flatfs_layout::parse({text, static_cast<std::size_t>(n)});
    if (!layout) return layout.error();
    return flatfs_directory{std::move(folder), *layout};
  }

  /// Opens the folder, or makes it if it is not there or is empty. std::errc::directory_not_empty for a folder
  /// that holds something else.
  [[nodiscard]] static result<flatfs_directory> create(std::filesystem::path folder,
                                                       const flatfs_layout& layout = {}) {
    result<flatfs_directory> existing = open(folder);
    if (existing || existing.error() != std::errc::no_such_file_or_directory) return existing;
    if (::mkdir(folder.c_str(), 0777) != 0 && errno != EEXIST) return last_error();
    std::error_code error;
    if (!std::filesystem::is_empty(folder, error)) {
      return error ? error : std::make_error_code(std::errc::directory_not_empty);
    }
    result<atomic_file> file = atomic_file::create(folder / flatfs_layout::file_name);
    if (!file) return file.error();
    if (const result<> r = file->append(as_bytes(layout.text())); !r) return r.error();
    if (const result<> r = file->commit(); !r) return r.error();
    return flatfs_directory{std::move(folder), layout};
  }

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return folder_; }
  [[nodiscard]] const flatfs_layout& layout() const noexcept { return layout_; }

  /// The bytes that are kept for `id`, under its multihash or, as old versions of Kubo did, under the whole
  /// CID. errc::not_found, errc::limit_exceeded past max_block_size, or what the system says.
  [[nodiscard]] result<lease> read(const cid& id) const {
    result<lease> bytes = read_file(folder_ / layout_.file_of(id.hash()));
    if (bytes.error() == errc::not_found && id.version() != 0) {
      return read_file(folder_ / layout_.old_file_of(id));
    }
    return bytes;
  }

  [[nodiscard]] result<bool> contains(const cid& id) const {
    const result<bool> found = exists(folder_ / layout_.file_of(id.hash()));
    if (!found || *found || id.version() == 0) return found;
    return exists(folder_ / layout_.old_file_of(id));
  }

  /// True when there is a file for `id` with as many bytes: one that was cut off by a crash of the machine has
  /// fewer.
  [[nodiscard]] bool keeps(const cid& id, std::size_t size) const {
    struct stat status{};
    return ::stat((folder_ / layout_.file_of(id.hash())).c_str(), &status) == 0 &&
           static_cast<std::uint64_t>(status.st_size) == size;
  }

  /// Writes the block beside its place. What the system says.
  [[nodiscard]] result<flatfs_pending> write(const cid& id, bytes_view block) const {
    std::filesystem::path target = folder_ / layout_.file_of(id.hash());
    const std::filesystem::path parent = target.parent_path();
    if (::mkdir(parent.c_str(), 0777) == 0) {
      if (const result<> r = sync_directory(folder_); !r) return r.error();
    } else if (errno != EEXIST) {
      return last_error();
    }
    for (unsigned attempt = 0;; ++attempt) {
      // "put-" is what Kubo calls its own unfinished files, and it skips them.
      std::filesystem::path temporary = parent / ("put-" + target.stem().string().substr(0, 32) + '-' +
                                                  std::to_string(::getpid()) + '-' + std::to_string(attempt));
      unique_fd fd{::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666)};
      if (!fd && errno == EEXIST) continue;  // left by a program that was killed, or being written right now
      if (!fd) return last_error();
      const int file = fd.get();
      flatfs_pending pending{std::move(fd), std::move(temporary), std::move(target)};
      if (const result<> r = write_at(file, 0, block, false); !r) return r.error();
      return pending;
    }
  }

 private:
  flatfs_directory(std::filesystem::path folder, const flatfs_layout& layout)
      : folder_(std::move(folder)), layout_(layout) {}

  static result<bool> exists(const std::filesystem::path& path) {
    struct stat status{};
    if (::stat(path.c_str(), &status) == 0) return true;
    if (errno == ENOENT) return false;
    return last_error();
  }

  static result<lease> read_file(const std::filesystem::path& path) {
    const unique_fd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (!fd && errno == ENOENT) return errc::not_found;
    if (!fd) return last_error();
    struct stat status{};
    if (::fstat(fd.get(), &status) != 0) return last_error();
    const auto size = static_cast<std::uint64_t>(status.st_size);
    if (size > max_block_size) return errc::limit_exceeded;
    const auto copy = std::make_shared_for_overwrite<std::byte[]>(static_cast<std::size_t>(size));
    const bytes_span out{copy.get(), static_cast<std::size_t>(size)};
    if (const result<> r = read_at(fd.get(), 0, out); !r) return r.error();
    return lease{copy, out};
  }

  std::filesystem::path folder_;
  flatfs_layout layout_;
};

}  // namespace shoal::posix
