// SPDX-License-Identifier: BSL-1.0
//
// The contract of a block device: a run of bytes that can be read, and perhaps written, at any offset.
//
//     struct zeroes {
//       device_info info() const noexcept { return {.size = 1_GiB, .read_only = true}; }
//       task<> read(std::uint64_t, bytes_span out) { std::ranges::fill(out, std::byte{}); return done(); }
//     };
//     static_assert(block_source<zeroes>);
//
// For everyone who writes a device or a filter. A device belongs to one strand; concurrency is many
// outstanding tasks. Optional capabilities are members that exist or do not.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/task/lease.hpp>
#include <shoal/task/task.hpp>

namespace shoal {

/// How a request is to be carried out. Flags combine with `|`.
enum class io_flags : std::uint32_t {
  none = 0,
  fua = 1,        ///< on stable storage before the task ends
  may_trim = 2,   ///< zero: a hole is as good as allocated zeroes
  fast_zero = 4,  ///< zero: fail with errc::unsupported rather than write zeroes one by one
};
[[nodiscard]] constexpr io_flags operator|(io_flags a, io_flags b) noexcept {
  return static_cast<io_flags>(static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b));
}
/// True when `flags` has every bit of `wanted`.
[[nodiscard]] constexpr bool has(io_flags flags, io_flags wanted) noexcept {
  return (static_cast<std::uint32_t>(flags) & static_cast<std::uint32_t>(wanted)) ==
         static_cast<std::uint32_t>(wanted);
}

/// What a device tells of itself. Sizes in bytes. Does not change while the device lives.
struct device_info {
  std::uint64_t size = 0;
  std::uint32_t min_io = 1;           ///< offsets and lengths are multiples of this; a power of two, <= 64 KiB
  std::uint32_t preferred_io = 4096;  ///< multiples of this are cheap; a power of two, >= 512
  std::uint32_t max_io = 32u << 20;   ///< no single read or write is longer
  bool read_only = false;
  bool rotational = false;
  bool fua = false;         ///< io_flags::fua is honoured
  bool multi_conn = false;  ///< what one connection flushed, every connection sees
};

/// A run of bytes of one kind.
struct extent {
  std::uint64_t length = 0;  ///< never 0
  bool hole = false;         ///< no storage behind it
  bool zero = false;         ///< reads as zeroes
  friend bool operator==(const extent&, const extent&) = default;
};

/// Bytes that can be read.
///
/// `read(offset, out)` fills all of `out` or fails; a range that is not inside the device is
/// errc::out_of_range. `out` must outlive the task. An empty `out` inside the device succeeds.
template <class D>
concept block_source = requires(D& device, const D& constant, std::uint64_t offset, bytes_span out) {
  { constant.info() } noexcept -> std::same_as<device_info>;
  { device.read(offset, out) } -> std::same_as<task<>>;
};

/// Bytes that can also be written.
///
/// `write(offset, in, flags)` stores all of `in` or fails, in which case the range's content is undefined.
/// After `flush()` every write whose task had ended is on stable storage. A device whose info says read_only
/// fails both with errc::read_only.
template <class D>
concept block_device =
    block_source<D> && requires(D& device, std::uint64_t offset, bytes_view in, io_flags flags) {
      { device.write(offset, in, flags) } -> std::same_as<task<>>;
      { device.flush() } -> std::same_as<task<>>;
    };

/// `trim(offset, length, flags)`: the content may be forgotten; what a later read gives is undefined.
template <class D>
concept can_trim = requires(D& device, std::uint64_t offset, std::uint64_t length, io_flags flags) {
  { device.trim(offset, length, flags) } -> std::same_as<task<>>;
};

/// `zero(offset, length, flags)`: the range reads as zeroes afterwards.
template <class D>
concept can_zero = requires(D& device, std::uint64_t offset, std::uint64_t length, io_flags flags) {
  { device.zero(offset, length, flags) } -> std::same_as<task<>>;
};

/// `extents(offset, length)`: what is allocated, from `offset` on. The extents cover at least one byte and at
/// most `length`; a device may stop early, and the caller asks again from there.
template <class D>
concept can_extents = requires(D& device, std::uint64_t offset, std::uint64_t length) {
  { device.extents(offset, length) } -> std::same_as<task<std::vector<extent>>>;
};

/// `cache(offset, length)`: the range will be read soon. A hint: it may do nothing.
template <class D>
concept can_cache = requires(D& device, std::uint64_t offset, std::uint64_t length) {
  { device.cache(offset, length) } -> std::same_as<task<>>;
};

/// `try_lend(offset, n)`: the bytes from `offset` on that are in memory now, without a copy. The lease holds
/// between 1 and n bytes (a prefix: ask again for the rest), or is empty when the first byte is not
/// resident or the range is not inside the device. Never blocks.
template <class D>
concept can_lend = requires(D& device, std::uint64_t offset, std::size_t n) {
  { device.try_lend(offset, n) } noexcept -> std::same_as<lease>;
};

/// `try_read(offset, out)`: fills `out` and returns true if that needs no waiting; otherwise returns false, and
/// `out` is undefined. For devices that can copy at once but have nothing to lend, such as a cached file.
template <class D>
concept can_try_read = requires(D& device, std::uint64_t offset, bytes_span out) {
  { device.try_read(offset, out) } noexcept -> std::same_as<bool>;
};

/// `try_write(offset, in, flags)`: stores `in` and returns true if that needs no waiting; otherwise returns
/// false, and write() has to do it.
template <class D>
concept can_try_write = requires(D& device, std::uint64_t offset, bytes_view in, io_flags flags) {
  { device.try_write(offset, in, flags) } noexcept -> std::same_as<bool>;
};

}  // namespace shoal
