// SPDX-License-Identifier: BSL-1.0
//
// watched: asks a guard before a request touches bytes that it is about, and refuses what the guard does not
// allow.
//
//     watched disk{std::move(image), no_writes_to_boot_sector{}, {.reads = {}, .writes = range_set{{{0,
//     512}}}}}; co_await disk.write(256, block, io_flags::none);     // EPERM, and none of it is written
//
// For detectors outside of a guest. Requests that touch none of the ranges cost a comparison. A request that
// touches one is told whole, with what of it lies outside. Leaves out how a request ended.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <system_error>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/range_set.hpp>
#include <shoal/block/capability.hpp>
#include <shoal/block/concepts.hpp>
#include <shoal/block/filter/logged.hpp>
#include <shoal/task/lease.hpp>
#include <shoal/task/task.hpp>

namespace shoal {

/// `guard(operation, offset, length, written)`: whether it takes place. Asked for read, write, trim and zero,
/// on the device's strand. `written` is what a write writes, `length` bytes, and empty for the others.
template <class G>
concept io_guard =
    requires(G& guard, io_operation what, std::uint64_t offset, std::uint64_t length, bytes_view written) {
      { guard(what, offset, length, written) } noexcept -> std::same_as<bool>;
    };

/// What a guard is asked about. Trimming and zeroing are writes.
struct watched_ranges {
  range_set reads;
  range_set writes;
};

/// A device whose requests to some ranges are seen, and perhaps refused, by `Guard`.
///
/// Passes every capability of `Next`. What reads are watched of is not lent, nor read or written at once: the
/// read or write that follows is judged. Where every read is watched it lends nothing, and says so.
template <block_source Next, io_guard Guard>
class watched {
 public:
  watched(Next next, Guard guard, watched_ranges where)
      : next_(std::move(next)), guard_(std::move(guard)), where_(std::move(where)) {}

  /// Passes all; lending not if all reads are watched.
  [[nodiscard]] capability capabilities() const noexcept {
    const capability below = actual_capabilities(next_);
    return where_.reads.contains(0, next_.info().size) && next_.info().size != 0
               ? without(below, capability::lend)
               : below;
  }

  [[nodiscard]] device_info info() const noexcept { return next_.info(); }

  task<> read(std::uint64_t offset, bytes_span out) {
    if (!allows(where_.reads, io_operation::read, offset, out.size())) return refused();
    return next_.read(offset, out);
  }

  task<> write(std::uint64_t offset, bytes_view in, io_flags flags)
    requires block_device<Next>
  {
    if (!allows(where_.writes, io_operation::write, offset, in.size(), in)) return refused();
    return next_.write(offset, in, flags);
  }

  task<> flush()
    requires block_device<Next>
  {
    return next_.flush();
  }

  task<> trim(std::uint64_t offset, std::uint64_t length, io_flags flags)
    requires can_trim<Next>
  {
    if (!allows(where_.writes, io_operation::trim, offset, length)) return refused();
    return next_.trim(offset, length, flags);
  }

  task<> zero(std::uint64_t offset, std::uint64_t length, io_flags flags)
    requires can_zero<Next>
  {
    if (!allows(where_.writes, io_operation::zero, offset, length)) return refused();
    return next_.zero(offset, length, flags);
  }

  task<std::vector<extent>> extents(std::uint64_t offset, std::uint64_t length)
    requires can_extents<Next>
  {
    return next_.extents(offset, length);
  }

  task<> cache(std::uint64_t offset, std::uint64_t length)
    requires can_cache<Next>
  {
    return next_.cache(offset, length);
  }

  [[nodiscard]] lease try_lend(std::uint64_t offset, std::size_t n) noexcept
    requires can_lend<Next>
  {
    const std::uint64_t unseen = where_.reads.free_run(offset, n);
    return unseen == 0 ? lease{} : next_.try_lend(offset, static_cast<std::size_t>(unseen));
  }

  [[nodiscard]] bool try_read(std::uint64_t offset, bytes_span out) noexcept
    requires can_try_read<Next>
  {
    return !where_.reads.overlaps(offset, out.size()) && next_.try_read(offset, out);
  }

  [[nodiscard]] bool try_write(std::uint64_t offset, bytes_view in, io_flags flags) noexcept
    requires can_try_write<Next>
  {
    return !where_.writes.overlaps(offset, in.size()) && next_.try_write(offset, in, flags);
  }

 private:
  bool allows(const range_set& where, io_operation what, std::uint64_t offset, std::uint64_t length,
              bytes_view written = {}) noexcept {
    return !where.overlaps(offset, length) || guard_(what, offset, length, written);
  }
  static task<> refused() { return failed(std::make_error_code(std::errc::operation_not_permitted)); }

  Next next_;
  Guard guard_;
  watched_ranges where_;
};

}  // namespace shoal
