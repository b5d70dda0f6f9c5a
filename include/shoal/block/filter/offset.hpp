// SPDX-License-Identifier: BSL-1.0
//
// offset: a window onto part of a block device, such as one partition of a disk.
//
//     offset root{std::move(disk), 1_MiB, 512_MiB};
//     co_await root.read(0, first_sector);        // reads the disk from 1 MiB on
//
// For embedders who export, boot or inspect a part of a device. It does not parse partition
// tables and does not copy: every operation is forwarded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/error.hpp>
#include <shoal/block/capability.hpp>
#include <shoal/block/concepts.hpp>
#include <shoal/task/lease.hpp>
#include <shoal/task/task.hpp>

namespace shoal {

/// The bytes [start, start + length) of another device, seen as a device of their own.
///
/// Passes every capability of `Next` on, with the position shifted. Requests that pass the window's end fail
/// with errc::out_of_range before `Next` sees them: a reader of one partition never reaches its neighbour.
template <block_source Next>
class offset {
 public:
  /// @param start   first byte of the window in `next`
  /// @param length  size of the window, in bytes
  /// @throws std::invalid_argument if the window is not inside `next`, or either end is no multiple of its
  /// min_io
  offset(Next next, std::uint64_t start, std::uint64_t length)
      : next_(std::move(next)), start_(start), length_(length) {
    const device_info whole = next_.info();
    if (!contains(whole.size, start, length)) {
      throw std::invalid_argument("offset: the window is not inside the device");
    }
    if (start % whole.min_io != 0 || length % whole.min_io != 0) {
      throw std::invalid_argument("offset: the window cuts through the device's smallest unit");
    }
  }

  /// Passes all.
  [[nodiscard]] capability capabilities() const noexcept { return actual_capabilities(next_); }

  [[nodiscard]] device_info info() const noexcept {
    device_info window = next_.info();
    window.size = length_;
    return window;
  }

  task<> read(std::uint64_t position, bytes_span out) {
    if (!contains(length_, position, out.size())) return failed(errc::out_of_range);
    return next_.read(start_ + position, out);
  }

  task<> write(std::uint64_t position, bytes_view in, io_flags flags)
    requires block_device<Next>
  {
    if (!contains(length_, position, in.size())) return failed(errc::out_of_range);
    return next_.write(start_ + position, in, flags);
  }

  task<> flush()
    requires block_device<Next>
  {
    return next_.flush();
  }

  task<> trim(std::uint64_t position, std::uint64_t length, io_flags flags)
    requires can_trim<Next>
  {
    if (!contains(length_, position, length)) return failed(errc::out_of_range);
    return next_.trim(start_ + position, length, flags);
  }

  task<> zero(std::uint64_t position, std::uint64_t length, io_flags flags)
    requires can_zero<Next>
  {
    if (!contains(length_, position, length)) return failed(errc::out_of_range);
    return next_.zero(start_ + position, length, flags);
  }

  task<std::vector<extent>> extents(std::uint64_t position, std::uint64_t length)
    requires can_extents<Next>
  {
    if (!contains(length_, position, length)) return failed<std::vector<extent>>(errc::out_of_range);
    return next_.extents(start_ + position, length);
  }

  task<> cache(std::uint64_t position, std::uint64_t length)
    requires can_cache<Next>
  {
    if (!contains(length_, position, length)) return failed(errc::out_of_range);
    return next_.cache(start_ + position, length);
  }

  [[nodiscard]] lease try_lend(std::uint64_t position, std::size_t n) noexcept
    requires can_lend<Next>
  {
    return contains(length_, position, n) ? next_.try_lend(start_ + position, n) : lease{};
  }

  [[nodiscard]] bool try_read(std::uint64_t position, bytes_span out) noexcept
    requires can_try_read<Next>
  {
    return contains(length_, position, out.size()) && next_.try_read(start_ + position, out);
  }

  [[nodiscard]] bool try_write(std::uint64_t position, bytes_view in, io_flags flags) noexcept
    requires can_try_write<Next>
  {
    return contains(length_, position, in.size()) && next_.try_write(start_ + position, in, flags);
  }

 private:
  Next next_;
  std::uint64_t start_;
  std::uint64_t length_;
};

}  // namespace shoal
