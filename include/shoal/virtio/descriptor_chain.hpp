// SPDX-License-Identifier: BSL-1.0
//
// descriptor_chain: the buffers of one request, as a split_queue has found and checked them, and the ways to
// copy from and to such buffers.
//
//     std::array<std::byte, 16> header;
//     if (gather(chain.readable(), 0, header) != header.size()) return refuse();
//     scatter(chain.writable(), 0, answer);
//
// The buffers are the guest's memory: what is in them may change at any time, so it is copied out before it is
// looked at.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <shoal/base/bytes.hpp>
#include <shoal/hal/guest_memory.hpp>

namespace shoal::virtio {

/// Buffers that the device reads, then those that it writes, in the driver's order. None is empty.
class descriptor_chain {
 public:
  static constexpr std::size_t max_buffers = 1024;

  /// By which the driver knows the request.
  [[nodiscard]] std::uint16_t head() const noexcept { return head_; }
  [[nodiscard]] std::span<const bytes_span> readable() const noexcept { return {buffers_.data(), readable_}; }
  [[nodiscard]] std::span<const bytes_span> writable() const noexcept {
    return std::span{buffers_}.subspan(readable_, count_ - readable_);
  }
  /// Bytes; together at most max_bytes.
  [[nodiscard]] std::uint32_t readable_bytes() const noexcept { return readable_bytes_; }
  [[nodiscard]] std::uint32_t writable_bytes() const noexcept { return writable_bytes_; }

  void clear(std::uint16_t head) noexcept {
    head_ = head;
    count_ = readable_ = 0;
    readable_bytes_ = writable_bytes_ = 0;
  }
  /// False when there is no room, when it is too long together with the others, or when it is to be read and
  /// comes after one to be written.
  [[nodiscard]] bool add(bytes_span buffer, bool writable) noexcept {
    if (count_ == max_buffers || (!writable && readable_ != count_)) return false;
    if (buffer.size() > max_bytes - readable_bytes_ - writable_bytes_) return false;
    buffers_[count_++] = buffer;
    (writable ? writable_bytes_ : readable_bytes_) += static_cast<std::uint32_t>(buffer.size());
    if (!writable) readable_ = count_;
    return true;
  }

  /// Of all buffers of a chain together (section 2.7.4 forbids 4 GiB and more).
  static constexpr std::uint32_t max_bytes = 0xffff'ffff;

 private:
  std::array<bytes_span, max_buffers> buffers_;
  std::size_t count_ = 0;
  std::size_t readable_ = 0;
  std::uint32_t readable_bytes_ = 0;
  std::uint32_t writable_bytes_ = 0;
  std::uint16_t head_ = 0;
};

/// Calls `visit(part)` for the pieces that bytes [skip, skip + length) of the buffers are in, as far as they
/// reach. Returns how many bytes that were.
template <class Visit>
std::size_t for_each_part(std::span<const bytes_span> buffers, std::uint64_t skip, std::size_t length,
                          Visit&& visit) {
  std::size_t done = 0;
  for (const bytes_span buffer : buffers) {
    if (skip >= buffer.size()) {
      skip -= buffer.size();
      continue;
    }
    if (done == length) break;
    const auto at = static_cast<std::size_t>(skip);
    const std::size_t n = std::min(length - done, buffer.size() - at);
    visit(buffer.subspan(at, n));
    done += n;
    skip = 0;
  }
  return done;
}

/// Copies what the buffers hold from byte `skip` on. Returns how many bytes there were: less than out.size() at
/// the end.
inline std::size_t gather(std::span<const bytes_span> buffers, std::uint64_t skip, bytes_span out) noexcept {
  return for_each_part(buffers, skip, out.size(), [&](bytes_span part) {
    hal::copy_once(out.first(part.size()), part);
    out = out.subspan(part.size());
  });
}

/// Stores `in` in the buffers from byte `skip` on. Returns how much of it had room.
inline std::size_t scatter(std::span<const bytes_span> buffers, std::uint64_t skip, bytes_view in) noexcept {
  return for_each_part(buffers, skip, in.size(), [&](bytes_span part) {
    hal::copy_once(part, in.first(part.size()));
    in = in.subspan(part.size());
  });
}

}  // namespace shoal::virtio
