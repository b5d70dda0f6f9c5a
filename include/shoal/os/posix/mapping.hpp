// SPDX-License-Identifier: BSL-1.0
//
// mapping: a whole file as read-only memory.
//
//     result<posix::mapping> file = posix::mapping::open("image.car");
//     if (!file) return file.error();                    // the operating system's own error
//     parse(file->bytes());
//
// The file can change under the mapping, and reading behind a new, smaller end is a SIGBUS: ask unchanged()
// first, and copy what matters before checking it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/os/posix/mapped_pages.hpp>
#include <shoal/os/posix/unique_fd.hpp>

namespace shoal::posix {

/// Bytes of a file, mapped for as long as this lives. Reading from several threads is fine.
class mapping {
 public:
  /// What open(2) and mmap(2) say; std::errc::is_a_directory, errc::unsupported for what is not a regular file.
  [[nodiscard]] static result<mapping> open(const std::filesystem::path& path) {
    // O_NONBLOCK: opening a FIFO must not wait for its other end. It means nothing to files.
    unique_fd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (!fd) return last_error();
    struct stat status{};
    if (::fstat(fd.get(), &status) != 0) return last_error();
    if (S_ISDIR(status.st_mode)) return std::make_error_code(std::errc::is_a_directory);
    if (!S_ISREG(status.st_mode)) return errc::unsupported;
    const auto size = static_cast<std::size_t>(status.st_size);
    if (size == 0) return mapping{std::move(fd), {}};  // mmap refuses to map nothing
    result<mapped_pages> pages = mapped_pages::map(size, PROT_READ, MAP_SHARED, fd.get());
    if (!pages) return pages.error();
    return mapping{std::move(fd), std::move(*pages)};
  }

  /// Stays where it is when the mapping is moved.
  [[nodiscard]] bytes_view bytes() const noexcept { return pages_.bytes(); }
  /// The file behind it, for reads that shall fail rather than raise SIGBUS.
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

  /// False when the file's size is no longer what it was: errors there are the file's, and not its reader's.
  [[nodiscard]] bool unchanged() const noexcept {
    struct stat status{};
    return ::fstat(fd_.get(), &status) == 0 && static_cast<std::uint64_t>(status.st_size) == bytes().size();
  }

 private:
  mapping(unique_fd fd, mapped_pages pages) noexcept : fd_(std::move(fd)), pages_(std::move(pages)) {}

  unique_fd fd_;
  mapped_pages pages_;
};

}  // namespace shoal::posix
