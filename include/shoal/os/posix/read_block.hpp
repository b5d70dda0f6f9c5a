// SPDX-License-Identifier: BSL-1.0
//
// read_block: a range of a file as a lease, without blocking the strand. What the stores in files share.
//
//     result<lease> bytes = co_await posix::read_block(fd, offset, length, pool);
//
// The bytes are a copy: a file may change at any time, and what is verified must be what is used.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include <sys/uio.h>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/os/posix/file_io.hpp>
#include <shoal/task/io_pool.hpp>
#include <shoal/task/lease.hpp>
#include <shoal/task/task.hpp>

namespace shoal::posix {

namespace detail {

/// How much of `out` the page cache has; 0 when the system cannot tell.
inline std::size_t read_cached([[maybe_unused]] int fd, [[maybe_unused]] std::uint64_t offset,
                               [[maybe_unused]] bytes_span out) noexcept {
#ifdef RWF_NOWAIT
  const iovec piece{out.data(), out.size()};
  const ssize_t n = ::preadv2(fd, &piece, 1, static_cast<off_t>(offset), RWF_NOWAIT);
  if (n > 0) return static_cast<std::size_t>(n);
#endif
  return 0;
}

}  // namespace detail

/// Fills `out`: at once what is in the page cache, the rest on a thread of `pool`, or in a blocking call when
/// `pool` is null. Errors as read_at. `out` must outlive the task.
inline task<> read_range(int fd, std::uint64_t offset, bytes_span out, io_pool* pool) {
  if (pool == nullptr) co_return read_at(fd, offset, out);
  const std::size_t cached = detail::read_cached(fd, offset, out);
  if (cached == out.size()) co_return result<>{};
  offset += cached;
  out = out.subspan(cached);
  const auto work = [fd, offset, out] { return read_at(fd, offset, out); };
  const result<> read = co_await pool->run(work);
  co_return read;
}

/// `length` bytes from `offset` on, in memory of their own. Errors as read_at. `fd` must stay open until the
/// task ends.
/// @param length  already checked against a limit
inline task<lease> read_block(int fd, std::uint64_t offset, std::size_t length, io_pool* pool) {
  const auto copy = std::make_shared_for_overwrite<std::byte[]>(length);
  const bytes_span out{copy.get(), length};
  const result<> read = co_await read_range(fd, offset, out, pool);
  if (!read) co_return read.error();
  co_return lease{copy, out};
}

}  // namespace shoal::posix
