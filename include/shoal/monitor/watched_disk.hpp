// SPDX-License-Identifier: BSL-1.0
//
// watched_disk: a guest's disk whose requests are seen, and perhaps refused: around any back end of
// block_calls.
//
//     const auto judge = [&](const hal::access_record& asked, bytes_view written) noexcept {
//       return engine.check(clock(), asked, stage::whole, written) == verdict::allow; };
//     watched_disk disk{my_disk{}, judge, 1};
//     disk.watch(disk_ranges(rules, 1, direction::read), disk_ranges(rules, 1, direction::write));
//
// A request that touches none of these bytes costs a comparison; one that touches a byte is told whole, and
// refused whole. On the guest's thread, wherever the disk is. Leaves out guests of several processors, which
// could write something else than what was looked at.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <shoal/base/bytes.hpp>
#include <shoal/base/range_set.hpp>
#include <shoal/base/status.hpp>
#include <shoal/hal/access_record.hpp>

namespace shoal::monitor {

/// @tparam Disk   has capacity(), block_size(), read() and write(), and perhaps flush() and discard(), as
///                hypercall::block_backend asks
/// @tparam Judge  `judge(const hal::access_record&, bytes_view written)`: whether a request may be; `written`
///                is what a write writes, and empty for the others; has to set the time
template <class Disk, std::predicate<const hal::access_record&, bytes_view> Judge>
class watched_disk {
 public:
  /// @param source  in the records
  watched_disk(Disk disk, Judge judge, std::uint16_t source)
      : disk_(std::move(disk)), judge_(std::move(judge)), source_(source) {}

  /// From now on these bytes; before, none.
  void watch(range_set reads, range_set writes) noexcept {
    reads_ = std::move(reads);
    writes_ = std::move(writes);
  }
  [[nodiscard]] std::uint16_t source() const noexcept { return source_; }
  /// For who is not the guest.
  [[nodiscard]] Disk& unwatched() noexcept { return disk_; }

  [[nodiscard]] std::uint64_t capacity() const noexcept { return disk_.capacity(); }
  [[nodiscard]] std::uint32_t block_size() const noexcept { return disk_.block_size(); }

  /// All of them: failed for what is refused.
  status read(std::uint64_t offset, bytes_span out) noexcept {
    if (!allows(reads_, hal::access::disk_read, offset, out.size())) return status::failed;
    return disk_.read(offset, out);
  }
  status write(std::uint64_t offset, bytes_view in) noexcept {
    if (!allows(writes_, hal::access::disk_write, offset, in.size(), in)) return status::failed;
    return disk_.write(offset, in);
  }
  status flush() noexcept
    requires requires(Disk& disk) { disk.flush(); }
  {
    return disk_.flush();
  }
  status discard(std::uint64_t offset, std::uint64_t length) noexcept
    requires requires(Disk& disk) { disk.discard(offset, length); }
  {
    if (!allows(writes_, hal::access::disk_trim, offset, length)) return status::failed;
    return disk_.discard(offset, length);
  }

 private:
  bool allows(const range_set& where, hal::access what, std::uint64_t offset, std::uint64_t length,
              bytes_view written = {}) noexcept {
    if (!where.overlaps(offset, length)) return true;
    return judge_({.address = offset, .value = length, .source = source_, .what = what}, written);
  }

  Disk disk_;
  Judge judge_;
  std::uint16_t source_;
  range_set reads_;
  range_set writes_;
};

}  // namespace shoal::monitor
