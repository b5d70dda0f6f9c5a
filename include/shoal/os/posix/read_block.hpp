// SPDX-License-Identifier: BSL-1.0
//
// read_block: a range of a file as a lease. What the stores in files share.
//
//     result<lease> bytes = posix::read_block(fd, offset, length);
//
// The bytes are a copy: a file may change at any time, and what is verified must be what is used.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/os/posix/file_io.hpp>
#include <shoal/task/lease.hpp>

namespace shoal::posix {

/// `length` bytes from `offset` on, in memory of their own. May block. Errors as read_at.
/// @param length  already checked against a limit
[[nodiscard]] inline result<lease> read_block(int fd, std::uint64_t offset, std::size_t length) {
  const auto copy = std::make_shared_for_overwrite<std::byte[]>(length);
  const bytes_span out{copy.get(), length};
  if (const result<> read = read_at(fd, offset, out); !read) return read.error();
  return lease{copy, out};
}

}  // namespace shoal::posix
