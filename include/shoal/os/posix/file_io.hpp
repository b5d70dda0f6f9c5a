// SPDX-License-Identifier: BSL-1.0
//
// Blocking file calls that finish what they start: whole ranges, interrupted calls repeated, holes found,
// made and filled. What file_device runs on its io_pool.
//
//     if (result<> r = posix::read_at(fd, offset, out); !r) return r.error();
//
// Where the operating system lacks a call (holes, flags for a single request) the plain one takes its place.
// Failures of the system keep its error_code.
#pragma once

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <shoal/base/bytes.hpp>
#include <shoal/base/error.hpp>
#include <shoal/base/result.hpp>
#include <shoal/block/concepts.hpp>
#include <shoal/block/extent_list.hpp>
#include <shoal/os/posix/unique_fd.hpp>

namespace shoal::posix {

/// No single system call moves more: other requests get a turn in between.
inline constexpr std::size_t max_transfer = 4u << 20;

/// Fills `out` from `offset` on. errc::source_changed if the file ends before: it has been cut since its size
/// was taken.
[[nodiscard]] inline result<> read_at(int fd, std::uint64_t offset, bytes_span out) noexcept {
  while (!out.empty()) {
    const ssize_t n = ::pread(fd, out.data(), std::min(out.size(), max_transfer), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return last_error();
    if (n == 0) return errc::source_changed;
    offset += static_cast<std::uint64_t>(n);
    out = out.subspan(static_cast<std::size_t>(n));
  }
  return {};
}

/// Waits until what was written is on stable storage, with the metadata that reading it needs.
[[nodiscard]] inline result<> sync(int fd) noexcept {
  while (::fdatasync(fd) != 0) {
    if (errno != EINTR) return last_error();
  }
  return {};
}

/// Stores all of `in` at `offset`; on stable storage if `durable`.
[[nodiscard]] inline result<> write_at(int fd, std::uint64_t offset, bytes_view in, bool durable) noexcept {
#ifdef RWF_DSYNC
  int flags = durable ? RWF_DSYNC : 0;
#else
  int flags = 0;
#endif
  bool sync_after = durable && flags == 0;
  while (!in.empty()) {
    const std::size_t size = std::min(in.size(), max_transfer);
#ifdef RWF_DSYNC
    const iovec piece{const_cast<std::byte*>(in.data()), size};
    const ssize_t n = flags != 0 ? ::pwritev2(fd, &piece, 1, static_cast<off_t>(offset), flags)
                                 : ::pwrite(fd, in.data(), size, static_cast<off_t>(offset));
#else
    const ssize_t n = ::pwrite(fd, in.data(), size, static_cast<off_t>(offset));
#endif
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EOPNOTSUPP && flags != 0) {
      flags = 0;
      sync_after = true;
      continue;
    }
    if (n < 0) return last_error();
    offset += static_cast<std::uint64_t>(n);
    in = in.subspan(static_cast<std::size_t>(n));
  }
  return sync_after ? sync(fd) : result<>{};
}

namespace detail {

#ifdef FALLOC_FL_PUNCH_HOLE
inline result<> allocate(int fd, int mode, std::uint64_t offset, std::uint64_t length) noexcept {
  while (::fallocate(fd, mode, static_cast<off_t>(offset), static_cast<off_t>(length)) != 0) {
    if (errno != EINTR) return last_error();
  }
  return {};
}
#endif

// "This file cannot do that", as opposed to "that went wrong".
inline bool means_unsupported(std::error_code error) noexcept {
  return error == std::errc::operation_not_supported || error == std::errc::function_not_supported ||
         error == std::errc::invalid_argument || error == std::errc::no_such_device;
}

}  // namespace detail

/// Gives the range's storage back; it reads as zeroes afterwards. errc::unsupported if the file cannot.
[[nodiscard]] inline result<> punch_hole([[maybe_unused]] int fd, [[maybe_unused]] std::uint64_t offset,
                                         [[maybe_unused]] std::uint64_t length) noexcept {
#ifdef FALLOC_FL_PUNCH_HOLE
  const result<> punched = detail::allocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length);
  if (punched || !detail::means_unsupported(punched.error())) return punched;
#endif
  return errc::unsupported;
}

/// Makes the range read as zeroes with storage behind it, without writing them. errc::unsupported if the file
/// cannot.
[[nodiscard]] inline result<> allocate_zeroes([[maybe_unused]] int fd, [[maybe_unused]] std::uint64_t offset,
                                              [[maybe_unused]] std::uint64_t length) noexcept {
#ifdef FALLOC_FL_PUNCH_HOLE
  const result<> zeroed = detail::allocate(fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, offset, length);
  if (zeroed || !detail::means_unsupported(zeroed.error())) return zeroed;
  // tmpfs knows no ZERO_RANGE, but a hole that is filled again comes to the same.
  if (const result<> punched = punch_hole(fd, offset, length); !punched) return punched;
  const result<> filled = detail::allocate(fd, FALLOC_FL_KEEP_SIZE, offset, length);
  if (filled || !detail::means_unsupported(filled.error())) return filled;
#endif
  return errc::unsupported;
}

/// Makes the range read as zeroes by the cheapest way that `flags` allow.
[[nodiscard]] inline result<> zero_range(int fd, std::uint64_t offset, std::uint64_t length,
                                         io_flags flags) noexcept {
  result<> zeroed = errc::unsupported;
  if (has(flags, io_flags::may_trim)) zeroed = punch_hole(fd, offset, length);
  if (zeroed.error() == errc::unsupported) zeroed = allocate_zeroes(fd, offset, length);
  if (zeroed.error() == errc::unsupported) {
    if (has(flags, io_flags::fast_zero)) return zeroed;
    static constexpr std::array<std::byte, 65536> zeroes{};
    zeroed = {};
    while (length != 0 && zeroed) {
      const std::size_t n = static_cast<std::size_t>(std::min<std::uint64_t>(length, zeroes.size()));
      zeroed = write_at(fd, offset, bytes_view{zeroes}.first(n), false);
      offset += n;
      length -= n;
    }
  }
  return zeroed && has(flags, io_flags::fua) ? sync(fd) : zeroed;
}

/// Where the file has storage, from `offset` on. All data if the system cannot tell.
/// @pre [offset, offset + length) lies inside the file as it was; errc::source_changed if it no longer does
[[nodiscard]] inline result<std::vector<extent>> map_extents(int fd, std::uint64_t offset,
                                                             std::uint64_t length) {
  struct ::stat now;
  if (::fstat(fd, &now) != 0) return last_error();
  const std::uint64_t end = offset + length;
  if (S_ISREG(now.st_mode) && static_cast<std::uint64_t>(now.st_size) < end) return errc::source_changed;
  extent_list found;
#ifdef SEEK_HOLE
  while (offset < end && !found.full()) {
    const off_t data = ::lseek(fd, static_cast<off_t>(offset), SEEK_DATA);
    if (data < 0 && errno != ENXIO) break;
    const std::uint64_t data_start = data < 0 ? end : std::min(static_cast<std::uint64_t>(data), end);
    found.add({.length = data_start - offset, .hole = true, .zero = true});
    offset = data_start;
    if (offset == end) break;
    const off_t hole = ::lseek(fd, data, SEEK_HOLE);
    if (hole < 0) break;
    const std::uint64_t data_end = std::min(static_cast<std::uint64_t>(hole), end);
    found.add({.length = data_end - offset});
    offset = data_end;
  }
#endif
  if (!found.full()) found.add({.length = end - offset});
  return std::move(found).take();
}

}  // namespace shoal::posix
