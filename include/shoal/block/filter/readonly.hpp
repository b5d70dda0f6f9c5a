// SPDX-License-Identifier: BSL-1.0
//
// readonly: a block device that nobody can change through this door.
//
//     readonly image{std::move(disk)};            // has no write, trim or zero, and says so in info()
//
// For exports that must not change and for tests of what may write. Whoever holds the device by another handle
// can still write to it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/block/capability.hpp>
#include <shoal/block/concepts.hpp>
#include <shoal/task/lease.hpp>
#include <shoal/task/task.hpp>

namespace shoal {

/// A device without its means of change. Hides write, flush, trim, zero and try_write; passes extents, cache,
/// try_lend and try_read.
template <block_source Next>
class readonly {
 public:
  explicit readonly(Next next) : next_(std::move(next)) {}

  /// Hides every means of change.
  [[nodiscard]] capability capabilities() const noexcept {
    return without(actual_capabilities(next_),
                   capability::write | capability::trim | capability::zero | capability::try_write);
  }

  [[nodiscard]] device_info info() const noexcept {
    device_info told = next_.info();
    told.read_only = true;
    told.fua = false;
    return told;
  }

  task<> read(std::uint64_t offset, bytes_span out) { return next_.read(offset, out); }

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
    return next_.try_lend(offset, n);
  }

  [[nodiscard]] bool try_read(std::uint64_t offset, bytes_span out) noexcept
    requires can_try_read<Next>
  {
    return next_.try_read(offset, out);
  }

 private:
  Next next_;
};

}  // namespace shoal
