// SPDX-License-Identifier: BSL-1.0
//
// blocking_disk: any block device as what a guest's block calls need: it is done when it returns.
//
//     blocking_disk disk{any_device{std::move(file)}, blocking_caller::here(context)};
//     block_calls<blocking_disk<any_device>> disks;
//     if (const status s = disks.attach(devices, "storage", disk); s != status::ok) return s;
//
// A device of the calling thread is used without a coroutine as far as it can do without. Of one that another
// thread owns and that nobody writes, what it lends is kept, so that a guest that reads block by block does not
// wait for each.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include <shoal/base/bytes.hpp>
#include <shoal/base/error.hpp>
#include <shoal/base/result.hpp>
#include <shoal/base/status.hpp>
#include <shoal/block/concepts.hpp>
#include <shoal/hypercall/block_calls.hpp>
#include <shoal/task/blocking_caller.hpp>
#include <shoal/task/lease.hpp>
#include <shoal/task/task.hpp>

namespace shoal::posix {

/// What a guest is told of a failure: timed_out for a wait that was called off.
[[nodiscard]] inline status status_of(const result<>& done) noexcept {
  if (done) return status::ok;
  const std::error_code why = done.error();
  if (why == errc::canceled || why == errc::timed_out) return status::timed_out;
  if (why == errc::out_of_range) return status::out_of_range;
  if (why == errc::read_only || why == errc::unsupported) return status::unsupported;
  return status::failed;
}

/// One thread: the guest's. What of a device is not a whole block does not exist.
template <block_device D>
class blocking_disk {
 public:
  /// @param block  bytes, a power of two; more if the device has larger ones
  blocking_disk(D device, blocking_caller call, std::uint32_t block = 512)
      : device_(std::move(device)),
        call_(std::move(call)),
        info_(device_.info()),
        block_(std::max(block, info_.min_io)) {}

  [[nodiscard]] std::uint64_t capacity() const noexcept { return info_.size / block_ * block_; }
  [[nodiscard]] std::uint32_t block_size() const noexcept { return block_; }

  status read(std::uint64_t offset, bytes_span out) noexcept {
    return in_pieces(offset, out, [this](std::uint64_t at, bytes_span piece) { return read_piece(at, piece); });
  }
  status write(std::uint64_t offset, bytes_view in) noexcept {
    if (info_.read_only) return status::unsupported;
    return in_pieces(offset, in, [this](std::uint64_t at, bytes_view piece) { return write_piece(at, piece); });
  }
  status flush() noexcept {
    if (info_.read_only) return status::ok;
    return status_of(call_([this] { return device_.flush(); }));
  }
  status discard(std::uint64_t offset, std::uint64_t length) noexcept
    requires can_trim<D>
  {
    if (info_.read_only) return status::unsupported;
    return status_of(call_([this, offset, length] { return device_.trim(offset, length, io_flags::none); }));
  }

 private:
  static constexpr std::size_t lent_at_most = 1u << 20;

  template <class Bytes, class One>
  status in_pieces(std::uint64_t offset, Bytes bytes, One one) noexcept {
    while (!bytes.empty()) {
      const std::size_t length = std::min<std::size_t>(bytes.size(), info_.max_io);
      if (const status s = one(offset, bytes.first(length)); s != status::ok) return s;
      offset += length;
      bytes = bytes.subspan(length);
    }
    return status::ok;
  }

  status read_piece(std::uint64_t offset, bytes_span out) noexcept {
    if (call_.is_here()) {
      if constexpr (can_try_read<D>) {
        if (device_.try_read(offset, out)) return status::ok;
      }
      return status_of(call_([this, offset, out] { return device_.read(offset, out); }));
    }
    if (contains(lent_.size(), offset - lent_at_, out.size())) {
      std::memcpy(out.data(), lent_.bytes().data() + (offset - lent_at_), out.size());
      return status::ok;
    }
    const result<lease> got = call_([this, offset, out] { return read_and_lend(device_, offset, out); });
    if (!got) return status_of(got.error());
    if (info_.read_only) {
      lent_ = *got;
      lent_at_ = offset;
    }
    return status::ok;
  }
  status write_piece(std::uint64_t offset, bytes_view in) noexcept {
    if constexpr (can_try_write<D>) {
      if (call_.is_here() && device_.try_write(offset, in, io_flags::none)) return status::ok;
    }
    return status_of(call_([this, offset, in] { return device_.write(offset, in, io_flags::none); }));
  }

  /// On the device's strand.
  static task<lease> read_and_lend(D& device, std::uint64_t offset, bytes_span out) {
    const result<> done = co_await device.read(offset, out);
    if (!done) co_return done.error();
    if constexpr (can_lend<D>) {
      const std::uint64_t left = device.info().size - offset;
      co_return device.try_lend(offset, static_cast<std::size_t>(std::min<std::uint64_t>(left, lent_at_most)));
    }
    co_return lease{};
  }

  D device_;
  blocking_caller call_;
  device_info info_;
  std::uint32_t block_;
  lease lent_;  // of a device that nobody writes: its bytes from lent_at_ on
  std::uint64_t lent_at_ = 0;
};

}  // namespace shoal::posix
