// SPDX-License-Identifier: BSL-1.0
//
// memory_device: a disk in memory. Sparse: what was never written costs nothing.
//
//     memory_device disk{64_MiB};
//     co_await disk.write(4096, sector, io_flags::none);
//     lease view = disk.try_lend(4096, 512);      // no copy; a later write does not change it
//
// For scratch disks, for tests, and as the top of a copy-on-write overlay. Nothing survives the process.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/error.hpp>
#include <shoal/block/concepts.hpp>
#include <shoal/block/extent_list.hpp>
#include <shoal/task/lease.hpp>
#include <shoal/task/task.hpp>

namespace shoal {

/// A sparse disk in memory. Every operation ends at once. A lease keeps its bytes as they were: a write to
/// leased bytes goes to a copy. Running out of memory is errc::no_space.
class memory_device {
 public:
  /// Storage comes in pieces of this many bytes; no lease is longer.
  static constexpr std::size_t chunk_size = 4096;
  /// The table of pieces takes 8 bytes for every 4 MiB of size, so there is a bound: 256 TiB.
  static constexpr std::uint64_t max_size = std::uint64_t{1} << 48;

  /// @param size  in bytes
  /// @throws std::bad_alloc if size is greater than max_size
  explicit memory_device(std::uint64_t size) : size_(size), regions_(region_count(size)) {}

  [[nodiscard]] device_info info() const noexcept { return {.size = size_, .fua = true, .multi_conn = true}; }

  task<> read(std::uint64_t offset, bytes_span out) {
    return try_read(offset, out) ? done() : failed(errc::out_of_range);
  }

  /// Fails only when the range is not inside the device.
  [[nodiscard]] bool try_read(std::uint64_t offset, bytes_span out) noexcept {
    if (!contains(size_, offset, out.size())) return false;
    while (!out.empty()) {
      const std::size_t n = part(offset, out.size());
      if (const chunk* from = find(offset)) {
        std::memcpy(out.data(), from->data() + within(offset), n);
      } else {
        std::memset(out.data(), 0, n);
      }
      offset += n;
      out = out.subspan(n);
    }
    return true;
  }

  task<> write(std::uint64_t offset, bytes_view in, io_flags flags) {
    if (!contains(size_, offset, in.size())) return failed(errc::out_of_range);
    return try_write(offset, in, flags) ? done() : failed(errc::no_space);
  }

  /// Fails only when the range is not inside the device or memory runs out.
  [[nodiscard]] bool try_write(std::uint64_t offset, bytes_view in, io_flags) noexcept try {
    if (!contains(size_, offset, in.size())) return false;
    while (!in.empty()) {
      const std::size_t n = part(offset, in.size());
      std::memcpy(own(offset, n == chunk_size).data() + within(offset), in.data(), n);
      offset += n;
      in = in.subspan(n);
    }
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }

  task<> flush() { return done(); }

  /// The range reads as zeroes afterwards; whole pieces of storage are given back.
  task<> trim(std::uint64_t offset, std::uint64_t length, io_flags flags) {
    return zero(offset, length, flags | io_flags::may_trim);
  }

  task<> zero(std::uint64_t offset, std::uint64_t length, io_flags flags) {
    if (!contains(size_, offset, length)) return failed(errc::out_of_range);
    return clear(offset, length, has(flags, io_flags::may_trim)) ? done() : failed(errc::no_space);
  }

  /// A hole is a piece of storage that was never written, or that was trimmed as a whole.
  task<std::vector<extent>> extents(std::uint64_t offset, std::uint64_t length) {
    if (!contains(size_, offset, length)) return failed<std::vector<extent>>(errc::out_of_range);
    extent_list found;
    while (length != 0 && !found.full()) {
      const bool hole = find(offset) == nullptr;
      const std::uint64_t n = std::min(
          length, has_region(offset) ? chunk_size - within(offset) : region_size - offset % region_size);
      found.add({.length = n, .hole = hole, .zero = hole});
      offset += n;
      length -= n;
    }
    return done(std::move(found).take());
  }

  /// Always lends, lease::zeroes() where nothing was written. Ends at the end of a chunk.
  [[nodiscard]] lease try_lend(std::uint64_t offset, std::size_t n) noexcept {
    if (n == 0 || !contains(size_, offset, n)) return {};
    const std::size_t at = within(offset);
    const std::size_t lent = part(offset, n);
    if (find(offset) == nullptr) return lease::zeroes(lent);
    const std::shared_ptr<chunk>& from = slot(offset);
    return {from, bytes_view{*from}.subspan(at, lent)};
  }

 private:
  using chunk = std::array<std::byte, chunk_size>;
  static constexpr std::size_t chunks_per_region = 1024;
  static constexpr std::uint64_t region_size = chunks_per_region * chunk_size;
  using region = std::array<std::shared_ptr<chunk>, chunks_per_region>;

  static std::size_t region_count(std::uint64_t size) {
    if (size > max_size) throw std::bad_alloc();
    return static_cast<std::size_t>((size + region_size - 1) / region_size);
  }
  static std::size_t within(std::uint64_t offset) noexcept {
    return static_cast<std::size_t>(offset % chunk_size);
  }
  static std::size_t part(std::uint64_t offset, std::uint64_t n) noexcept {
    return static_cast<std::size_t>(std::min<std::uint64_t>(n, chunk_size - within(offset)));
  }

  bool has_region(std::uint64_t offset) const noexcept {
    return regions_[static_cast<std::size_t>(offset / region_size)] != nullptr;
  }
  std::shared_ptr<chunk>& slot(std::uint64_t offset) const noexcept {
    return (*regions_[static_cast<std::size_t>(offset / region_size)])[offset / chunk_size % chunks_per_region];
  }
  const chunk* find(std::uint64_t offset) const noexcept {
    return has_region(offset) ? slot(offset).get() : nullptr;
  }

  // The chunk at `offset`, made if it is missing and copied if a lease holds it. What is in it does not matter
  // to who overwrites all of it.
  chunk& own(std::uint64_t offset, bool overwritten) {
    auto& home = regions_[static_cast<std::size_t>(offset / region_size)];
    if (!home) home = std::make_unique<region>();
    std::shared_ptr<chunk>& mine = slot(offset);
    if (overwritten && (!mine || mine.use_count() != 1)) {
      mine = std::make_shared_for_overwrite<chunk>();
    } else if (!mine) {
      mine = std::make_shared<chunk>();
    } else if (mine.use_count() != 1) {
      mine = std::make_shared<chunk>(*mine);
    } else {
      // The last lease may have ended on another thread: what it read has to be read before we write.
      std::atomic_thread_fence(std::memory_order_acquire);
    }
    return *mine;
  }

  bool clear(std::uint64_t offset, std::uint64_t length, bool may_trim) noexcept try {
    while (length != 0) {
      const bool absent = !has_region(offset);
      if (absent && may_trim) {
        const std::uint64_t skipped = std::min(length, region_size - offset % region_size);
        offset += skipped;
        length -= skipped;
        continue;
      }
      const std::size_t n = part(offset, length);
      const bool whole = within(offset) == 0 && (n == chunk_size || offset + n == size_);
      if (may_trim && whole) {
        slot(offset).reset();
      } else if (!may_trim || find(offset) != nullptr) {
        std::memset(own(offset, n == chunk_size).data() + within(offset), 0, n);
      }
      offset += n;
      length -= n;
    }
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }

  std::uint64_t size_;
  std::vector<std::unique_ptr<region>> regions_;
};

static_assert(block_device<memory_device> && can_trim<memory_device> && can_zero<memory_device> &&
              can_extents<memory_device> && can_lend<memory_device> && can_try_read<memory_device> &&
              can_try_write<memory_device>);

}  // namespace shoal
