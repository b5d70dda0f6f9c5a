// SPDX-License-Identifier: BSL-1.0
//
// file_device: a regular file or a block device of the operating system, as a block device.
//
//     io_pool pool{4};
//     result<file_device> disk = file_device::open("disk.img", {.read_only = true}, pool);
//     if (!disk) return disk.error();
//     co_await disk->read(0, sector);
//
// Never blocks a strand: what the page cache has is copied at once, the rest goes to the pool. Holes are
// extents, trim and zero make holes. It does not grow files and does not parse disk formats.
#pragma once

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/magic.h>
#include <sys/vfs.h>
#endif

#include <shoal/base/bytes.hpp>
#include <shoal/base/error.hpp>
#include <shoal/base/result.hpp>
#include <shoal/block/concepts.hpp>
#include <shoal/os/posix/file_io.hpp>
#include <shoal/os/posix/unique_fd.hpp>
#include <shoal/task/io_pool.hpp>
#include <shoal/task/task.hpp>

namespace shoal::posix {

struct file_options {
  bool read_only = false;
  /// Take an advisory lock (flock): one writer, or any number of readers.
  bool lock = true;
};

/// A file of fixed size. Failures of the system keep their error_code; a file that was cut while it was open
/// gives errc::source_changed, never stale or made-up bytes.
class file_device {
 public:
  /// No single request that is answered at once is longer: the strand has others to serve.
  static constexpr std::size_t inline_limit = 1u << 20;

  /// Opens what exists. The size is taken now and does not change.
  /// @param pool  must outlive the device and its tasks
  /// @return errc::busy if another device holds the lock, errc::unsupported for what is neither a regular file
  ///         nor a block device, std::errc::is_a_directory, or what open(2) says
  static result<file_device> open(const std::filesystem::path& path, file_options options, io_pool& pool) {
    const int access = options.read_only ? O_RDONLY : O_RDWR;
    // O_NONBLOCK: opening a FIFO must not wait for its other end. It means nothing to files.
    unique_fd fd{::open(path.c_str(), access | O_CLOEXEC | O_NONBLOCK)};
    if (!fd) return last_error();
    if (options.lock && ::flock(fd.get(), (options.read_only ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0 &&
        errno == EWOULDBLOCK) {
      return errc::busy;  // any other failure: a file system without locks
    }
    return adopt(std::move(fd), options.read_only, pool);
  }

  /// A new sparse file of `size` bytes without a name: it goes when the device goes.
  /// @param pool  must outlive the device and its tasks
  static result<file_device> create_temporary(const std::filesystem::path& directory, std::uint64_t size,
                                              io_pool& pool) {
    std::string name = (directory / "shoal-XXXXXX").string();
    unique_fd fd{::mkostemp(name.data(), O_CLOEXEC)};
    if (!fd) return last_error();
    ::unlink(name.c_str());
    if (::ftruncate(fd.get(), static_cast<off_t>(size)) != 0) return last_error();
    return adopt(std::move(fd), false, pool);
  }

  [[nodiscard]] device_info info() const noexcept {
    return {.size = size_,
            .preferred_io = preferred_io_,
            .read_only = read_only_,
            .fua = !read_only_,
            .multi_conn = true};
  }

  task<> read(std::uint64_t offset, bytes_span out) {
    if (!contains(size_, offset, out.size())) return failed(errc::out_of_range);
    const std::size_t now = read_now(offset, out);
    if (now == out.size()) return done();
    return pool_->run(read_call{fd_.get(), offset + now, out.subspan(now)});
  }

  /// True when the page cache has the whole range.
  [[nodiscard]] bool try_read(std::uint64_t offset, bytes_span out) noexcept {
    return contains(size_, offset, out.size()) && read_now(offset, out) == out.size();
  }

  task<> write(std::uint64_t offset, bytes_view in, io_flags flags) {
    if (!contains(size_, offset, in.size())) return failed(errc::out_of_range);
    if (read_only_) return failed(errc::read_only);
    const std::size_t now = write_now(offset, in, flags);
    if (now == in.size()) return done();
    return pool_->run(write_call{fd_.get(), offset + now, in.subspan(now), has(flags, io_flags::fua)});
  }

  /// True when the file system took the whole range without waiting.
  [[nodiscard]] bool try_write(std::uint64_t offset, bytes_view in, io_flags flags) noexcept {
    return !read_only_ && contains(size_, offset, in.size()) && write_now(offset, in, flags) == in.size();
  }

  task<> flush() {
    if (read_only_) return failed(errc::read_only);
    return pool_->run(sync_call{fd_.get()});
  }

  /// Punches a hole; does nothing where the file system has no holes.
  task<> trim(std::uint64_t offset, std::uint64_t length, io_flags flags) {
    if (!contains(size_, offset, length)) return failed(errc::out_of_range);
    if (read_only_) return failed(errc::read_only);
    if (length == 0) return done();
    return pool_->run(trim_call{fd_.get(), offset, length, flags});
  }

  task<> zero(std::uint64_t offset, std::uint64_t length, io_flags flags) {
    if (!contains(size_, offset, length)) return failed(errc::out_of_range);
    if (read_only_) return failed(errc::read_only);
    if (length == 0) return done();
    return pool_->run(zero_call{fd_.get(), offset, length, flags});
  }

  task<std::vector<extent>> extents(std::uint64_t offset, std::uint64_t length) {
    if (!contains(size_, offset, length)) return failed<std::vector<extent>>(errc::out_of_range);
    return pool_->run(extents_call{fd_.get(), offset, length});
  }

  /// Starts to read the range into the page cache.
  task<> cache(std::uint64_t offset, std::uint64_t length) {
    if (!contains(size_, offset, length)) return failed(errc::out_of_range);
    return pool_->run(cache_call{fd_.get(), offset, length});
  }

 private:
  // Whether the operating system can do a request without waiting.
  enum class instant : std::uint8_t {
    never,   // no way to find out
    ask,     // RWF_NOWAIT tells
    always,  // the file lives in memory
  };

  // The calls that block, as objects that a pool thread can run after the function that made them has returned.
  struct read_call {
    int fd;
    std::uint64_t offset;
    bytes_span out;
    result<> operator()() const noexcept { return read_at(fd, offset, out); }
  };
  struct write_call {
    int fd;
    std::uint64_t offset;
    bytes_view in;
    bool durable;
    result<> operator()() const noexcept { return write_at(fd, offset, in, durable); }
  };
  struct sync_call {
    int fd;
    result<> operator()() const noexcept { return sync(fd); }
  };
  struct trim_call {
    int fd;
    std::uint64_t offset;
    std::uint64_t length;
    io_flags flags;
    result<> operator()() const noexcept {
      const result<> punched = punch_hole(fd, offset, length);
      if (!punched && punched.error() != errc::unsupported) return punched;
      return has(flags, io_flags::fua) ? sync(fd) : result<>{};
    }
  };
  struct zero_call {
    int fd;
    std::uint64_t offset;
    std::uint64_t length;
    io_flags flags;
    result<> operator()() const noexcept { return zero_range(fd, offset, length, flags); }
  };
  struct extents_call {
    int fd;
    std::uint64_t offset;
    std::uint64_t length;
    result<std::vector<extent>> operator()() const { return map_extents(fd, offset, length); }
  };
  struct cache_call {
    int fd;
    std::uint64_t offset;
    std::uint64_t length;
    result<> operator()() const noexcept {
      ::posix_fadvise(fd, static_cast<off_t>(offset), static_cast<off_t>(length), POSIX_FADV_WILLNEED);
      return {};
    }
  };

  file_device(unique_fd fd, std::uint64_t size, std::uint32_t preferred_io, bool read_only, instant way,
              io_pool& pool) noexcept
      : fd_(std::move(fd)),
        size_(size),
        preferred_io_(preferred_io),
        read_only_(read_only),
        reading_(way),
        writing_(way),
        pool_(&pool) {}

  static result<file_device> adopt(unique_fd fd, bool read_only, io_pool& pool) {
    struct ::stat status;
    if (::fstat(fd.get(), &status) != 0) return last_error();
    if (S_ISDIR(status.st_mode)) return std::make_error_code(std::errc::is_a_directory);
    if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode)) return errc::unsupported;
    const off_t size = ::lseek(fd.get(), 0, SEEK_END);  // st_size is 0 for a block device
    if (size < 0) return last_error();
    const auto reported = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(status.st_blksize), 4096, 1_MiB);
    const auto preferred = static_cast<std::uint32_t>(std::bit_floor(reported));
    const instant way = S_ISREG(status.st_mode) ? fastest(fd.get()) : ask_if_possible();
    return file_device{std::move(fd), static_cast<std::uint64_t>(size), preferred, read_only, way, pool};
  }

  static constexpr instant ask_if_possible() noexcept {
#ifdef RWF_NOWAIT
    return instant::ask;
#else
    return instant::never;
#endif
  }
  static instant fastest([[maybe_unused]] int fd) noexcept {
#ifdef __linux__
    // tmpfs refuses RWF_NOWAIT, and has no need of it.
    struct ::statfs system;
    if (::fstatfs(fd, &system) == 0 && (system.f_type == TMPFS_MAGIC || system.f_type == RAMFS_MAGIC)) {
      return instant::always;
    }
#endif
    return ask_if_possible();
  }

  // How many bytes at the front of `out` could be read without waiting. Errors are left to read_at, which will
  // meet them again.
  std::size_t read_now(std::uint64_t offset, bytes_span out) noexcept {
    if (reading_ == instant::never || out.size() > inline_limit) return 0;
    const iovec piece{out.data(), out.size()};
    const ssize_t n = ::preadv2(fd_.get(), &piece, 1, static_cast<off_t>(offset), nowait(reading_));
    return settle(reading_, n);
  }
  std::size_t write_now(std::uint64_t offset, bytes_view in, io_flags flags) noexcept {
    if (writing_ == instant::never || in.size() > inline_limit) return 0;
    // Stable storage has to be waited for, unless there is none.
    if (has(flags, io_flags::fua) && writing_ != instant::always) return 0;
    const iovec piece{const_cast<std::byte*>(in.data()), in.size()};
    const ssize_t n = ::pwritev2(fd_.get(), &piece, 1, static_cast<off_t>(offset), nowait(writing_));
    return settle(writing_, n);
  }

  static int nowait([[maybe_unused]] instant way) noexcept {
#ifdef RWF_NOWAIT
    if (way == instant::ask) return RWF_NOWAIT;
#endif
    return 0;
  }
  static std::size_t settle(instant& way, ssize_t n) noexcept {
    if (n < 0 && errno == EOPNOTSUPP) way = instant::never;
    return n > 0 ? static_cast<std::size_t>(n) : 0;
  }

  unique_fd fd_;
  std::uint64_t size_;
  std::uint32_t preferred_io_;
  bool read_only_;
  instant reading_;
  instant writing_;
  io_pool* pool_;
};

static_assert(block_device<file_device> && can_trim<file_device> && can_zero<file_device> &&
              can_extents<file_device> && can_cache<file_device> && can_try_read<file_device> &&
              can_try_write<file_device>);

}  // namespace shoal::posix
