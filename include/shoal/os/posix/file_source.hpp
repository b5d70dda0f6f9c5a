// SPDX-License-Identifier: BSL-1.0
//
// file_source: a file or block device to import from, with its holes.
//
//     result<posix::file_source> source = posix::file_source::open("disk.img");
//
// Models byte_source: pread and SEEK_DATA, safe from several threads.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/image/byte_source.hpp>
#include <shoal/os/posix/file_io.hpp>
#include <shoal/os/posix/unique_fd.hpp>

namespace shoal::posix {

class file_source {
 public:
  /// The operating system's errors; std::errc::is_a_directory for a directory, errc::unsupported for what has
  /// no size, such as a pipe.
  [[nodiscard]] static result<file_source> open(const std::filesystem::path& path) {
    // O_NONBLOCK: opening a FIFO must not wait for its other end. It means nothing to files.
    unique_fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (!file) return last_error();
    struct stat status{};
    if (::fstat(file.get(), &status) != 0) return last_error();
    if (S_ISDIR(status.st_mode)) return std::make_error_code(std::errc::is_a_directory);
    if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode)) return errc::unsupported;
    const off_t size = ::lseek(file.get(), 0, SEEK_END);
    if (size < 0) return last_error();
    // read once from front to back: a larger read-ahead, and no need to keep what was read
    (void)::posix_fadvise(file.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
    return file_source{std::move(file), static_cast<std::uint64_t>(size)};
  }

  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  /// The open file, which stays owned.
  [[nodiscard]] int fd() const noexcept { return file_.get(); }

  [[nodiscard]] result<> read(std::uint64_t offset, bytes_span out) const noexcept {
    return read_at(file_.get(), offset, out);
  }

  [[nodiscard]] result<data_range> data_after(std::uint64_t offset) const noexcept {
    const off_t begin = ::lseek(file_.get(), static_cast<off_t>(offset), SEEK_DATA);
    if (begin < 0 && errno == ENXIO) return data_range{size_, size_};
    // a block device, or a file system without holes: all of it is data
    if (begin < 0) return data_range{offset, size_};
    const off_t end = ::lseek(file_.get(), begin, SEEK_HOLE);
    return data_range{static_cast<std::uint64_t>(begin), end < 0 ? size_ : static_cast<std::uint64_t>(end)};
  }

 private:
  file_source(unique_fd file, std::uint64_t size) noexcept : file_(std::move(file)), size_(size) {}

  unique_fd file_;
  std::uint64_t size_;
};
static_assert(byte_source<file_source>);

}  // namespace shoal::posix
