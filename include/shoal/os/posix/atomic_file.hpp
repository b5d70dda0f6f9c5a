// SPDX-License-Identifier: BSL-1.0
//
// atomic_file: a file that is there whole or not at all. It is written beside its final name, as NAME.partial,
// and gets that name once everything is on stable storage.
//
//     result<posix::atomic_file> file = posix::atomic_file::create("image.car");
//     file->append(header); file->append(head, payload);
//     file->patch(0, real_header);
//     if (result<> r = file->commit(); !r) return r.error();
//
// Destroying it before commit() removes what was written. What a killed program left is overwritten by the next
// one. One thread.
#pragma once

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/os/posix/file_io.hpp>
#include <shoal/os/posix/unique_fd.hpp>

namespace shoal::posix {

/// Makes the names in a directory durable.
[[nodiscard]] inline result<> sync_directory(const std::filesystem::path& directory) {
  const unique_fd fd{::open(directory.empty() ? "." : directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!fd) return last_error();
  // Some file systems cannot sync a directory and say EINVAL; there is nothing more to be done there.
  if (::fsync(fd.get()) != 0 && errno != EINVAL) return last_error();
  return {};
}

class atomic_file {
 public:
  /// What is appended reaches the file in batches of this many bytes.
  static constexpr std::size_t batch = 1u << 20;
  /// Bytes appended in pieces of at least this size are not copied.
  static constexpr std::size_t direct = 32u << 10;

  /// Starts writing. `path` may exist: it stays as it is until commit(). errc::unsupported for a device, a
  /// socket or a pipe, which a file must not replace; errc::busy when another program is writing the same file;
  /// otherwise what open(2) says.
  [[nodiscard]] static result<atomic_file> create(std::filesystem::path path) {
    std::error_code ignored;
    const std::filesystem::file_status existing = std::filesystem::status(path, ignored);
    if (path.filename().empty() || std::filesystem::is_directory(existing)) {
      return std::make_error_code(std::errc::is_a_directory);
    }
    if (std::filesystem::is_other(existing)) return errc::unsupported;
    std::filesystem::path partial = path;
    partial += ".partial";
    for (;;) {
      unique_fd fd{::open(partial.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666)};
      if (!fd) return last_error();
      if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) return errc::busy;
      // The one who held the lock may have renamed or removed the file since we opened it.
      struct stat opened{};
      struct stat named{};
      if (::fstat(fd.get(), &opened) != 0) return last_error();
      if (::lstat(partial.c_str(), &named) != 0 || opened.st_ino != named.st_ino ||
          opened.st_dev != named.st_dev) {
        continue;
      }
      if (::ftruncate(fd.get(), 0) != 0) return last_error();
      return atomic_file{std::move(fd), std::move(path), std::move(partial)};
    }
  }

  atomic_file(atomic_file&&) noexcept = default;
  atomic_file& operator=(atomic_file&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(path_, other.path_);
    std::swap(partial_, other.partial_);
    std::swap(buffer_, other.buffer_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~atomic_file() {
    if (fd_) ::unlink(partial_.c_str());
  }

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  /// Bytes appended so far.
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

  /// Adds `bytes` at the end.
  result<> append(bytes_view bytes) { return append(bytes, {}); }

  /// Adds `head` and then `body` at the end.
  result<> append(bytes_view head, bytes_view body) {
    size_ += head.size() + body.size();
    buffer_.insert(buffer_.end(), head.begin(), head.end());
    if (body.size() >= direct) return write_out(body);
    buffer_.insert(buffer_.end(), body.begin(), body.end());
    return buffer_.size() < batch ? result<>{} : write_out({});
  }

  /// Overwrites bytes that were appended before. @pre offset + bytes.size() <= size()
  result<> patch(std::uint64_t offset, bytes_view bytes) {
    if (const result<> r = write_out({}); !r) return r;
    return write_at(fd_.get(), offset, bytes, false);
  }

  /// Puts everything on stable storage and gives the file its name. After an error the old file, if there was
  /// one, is untouched.
  result<> commit() {
    if (const result<> r = write_out({}); !r) return r;
    while (::fsync(fd_.get()) != 0) {
      if (errno != EINTR) return last_error();
    }
    if (::rename(partial_.c_str(), path_.c_str()) != 0) return last_error();
    fd_.reset();  // from here on there is nothing to remove
    return sync_directory(path_.parent_path());
  }

 private:
  atomic_file(unique_fd fd, std::filesystem::path path, std::filesystem::path partial)
      : fd_(std::move(fd)), path_(std::move(path)), partial_(std::move(partial)) {
    buffer_.reserve(batch + direct);
  }

  // What is buffered and then `body`, in one call where the system takes it whole.
  result<> write_out(bytes_view body) {
    bytes_view first = buffer_;
    while (!first.empty() || !body.empty()) {
      const std::array<iovec, 2> pieces{iovec{const_cast<std::byte*>(first.data()), first.size()},
                                        iovec{const_cast<std::byte*>(body.data()), body.size()}};
      const ssize_t n = ::writev(fd_.get(), pieces.data(), static_cast<int>(pieces.size()));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return last_error();
      const auto written = static_cast<std::size_t>(n);
      const std::size_t of_first = std::min(written, first.size());
      first = first.subspan(of_first);
      body = body.subspan(written - of_first);
    }
    buffer_.clear();
    return {};
  }

  unique_fd fd_;
  std::filesystem::path path_;
  std::filesystem::path partial_;
  std::vector<std::byte> buffer_;
  std::uint64_t size_ = 0;
};

}  // namespace shoal::posix
